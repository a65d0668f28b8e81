import Foundation
import GapuraFormats

/// Userinfo and introspection against a bare route of the same server that reads and answers as many bytes.
struct ReadingMeasurement {
    /// Times the bare route.
    private static let most = 2.5

    let city: CityUnderTest
    let gateway: ChildServer
    let load: LoadGenerator
    /// Of many people, so that no cache of one token can help.
    let tokens: (jwt: [String], opaque: [String])

    func run(_ report: Report) async throws {
        for (form, tokens) in [("JWT", tokens.jwt), ("opaque", tokens.opaque)] {
            try await compare(
                "userinfo, \(form)",
                tokens.map { LoadRequest(path: "/oauth2/userinfo", headers: [("Authorization", "Bearer \($0)")]) },
                report)
        }
        let client = try city.client("arsip")
        for (form, tokens) in [("JWT", tokens.jwt), ("opaque", tokens.opaque)] {
            let requests = tokens.map { token in
                LoadRequest(
                    method: "POST", path: "/oauth2/introspect",
                    headers: [client.basic, ("Content-Type", "application/x-www-form-urlencoded")],
                    body: FormURLEncoded.encode([("token", token)])
                )
            }
            try await compare("introspection, \(form)", requests, report)
        }
        let keys = try load.run([LoadRequest(path: "/oauth2/jwks")], at: city.url)
        report.add(Line("JWKS", keys.perSecond, "/s", ceiling: "p99 \(keys.p99) ms"))
    }

    private func compare(_ what: String, _ requests: [LoadRequest], _ report: Report) async throws {
        guard let first = requests.first else { throw BenchError("no tokens") }
        let browser = BenchBrowser(city: city)
        let bytes: Int
        do {
            let answer = try await browser.fetch(first)
            guard answer.count > 30 else { throw BenchError("\(what): \(String(decoding: answer, as: UTF8.self))") }
            bytes = answer.count
        } catch {
            try await browser.shutdown()
            throw error
        }
        try await browser.shutdown()

        let port = try FreePort.find()
        let bare = try ChildServer(
            Bundle.main.executablePath ?? "", ["bare", "--port", "\(port)", "--bytes", "\(bytes)"], environment: [:],
            port: port, path: "/",
            log: "\(city.folder)/bare.log"
        )
        defer { bare.stop() }
        let bareRequests = requests.map { request in
            var request = request
            request.path = "/"
            return request
        }
        _ = try load.run(bareRequests, at: bare.url, seconds: 1)
        _ = try load.run(requests, at: city.url, seconds: 1)
        var ceiling: [Double] = []
        var ours: [Double] = []
        var perSecond: [Double] = []
        for _ in 0..<3 {
            ceiling.append(try load.cost(bareRequests, at: bare.url, of: bare).microseconds)
            let (cost, outcome) = try load.cost(requests, at: city.url, of: gateway)
            ours.append(cost)
            perSecond.append(outcome.perSecond)
        }
        report.add(
            Line(
                what, ours.median / ceiling.median, "times", .atMost(Self.most),
                ceiling:
                    "\(Int(ours.median.rounded())) µs, bare route \(Int(ceiling.median.rounded())) µs, \(bytes) bytes, \(requests.count) tokens, \(Int(perSecond.median)) /s"
            )
        )
    }
}
