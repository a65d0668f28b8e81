import Foundation
import GapuraFormats

/// A province: a hundred thousand people in about 5,000 units. How long they need to leave and to come, and whether people
/// still sign in meanwhile.
struct AdministrationMeasurement {
    let program: String
    let root: String
    let quick: Bool

    private var export: String { "\(root)/examples/kota-contoh/siasn-2026-09.xlsx" }

    func run(_ report: Report) async throws {
        let city = try CityUnderTest(program: program, root: root)
        defer { city.remove() }
        let many = "\(city.folder)/many.xlsx"
        let units = "\(city.folder)/units.csv"
        try python("many_people.py", export, many, "10", "--spread")
        try python("many_units.py", "\(root)/examples/kota-contoh/ref-unor-2026-09.csv", units, "11")
        try city.command("setup")
        let bulk = try StrictJSON.parse(python("bulk_rate.py", "\(city.folder)/bulk.sqlite", "100000").output)
        let first = try city.command("personnel", "load", many, "--units", units, "--apply")
        report.add(
            Line(
                "personnel, 100,000 new people in 4,831 units", first.seconds, "s",
                ceiling: "SQLite itself writes 100,000 rows in \(digits(bulk["write"])) s"))
        try exports(city, bulk, report)
        try source(city, units, report)
        try await signInsMeanwhile(city, many, report)
    }

    private func exports(_ city: CityUnderTest, _ bulk: JSONValue, _ report: Report) throws {
        let file = "\(city.folder)/accounts.csv"
        let seconds = try city.command("account", "export", file).seconds
        report.add(
            Line(
                "accounts, 100,000: export", seconds, "s", .atMost(10),
                ceiling: "SQLite itself reads 100,000 rows in \(digits(bulk["read"])) s"))
    }

    /// A SIMPEG on PostgreSQL with the same people, compared with what is known.
    private func source(_ city: CityUnderTest, _ units: String, _ report: Report) throws {
        // Short, and reachable by the user of the database: a socket lies in it.
        let folder = "/tmp/gapura-bench-\(getpid())-pg"
        let started = try python("sql_source.py", "start", folder, export, "10")
        defer {
            _ = try? python("sql_source.py", "stop", folder)  // it ends with the machine at the latest
            try? FileManager.default.removeItem(atPath: folder)
        }
        let source = try StrictJSON.parse(started.output)
        guard let url = source["url"]?.string else { throw BenchError("no database") }
        let preview = try city.command("personnel", "load", "--from", url, "--view", "pegawai", "--units", units)
        report.add(
            Line(
                "personnel, 100,000 rows from PostgreSQL: preview", preview.seconds, "s", .atMost(10),
                ceiling: "COPY to the standard output: \(digits(source["copy_seconds"])) s"))
    }

    private func signInsMeanwhile(_ city: CityUnderTest, _ many: String, _ report: Report) async throws {
        _ = try city.json(["application", "add", "--slug", "bench", "--name", "Bench", "--state", "aktif"])
        try city.addClient(
            "bench", ["--redirect-uri", CityUnderTest.redirectURI, "--scope", CityUnderTest.signInScope])
        let gateway = try city.start()
        defer { gateway.stop() }
        try city.addClient(
            "alat", ["--redirect-uri", CityUnderTest.redirectURI, "--scope", "openid admin", "--administration"])
        let browser = BenchBrowser(city: city)
        do {
            try await lists(city, browser, report)
            try await apply(city, browser, try await browser.people(quick ? 10 : 20), many, report)
            try await browser.shutdown()
        } catch {
            try await browser.shutdown()
            throw error
        }
    }

    /// Pages and searches as admins of a hundred units, from one person to a whole agency, ask for them.
    private func lists(_ city: CityUnderTest, _ browser: BenchBrowser, _ report: Report) async throws {
        let units = try city.json(["unit", "list", "--limit", "5000"])["units"]?.array ?? []
        let places = units.filter { ($0["people"]?.integer ?? 0) > 0 }.compactMap { $0["id"]?.string }
        var admins: [String] = []
        for place in stride(from: 0, to: places.count, by: max(1, places.count / 110)).map({ places[$0] })
        where admins.count < 100 {
            let found = try city.json(["account", "list", "--unit", place, "--state", "aktif", "--limit", "1"])
            guard let nip = found["accounts"]?.array?.first?["nip"]?.string, !admins.contains(nip) else { continue }
            _ = try city.json(["account", "role", nip, "agency_admin", "--unit", place])
            admins.append(nip)
        }
        // The agency itself, with all below it, for some of them: those lists are the long ones.
        let agencies = units.filter { $0["depth"]?.integer == 1 }.compactMap { $0["id"]?.string }
        for agency in agencies.prefix(5) {
            let found = try city.json(["account", "list", "--unit", agency, "--state", "aktif", "--limit", "1"])
            guard let nip = found["accounts"]?.array?.first?["nip"]?.string else { continue }
            _ = try city.json(["account", "role", nip, "agency_admin", "--unit", agency])
            admins.removeAll { $0 == nip }
            admins.insert(nip, at: 0)
        }
        let asking = try await browser.people(Array(admins.prefix(quick ? 8 : 12)))
        var (times, bare): ([String: [Double]], [Double]) = ([:], [])
        for person in asking {
            let token = try await browser.signIn(person, client: "alat", scope: "openid admin")
            let header = (name: "Authorization", value: "Bearer \(token)")
            for _ in 0..<10 {
                for (kind, path) in [
                    ("lists", "/api/v1/accounts?limit=50"), ("lists", "/api/v1/grants?limit=50"),
                    ("searches", "/api/v1/accounts?search=ujang&limit=50"),
                    ("searches", "/api/v1/accounts?search=1890&limit=50"),
                    ("counts", "/api/v1/accounts?count=true&limit=1"),
                ] {
                    times[kind, default: []].append(
                        try await milliseconds(browser, LoadRequest(method: "GET", path: path, headers: [header])))
                }
                bare.append(
                    try await milliseconds(browser, LoadRequest(method: "GET", path: "/livez", headers: [])))
            }
        }
        for (kind, values) in times.sorted(by: { $0.key < $1.key }) {
            report.add(
                Line(
                    "administration, 100,000 people, 100 admins: \(kind), p95", percentile(values, 95), "ms",
                    .atMost(50),
                    ceiling:
                        "p50 \(String(format: "%.1f", percentile(values, 50))) ms of \(values.count); /livez by the same client p95 \(String(format: "%.1f", percentile(bare, 95))) ms"
                ))
        }
    }

    private func milliseconds(_ browser: BenchBrowser, _ request: LoadRequest) async throws -> Double {
        let began = ContinuousClock.now
        _ = try await browser.fetch(request)
        return (ContinuousClock.now - began).inSeconds * 1000
    }

    /// The next month is applied while people sign in.
    private func apply(
        _ city: CityUnderTest, _ browser: BenchBrowser, _ people: [BenchBrowser.Person], _ many: String,
        _ report: Report
    ) async throws {
        let next = "\(city.folder)/next.xlsx"
        try python("next_month.py", many, next, "2000")
        let quiet = try await latencies(browser, people, until: ContinuousClock.now + .seconds(quick ? 4 : 8)) { false }
        let program = city.program
        let environment = city.environment
        let loading = Task.detached {
            try ChildProcess.run(program, ["personnel", "load", next, "--apply"], environment: environment).seconds
        }
        let done = Done()
        let watcher = Task {
            let seconds = try await loading.value
            await done.set()
            return seconds
        }
        let busy = try await latencies(browser, people, until: ContinuousClock.now + .seconds(120)) { await done.isSet }
        let seconds = try await watcher.value
        report.add(
            Line(
                "sign-ins while 2,000 changes are applied", percentile(busy, 99), "ms", .atMost(500),
                ceiling:
                    "p99 of \(busy.count), 2 at once, in \(Int(seconds)) s; without a load \(Int(percentile(quiet, 99))) ms"
            ))
    }

    private actor Done {
        private(set) var isSet = false
        func set() { isSet = true }
    }

    /// Milliseconds of each sign-in.
    private func latencies(
        _ browser: BenchBrowser, _ people: [BenchBrowser.Person], until deadline: ContinuousClock.Instant,
        _ isOver: @escaping @Sendable () async -> Bool
    ) async throws -> [Double] {
        try await withThrowingTaskGroup(of: [Double].self) { group in
            for task in 0..<2 {
                group.addTask {
                    var all: [Double] = []
                    while ContinuousClock.now < deadline, await !isOver() {
                        let began = ContinuousClock.now
                        _ = try await browser.signIn(people[(task + all.count * 2) % people.count])
                        all.append((ContinuousClock.now - began).inSeconds * 1000)
                    }
                    return all
                }
            }
            var all: [Double] = []
            for try await some in group { all += some }
            return all
        }
    }

    private func percentile(_ values: [Double], _ share: Int) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, sorted.count * share / 100)]
    }

    @discardableResult
    private func python(_ script: String, _ arguments: String...) throws -> ChildProcess.Outcome {
        try ChildProcess.run(
            "/usr/bin/env", ["python3", "\(root)/Sources/GapuraBench/Python/\(script)"] + arguments)
    }

    private func digits(_ value: JSONValue?) -> String { String(format: "%.2f", value?.number ?? 0) }
}
