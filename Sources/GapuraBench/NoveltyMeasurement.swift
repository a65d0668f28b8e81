import GapuraFormats
import GapuraTokens

/// What the gateway remembers of a million requests that have nothing in common: addresses, clients, secrets, tokens,
/// sessions, languages, origins, requests for a sign-in (attack 313).
struct NoveltyMeasurement {
    let city: CityUnderTest
    let gateway: ChildServer
    /// How many requests, each with its own number in it.
    let count: Int

    func run(_ report: Report) throws {
        let load = LoadGenerator(folder: city.folder, seconds: 5, connections: 32)
        // What is allocated once is there after these.
        var sent = try send(load, from: 0, atLeast: count / 10)
        let before = gateway.figures.residentMegabytes()
        let first = sent
        var seconds = 0.0
        while sent < first + count {
            let outcome = try load.runCountingErrors(requests(), at: city.url, first: sent)
            guard outcome.brokenConnections == 0 else { throw BenchError("broken connections under novelties") }
            sent += Int(outcome.answers)
            seconds += outcome.answers / outcome.perSecond
        }
        report.add(
            Line(
                "growth of memory by \(count) distinct requests", gateway.figures.residentMegabytes() - before, "MB",
                .atMost(50),
                ceiling:
                    "\(Int(before)) MB before; \(sent - first) answers, \(Int(Double(sent - first) / seconds)) /s"
            ))
    }

    private func send(_ load: LoadGenerator, from first: Int, atLeast count: Int) throws -> Int {
        var sent = first
        while sent < first + count {
            sent += Int(try load.runCountingErrors(requests(), at: city.url, first: sent).answers)
        }
        return sent
    }

    /// A number has eight digits, as its mark has characters, so that lengths stay right.
    private func requests() -> [LoadRequest] {
        let form = (name: "Content-Type", value: "application/x-www-form-urlencoded")
        let common = [
            (name: "X-Forwarded-For", value: "2001:db8:@high@:@low@::1"),
            (name: "Accept-Language", value: "x-@number@"),
        ]
        let query = FormURLEncoded.encode([
            ("response_type", "code"), ("client_id", "bench"), ("redirect_uri", CityUnderTest.redirectURI),
            ("scope", CityUnderTest.signInScope), ("code_challenge_method", "S256"),
            ("code_challenge", Base64URL.encode(SHA256.hash(BenchBrowser.verifier))),
        ])
        return [
            LoadRequest(path: "/oauth2/authorize?\(query)&state=@number@", headers: common),
            LoadRequest(
                path: "/masuk", headers: common + [("Cookie", "gapura-session=s@number@; gapura-flow=f@number@")]),
            LoadRequest(
                method: "POST", path: "/oauth2/token", headers: common + [form],
                body: "grant_type=client_credentials&client_id=c@number@&client_secret=s@number@"),
            LoadRequest(
                method: "POST", path: "/oauth2/revoke", headers: common + [form],
                body: "client_id=bench&client_secret=s@number@&token=t@number@"),
            LoadRequest(
                method: "POST", path: "/oauth2/par", headers: common + [form],
                body: "client_id=p@number@&state=@number@"),
            LoadRequest(path: "/oauth2/userinfo", headers: common + [("Authorization", "Bearer b@number@")]),
            LoadRequest(path: "/tidak-ada-@number@", headers: common + [("Origin", "https://o@number@.invalid")]),
        ]
    }
}
