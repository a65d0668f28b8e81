import ArgumentParser
import Hummingbird
import Logging
import NIOCore

/// The least that an answer costs with this HTTP server: a route that reads the body and answers ready bytes.
struct BareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bare",
        abstract: "Serves a bare Hummingbird route on 127.0.0.1 that answers so many bytes, until it is stopped."
    )

    @Option(help: "Port.") var port: Int
    @Option(help: "Bytes of the answer.") var bytes: Int

    func run() async throws {
        let router = Router()
        let body = ByteBuffer(repeating: UInt8(ascii: "x"), count: bytes)
        let answer = Response(
            status: .ok, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: body))
        router.get("/") { _, _ in answer }
        router.post("/") { request, _ in
            _ = try await request.body.collect(upTo: 64 * 1024)
            return answer
        }
        var logger = Logger(label: "bare")
        logger.logLevel = .error
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port), serverName: nil),
            logger: logger)
        try await application.runService()
    }
}
