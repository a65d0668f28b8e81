import Foundation
import GapuraTokens
import Testing

@Suite("Fetching key sets with URLSession")
struct JWKSFetcherTests {
    @Test(
        "a 200 answer is given back; redirects, other statuses, long and late answers are refused",
        .timeLimit(.minutes(1)))
    func answers() async throws {
        let server = try PythonScript("jwks_server.py")
        defer { _ = try? server.finish() }
        let line = String(decoding: server.output.fileHandleForReading.availableData, as: UTF8.self)
        let port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))
        let fetcher = JWKSFetcher.urlSession(timeout: 2)
        let base = "http://127.0.0.1:\(port)"

        #expect(try await fetcher.fetch("\(base)/jwks") == Array(#"{"keys":[]}"#.utf8))
        for path in ["/redirect", "/missing", "/large", "/endless", "/slow"] {
            let failure = await #expect(throws: JWKSFetcher.Failure.self, "\(path)") {
                try await fetcher.fetch(base + path)
            }
            switch path {
            case "/redirect": #expect(failure?.description == "a redirect")
            case "/missing": #expect(failure?.description == "status 404")
            case "/large", "/endless": #expect(failure?.description == "more than 262144 bytes")
            // By our own deadline, or by URLSession's where that comes first.
            default: #expect(["no answer in time", "no answer"].contains(failure?.description))
            }
        }
        let slow = Task { try await fetcher.fetch("\(base)/slow") }
        slow.cancel()
        await #expect(throws: JWKSFetcher.Failure.self) { try await slow.value }
        await #expect(throws: JWKSFetcher.Failure.self) { try await fetcher.fetch("http://127.0.0.1:1/jwks") }
    }

    @Test(
        "plain http beyond this machine, and what is no URL, is refused",
        arguments: ["http://masuk.kota.example/jwks", "ftp://masuk.kota.example/", "file:///etc/passwd", "", "jwks"])
    func schemes(url: String) async {
        await #expect(throws: JWKSFetcher.Failure.self) { try await JWKSFetcher.urlSession().fetch(url) }
    }
}
