/// The token endpoint under client credentials: what an answer costs the server beyond its one signature.
struct TokenMeasurement {
    /// Microseconds on top of the signature.
    private static let allowance = 160.0

    let city: CityUnderTest
    let gateway: ChildServer
    let load: LoadGenerator
    let signatures: [Algorithm: SignatureCost]

    func run(_ report: Report) throws {
        for algorithm in Algorithm.allCases {
            guard let signature = signatures[algorithm]?.sign else { continue }
            let (cost, outcome) = try measure(try city.client("machine-\(algorithm.rawValue)"))
            report.add(
                Line(
                    "token, client credentials, \(algorithm.rawValue)", (cost - signature) / 1000, "ms",
                    .atMost(Self.allowance / 1000),
                    ceiling:
                        "beyond one signature of \(Int(signature.rounded())) µs; \(Int(cost.rounded())) µs in all, \(Int(outcome.perSecond)) /s, p99 \(outcome.p99) ms"
                )
            )
        }
        let (cost, outcome) = try measure(try city.client("machine-opaque"))
        report.add(
            Line(
                "token, client credentials, opaque", cost / 1000, "ms",
                ceiling: "written to disk; \(Int(outcome.perSecond)) /s, p99 \(outcome.p99) ms"))
    }

    private func measure(_ client: CityUnderTest.Client) throws -> (Double, LoadGenerator.Outcome) {
        let request = LoadRequest(
            method: "POST", path: "/oauth2/token",
            headers: [client.basic, ("Content-Type", "application/x-www-form-urlencoded")],
            body: "grant_type=client_credentials"
        )
        _ = try load.run([request], at: city.url, seconds: 1)
        var rounds: [(Double, LoadGenerator.Outcome)] = []
        for _ in 0..<3 { rounds.append(try load.cost([request], at: city.url, of: gateway)) }
        rounds.sort { $0.0 < $1.0 }
        return rounds[1]
    }
}
