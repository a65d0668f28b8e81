import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore

/// What a year of sign-ins leaves behind: 10,000 people sign in five times a working day, and every night what has run
/// out is removed, by the queries of the gateway itself.
///
/// On the first day, and on as many of the last ones as the tables are measured for, everybody signs in; on the days
/// between one of ten does, of whose rows all but sessions are gone by the next morning. For a longer history the rows of
/// the others are reckoned.
struct YearMeasurement {
    private static let mark = 100.0
    /// What a gateway keeps unless a city sets another number.
    private static let usualHistory = 2
    private static let day: Int64 = 86_400

    let quick: Bool

    func run(_ report: Report) async throws {
        let files = FileManager.default
        let folder = files.temporaryDirectory.appendingPathComponent("gapura-bench-year-\(getpid())").path
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? files.removeItem(atPath: folder) }  // a leftover in the temporary folder harms nobody
        let file = "\(folder)/year.sqlite"
        let store = try await Store.open(.sqlite(path: file))
        do {
            try await measure(store, file, report)
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    private func measure(_ store: Store, _ file: String, _ report: Report) async throws {
        let calendar = WorkingDays(count: quick ? 10 : 250, whole: quick ? 2 : 6)
        let city = try await YearCity.make(in: store, at: calendar.morning(of: 0).adding(seconds: -Self.day))
        let began = ContinuousClock.now
        var writing = 0.0
        var written = 0
        var first: LookUpTimes?
        var last: LookUpTimes?
        for number in 0..<calendar.count {
            let start = ContinuousClock.now
            let day = YearDay(city: city, morning: calendar.morning(of: number))
            let share = calendar.isWhole(number) ? 1 : 10
            let rows = try await day.write(to: store, oneOf: share)
            writing += (ContinuousClock.now - start).inSeconds
            written += rows.count
            if number == 0 { first = try await LookUpTimes(store, rows) }
            if number == calendar.count - 1 { last = try await LookUpTimes(store, rows) }
            try await tidy(store, after: number, calendar, historyDays: 90)
        }
        let took = (ContinuousClock.now - began).inSeconds
        let perSignIn = writing / Double(written) * 1e6
        report.add(
            Line(
                "year: rows of a sign-in written", perSignIn, "µs",
                ceiling: "\(written) sign-ins in \(Int(took)) s, with the clean-up of \(calendar.count) nights"))
        try await sizes(store, file, calendar, report)
        guard let first, let last else { return }
        for (what, times) in zip(LookUpTimes.names, zip(first.microseconds, last.microseconds)) {
            let (before, after) = times
            report.add(
                Line(
                    "year: look-up of a \(what), last day", after / before, "times", .atMost(1.25),
                    ceiling: String(format: "p50 %.1f µs, on the first day %.1f µs", after, before)))
        }
        try await audit(store, city, file, report)
    }

    /// Of all that the nights kept for 90 days, and of less: what stays after the clean-up with a shorter history.
    private func sizes(_ store: Store, _ file: String, _ calendar: WorkingDays, _ report: Report) async throws {
        let lastDay = calendar.count - 1
        let start = ContinuousClock.now
        try await tidy(store, after: lastDay, calendar, historyDays: 90)
        let again = (ContinuousClock.now - start).inSeconds * 1000
        let whole = try StateTables(file)
        let kept = Double(max(1, whole.rows["sessions"] ?? 1))
        let perSignIn = whole.bytes(of: StateTables.history) / kept
        report.add(
            Line(
                "year: clean-up that finds nothing", again, "ms",
                ceiling: "every five minutes, on the one connection that writes; \(Int(kept)) sessions kept"))
        // Who signs in to five applications may have one session all day.
        let ofSession = (whole.sizes["sessions"] ?? 0) / kept
        func withOneSession(_ days: Int) -> String {
            let person = ofSession + 5 * (perSignIn - ofSession)
            let bytes = Double(WorkingDays.working(within: days) * YearCity.people) * person
            return "in one session a day \(Int((bytes + whole.bytes - perSignIn * kept) / 1e6)) MB"
        }
        func line(_ days: Int, _ megabytes: Double, _ how: String) {
            report.add(
                Line(
                    "year: state tables, session_history_days \(days)", megabytes, "MB",
                    days == Self.usualHistory ? .atMost(Self.mark) : .none, ceiling: how))
        }
        for days in [90, 30] {
            let signIns = Double(WorkingDays.working(within: days) * YearCity.people * YearDay.signIns)
            let bytes = whole.bytes - whole.bytes(of: StateTables.history) + perSignIn * signIns
            line(
                days, bytes / 1e6,
                "reckoned: \(Int(signIns)) sign-ins of \(Int(perSignIn)) bytes, \(Int(kept)) written; \(withOneSession(days))"
            )
        }
        for days in [7, 3, 2, 1] where calendar.isWhole(calendar.count - WorkingDays.working(within: days)) {
            try await tidy(store, after: lastDay, calendar, historyDays: days)
            let tables = try StateTables(file)
            let largest = tables.largest.map { "\($0.name) \(Int(($0.bytes / 1e6).rounded())) MB" }
            line(
                days, tables.bytes / 1e6,
                "\(tables.rows["sessions"] ?? 0) sessions: \(largest.joined(separator: ", ")); \(withOneSession(days))")
        }
    }

    /// As `UpkeepJob` does, in the small hours, when what a day began has ended.
    private func tidy(_ store: Store, after number: Int, _ calendar: WorkingDays, historyDays: Int) async throws {
        let now = calendar.morning(of: number).adding(seconds: 22 * 3600)
        let old = now.adding(seconds: -Int64(historyDays) * Self.day)
        try await store.write { _ = try $0.upkeep.deleteExpired(at: now, keepingSessionsSince: old) }
    }

    /// The rows of some sign-ins; nothing removes them but the audit's own purge.
    private func audit(_ store: Store, _ city: YearCity, _ file: String, _ report: Report) async throws {
        let count = 5000
        try await store.write { tx in
            for index in 0..<count {
                let account = city.owners[index % city.owners.count]
                let client = city.clients[index % city.clients.count]
                let now = Timestamp.now()
                let (session, family) = (SessionID.make(now: now).text, FamilyID.make(now: now).text)
                let actor = Actor.account(account.id.text)
                try tx.record(
                    .sessionStarted, by: actor, subject: account.id.text,
                    detail: ["session": .string(session), "amr": "pwd"], at: now)
                try tx.record(
                    .codeIssued, by: actor, subject: account.id.text, clientID: client.id,
                    detail: [
                        "session": .string(session), "family": .string(family), "scope": .string(YearDay.scope),
                    ], at: now)
                try tx.record(
                    .tokensIssued, by: .client(client.id.text), subject: account.id.text, clientID: client.id,
                    detail: ["family": .string(family), "grant": "authorization_code"], at: now)
            }
        }
        let tables = try StateTables(file)
        let rows = Double(max(1, tables.rows["audit_events"] ?? 1))
        let bytes = tables.sizes["audit_events"] ?? 0
        let signIns = 250.0 * Double(YearCity.people * YearDay.signIns)
        report.add(
            Line(
                "year: audit", bytes / rows, "bytes/row",
                ceiling: String(
                    format: "%.0f rows; 3 a sign-in are %.1f GB a year, where audit_days removes none", rows,
                    3 * signIns * bytes / rows / 1e9)))
    }
}

/// The days on which people sign in: five of seven.
struct WorkingDays {
    let count: Int
    /// How many of the last days everybody signs in on.
    let whole: Int

    private static let first = Timestamp(seconds: 1_767_571_200)  // Monday, 2026-01-05

    /// When the first sign in.
    func morning(of number: Int) -> Timestamp {
        Self.first.adding(seconds: Int64(Self.calendarDay(number)) * 86_400)
    }

    func isWhole(_ number: Int) -> Bool { number == 0 || number >= count - whole }

    /// How many working days there are in so many days up to a Friday.
    static func working(within days: Int) -> Int { (0..<days).filter { $0 % 7 < 5 }.count }

    private static func calendarDay(_ number: Int) -> Int { number / 5 * 7 + number % 5 }
}

/// Middle times of the look-ups that requests wait for, in microseconds.
private struct LookUpTimes {
    static let names = ["session", "family with its standing", "code", "refresh token"]

    let microseconds: [Double]

    /// Each of a thousand, through the store as requests do it.
    init(_ store: Store, _ rows: [YearDay.Written]) async throws {
        let some = rows.shuffled().prefix(2000)
        var all: [Double] = []
        for look: @Sendable (YearDay.Written, Transaction) throws -> Bool in [
            { try $1.sessions.find(digest: $0.session) != nil }, { try $1.tokens.standing(of: $0.family) != nil },
            { try $1.tokens.findCode(digest: $0.code) != nil },
            { try $1.tokens.findRefreshToken(digest: $0.refresh) != nil },
        ] {
            var times: [Double] = []
            for row in some {
                let start = ContinuousClock.now
                guard try await store.lookUp({ try look(row, $0) }) else { throw BenchError("a row of today is gone") }
                times.append((ContinuousClock.now - start).inSeconds * 1e6)
            }
            all.append(times.median)
        }
        microseconds = all
    }
}

/// Bytes and rows by table, from SQLite's own statistics; a table's indexes count to it.
private struct StateTables {
    /// What the setting keeps.
    static let history = ["sessions", "client_sessions", "logout_deliveries", "one_time_links"]
    private static let state =
        history + [
            "flows", "token_families", "codes", "refresh_tokens", "access_tokens", "revoked_tokens", "seen_tokens",
            "pushed_requests", "device_requests", "throttles", "devices",
        ]

    let sizes: [String: Double]
    let rows: [String: Int]

    init(_ file: String) throws {
        let program = """
            import sqlite3, sys
            db = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
            for name, size in db.execute(
                "SELECT m.tbl_name, SUM(s.pgsize) FROM dbstat('main', 1) s JOIN sqlite_schema m ON m.name = s.name GROUP BY 1"
            ).fetchall():
                print(name, size, db.execute("SELECT COUNT(*) FROM " + name).fetchone()[0])
            """
        let outcome = try ChildProcess.run("/usr/bin/env", ["python3", "-c", program, file])
        var (sizes, rows): ([String: Double], [String: Int]) = ([:], [:])
        for line in outcome.text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard parts.count == 3, let size = Double(parts[1]), let count = Int(parts[2]) else { continue }
            sizes[String(parts[0])] = size
            rows[String(parts[0])] = count
        }
        guard sizes["sessions"] != nil else { throw BenchError("no statistics of the tables") }
        self.sizes = sizes
        self.rows = rows
    }

    var bytes: Double { bytes(of: Self.state) }

    func bytes(of tables: [String]) -> Double { tables.reduce(0) { $0 + (sizes[$1] ?? 0) } }

    var largest: [(name: String, bytes: Double)] {
        Self.state.map { ($0, sizes[$0] ?? 0) }.sorted { $0.1 > $1.1 }.prefix(3).map { $0 }
    }
}
