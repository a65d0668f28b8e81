/// What the gateway holds after minutes of mixed load: tokens of every kind, introspection, userinfo, pages, and
/// sign-ins without a pause.
struct MemoryMeasurement {
    let city: CityUnderTest
    let gateway: ChildServer
    let tokens: (jwt: [String], opaque: [String])
    let seconds: Int

    func run(_ report: Report, browser: BenchBrowser, people: [BenchBrowser.Person]) async throws {
        let requests = try requests()
        let load = LoadGenerator(folder: city.folder, seconds: seconds, connections: 64)
        let url = city.url
        let deadline = ContinuousClock.now + .seconds(seconds)
        let (outcome, signIns) = try await withThrowingTaskGroup(of: Int.self) { group in
            for task in 0..<4 {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now < deadline {
                        _ = try await browser.signIn(people[(task + count * 4) % people.count])
                        count += 1
                    }
                    return count
                }
            }
            let outcome = try load.run(requests, at: url)
            var signIns = 0
            for try await count in group { signIns += count }
            return (outcome, signIns)
        }
        let peak = Int(gateway.figures.peakMegabytes().rounded())
        report.add(
            Line(
                "memory after \(seconds) s of load", gateway.figures.residentMegabytes(), "MB", .atMost(128),
                ceiling:
                    "resident, peak \(peak) MB; \(Int(outcome.answers)) answers, p99 \(outcome.p99) ms, \(signIns) sign-ins"
            )
        )
    }

    private func requests() throws -> [LoadRequest] {
        let form = ("Content-Type", "application/x-www-form-urlencoded")
        let arsip = try city.client("arsip")
        let machines = try (Algorithm.allCases.map { "machine-\($0.rawValue)" } + ["machine-opaque"]).map {
            try city.client($0)
        }
        var requests: [LoadRequest] = []
        for (jwt, opaque) in zip(tokens.jwt, tokens.opaque) {
            for token in [jwt, opaque] {
                requests.append(LoadRequest(path: "/oauth2/userinfo", headers: [("Authorization", "Bearer \(token)")]))
                requests.append(
                    LoadRequest(
                        method: "POST", path: "/oauth2/introspect", headers: [arsip.basic, form], body: "token=\(token)"
                    ))
            }
            let machine = machines[requests.count / 8 % machines.count]
            requests.append(
                LoadRequest(
                    method: "POST", path: "/oauth2/token", headers: [machine.basic, form],
                    body: "grant_type=client_credentials"))
            requests.append(LoadRequest(path: "/masuk"))
            requests.append(LoadRequest(path: "/oauth2/jwks"))
            requests.append(LoadRequest(path: "/.well-known/openid-configuration"))
        }
        return requests
    }
}
