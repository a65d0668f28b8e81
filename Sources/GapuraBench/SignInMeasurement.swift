/// Full sign-ins, from the application's redirect over the form to the tokens.
struct SignInMeasurement {
    /// As the kernel shows it: the first 15 bytes of the threads' names.
    static let passwordThreads = "gapura-password"

    let browser: BenchBrowser
    let gateway: ChildServer
    let people: [BenchBrowser.Person]
    let count: Int

    /// - Returns: the access tokens that people got, JWTs and opaque ones.
    func run(_ report: Report) async throws -> (jwt: [String], opaque: [String]) {
        for person in people.prefix(5) { _ = try await browser.signIn(person) }
        let before = try gateway.figures.processorTime()
        var jwt: [String] = []
        for index in 0..<count { jwt.append(try await browser.signIn(people[index % people.count])) }
        let after = try gateway.figures.processorTime()
        func spent(without prefix: String?) -> Double {
            (after.microseconds(without: prefix) - before.microseconds(without: prefix)) / Double(count) / 1000
        }
        let (all, own) = (spent(without: nil), spent(without: Self.passwordThreads))
        let digits = (all * 10).rounded() / 10
        report.add(
            Line(
                "one full sign-in, form to tokens", own, "ms", .atMost(5),
                ceiling: "\(digits) ms with the password pool's threads"))
        guard all > own * 1.5 else { throw BenchError("the password pool's threads are not to be found") }

        var opaque: [String] = []
        let start = ContinuousClock.now
        let (browser, people, perTask) = (browser, people, count / 8)
        try await withThrowingTaskGroup(of: [String].self) { group in
            for task in 0..<8 {
                group.addTask {
                    var tokens: [String] = []
                    for index in 0..<perTask {
                        tokens.append(
                            try await browser.signIn(people[(task + index * 8) % people.count], client: "bench-opaque"))
                    }
                    return tokens
                }
            }
            for try await tokens in group { opaque += tokens }
        }
        let seconds = (ContinuousClock.now - start).inSeconds
        report.add(
            Line("sign-ins, 8 at once", Double(opaque.count) / seconds, "/s", ceiling: "Argon2id 19 MiB, 2 passes"))
        return (jwt, opaque)
    }
}
