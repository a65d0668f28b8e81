import Foundation

/// One request that `wrk` sends. `@number@` in it becomes the eight digits of its place in the round, `@high@` its first
/// four and `@low@` its last four, in path, headers and body alike.
struct LoadRequest {
    var method = "GET"
    var path: String
    var headers: [(name: String, value: String)] = []
    var body: String?
}

/// Load by `wrk`: bounded in time, on 127.0.0.1 only.
struct LoadGenerator {
    let folder: String
    /// Of one round.
    let seconds: Int
    /// Enough that the server always has something to do, few enough that nothing queues for long.
    var connections = 16

    struct Outcome {
        let answers: Double
        let perSecond: Double
        /// Milliseconds.
        let p50: Double
        /// Milliseconds.
        let p95: Double
        /// Milliseconds.
        let p99: Double
        /// Answers that are neither 2xx nor 3xx.
        let refusals: Int
        let brokenConnections: Int
    }

    /// Sends the requests in turn, over and over. Any answer but 2xx or 3xx is an error.
    func run(_ requests: [LoadRequest], at url: String, seconds: Int? = nil) throws -> Outcome {
        let outcome = try runCountingErrors(requests, at: url, seconds: seconds)
        guard outcome.refusals == 0, outcome.brokenConnections == 0 else {
            throw BenchError(
                "\(requests.first?.path ?? ""): \(outcome.refusals) error answers, \(outcome.brokenConnections) broken connections"
            )
        }
        return outcome
    }

    /// The same, where errors are a result.
    /// - Parameter first: the number of the first request.
    func runCountingErrors(_ requests: [LoadRequest], at url: String, seconds: Int? = nil, first: Int = 0) throws
        -> Outcome
    {
        let script = "\(folder)/load-\(UInt32.random(in: 0...UInt32.max)).lua"
        try Self.script(requests, first).write(toFile: script, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: script) }  // the folder goes anyway
        let outcome = try ChildProcess.run(
            "/usr/bin/env",
            ["wrk", "-t1", "-c\(connections)", "-d\(seconds ?? self.seconds)s", "--timeout", "10s", "-s", script, url]
        )
        guard let line = outcome.text.split(separator: "\n").last(where: { $0.hasPrefix("bench ") }) else {
            throw BenchError("wrk said: \(outcome.text)")
        }
        let figures = line.split(separator: " ").dropFirst().compactMap { Double($0) }
        guard figures.count == 7, figures[0] > 0 else { throw BenchError("wrk said: \(outcome.text)") }
        return Outcome(
            answers: figures[0], perSecond: figures[0] / figures[1] * 1e6, p50: figures[4] / 1000,
            p95: figures[5] / 1000, p99: figures[6] / 1000, refusals: Int(figures[2]),
            brokenConnections: Int(figures[3]))
    }

    /// Microseconds of a server's processor time for one answer, and answers a second.
    func cost(_ requests: [LoadRequest], at url: String, of server: ChildServer) throws -> (
        microseconds: Double, outcome: Outcome
    ) {
        let before = try server.figures.processorTime().microseconds()
        let outcome = try run(requests, at: url)
        let spent = try server.figures.processorTime().microseconds() - before
        return (spent / outcome.answers, outcome)
    }

    private static func script(_ requests: [LoadRequest], _ first: Int) -> String {
        let calls = requests.map { request in
            let headers = request.headers.map { "[\(quoted($0.name))] = \(quoted($0.value))" }.joined(separator: ", ")
            let body = request.body.map(quoted) ?? "nil"
            return
                "  requests[#requests + 1] = wrk.format(\(quoted(request.method)), \(quoted(request.path)), {\(headers)}, \(body))"
        }
        return """
            local requests = {}
            local turn = 0
            local number = \(first)
            function init(args)
            \(calls.joined(separator: "\n"))
            end
            function request()
              turn = turn % #requests + 1
              if not string.find(requests[turn], "@", 1, true) then return requests[turn] end
              number = number + 1
              local digits = string.format("%08d", number)
              local text = string.gsub(requests[turn], "@number@", digits)
              text = string.gsub(text, "@high@", string.sub(digits, 1, 4))
              text = string.gsub(text, "@low@", string.sub(digits, 5))
              return text
            end
            function done(summary, latency, requests)
              local e = summary.errors
              print(string.format("bench %d %d %d %d %d %d %d", summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,
                latency:percentile(50), latency:percentile(95), latency:percentile(99)))
            end

            """
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"") + "\""
    }
}
