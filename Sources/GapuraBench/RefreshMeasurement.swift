import Foundation
import GapuraFormats

/// How long one client waits for a refresh, beside what it cannot do without: one signature and one commit on disk.
struct RefreshMeasurement {
    static let client = "bench-refresh"

    let city: CityUnderTest
    let root: String
    let browser: BenchBrowser
    /// Of ES256, by the bare loop.
    let signature: SignatureCost
    let load: LoadGenerator

    func run(_ report: Report, person: BenchBrowser.Person) async throws {
        try Self.register(in: city)
        let tokens = try await BenchBrowser.using(city) { try await $0.signedIn(person, client: Self.client).tokens }
        guard let token = tokens["refresh_token"]?.string else { throw BenchError("no refresh token") }
        let request = Self.request(token, try city.client(Self.client))
        let answer = try await browser.answer(request)
        guard answer.status == 200, try StrictJSON.parse(answer.body)["id_token"] == nil else {
            throw BenchError("refresh: \(answer.status), or with an ID token, which is a second signature")
        }
        var one = load
        one.connections = 1
        _ = try one.run([request], at: city.url, seconds: 1)
        var (waits, commits, perSecond): ([Double], [Double], [Double]) = ([], [], [])
        for _ in 0..<3 {
            commits.append(try commit())
            let outcome = try one.run([request], at: city.url)
            waits.append(outcome.p50 * 1000)
            perSecond.append(outcome.perSecond)
        }
        let bare = signature.sign + commits.median
        report.add(
            Line(
                "refresh, ES256, one connection: p50", waits.median / bare, "times", .atMost(1.5),
                ceiling:
                    "\(Int(waits.median)) µs; one signature \(Int(signature.sign.rounded())) µs and one durable commit \(Int(commits.median)) µs; \(Int(perSecond.median)) /s"
            ))
    }

    /// Confidential, so that its refresh token stays the same.
    static func register(in city: CityUnderTest) throws {
        guard city.clients[client] == nil else { return }
        try city.addClient(
            client,
            [
                "--redirect-uri", CityUnderTest.redirectURI, "--scope", CityUnderTest.signInScope,
                "--grant-type", "authorization_code,refresh_token", "--access-token-alg", "ES256",
                "--id-token-alg", "ES256",
            ])
    }

    /// Without `openid`, so that one token is signed and not two.
    static func request(_ token: String, _ client: CityUnderTest.Client) -> LoadRequest {
        LoadRequest(
            method: "POST", path: "/oauth2/token",
            headers: [client.basic, ("Content-Type", "application/x-www-form-urlencoded")],
            body: FormURLEncoded.encode([
                ("grant_type", "refresh_token"), ("refresh_token", token), ("scope", "profile"),
            ]))
    }

    /// Microseconds, on the disk of the gateway's database.
    private func commit() throws -> Double {
        let outcome = try ChildProcess.run(
            "/usr/bin/env",
            ["python3", "\(root)/Sources/GapuraBench/Python/commit_rate.py", "\(city.folder)/commits.sqlite"])
        guard let micros = Double(outcome.text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw BenchError("no commits: \(outcome.text)")
        }
        return micros
    }
}
