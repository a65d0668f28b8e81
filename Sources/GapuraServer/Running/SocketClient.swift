import AsyncHTTPClient
import Gapura
import GapuraFormats
import NIOCore
import NIOHTTP1

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The command's end of the gateway's socket.
struct SocketClient: Sendable {
    let path: String

    init(folder: String) throws {
        path = try SocketPath.make(in: folder)
    }

    /// Whether a gateway listens. A socket that a crash left behind refuses and counts as none.
    func isListening() throws -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        #if canImport(Glibc)
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result == 0 { return true }
        guard errno == EACCES || errno == EPERM else { return false }
        throw OperationError(
            .refused, "The gateway runs as another user; run this command as that user (its socket is \(path)).",
            id: "Gerbang berjalan sebagai pengguna lain; jalankan perintah ini sebagai pengguna itu (soketnya \(path))."
        )
    }

    func run(_ operation: String, _ arguments: JSONObject, progress: @Sendable (Double, String) -> Void) async throws
        -> JSONValue
    {
        var request = HTTPClientRequest(
            url: "http+unix://\(FormURLEncoded.percentEncode(path))/operations/\(operation)"
        )
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: arguments.encoded()))
        do {
            // A load of a province takes minutes; the operation itself knows its limits.
            let response = try await HTTPClient.shared.execute(request, deadline: .now() + .hours(12))
            var lines = LineBuffer()
            for try await chunk in response.body {
                lines.append(chunk.readableBytesView)
                while let line = lines.next() {
                    switch OperationLine(line) {
                    case .result(let value): return value
                    case .failure(let error): throw error
                    case .progress(let share, let text): progress(share, text)
                    case nil: throw Self.lost
                    }
                }
                guard lines.rest <= OperationLine.maximumBytes else { throw Self.lost }
            }
        } catch let error as OperationError {
            throw error
        } catch {
            throw Self.lost
        }
        throw Self.lost
    }

    private static let lost = OperationError(
        .unavailable, "The gateway stopped answering; look whether it runs, then whether the change was made.",
        id: "Gerbang berhenti menjawab; periksa apakah masih berjalan, lalu apakah perubahan sudah terjadi."
    )
}
