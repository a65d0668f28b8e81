/// What the audit takes on the disk, read from the database of the stopped gateway by SQLite's own statistics.
struct AuditMeasurement {
    let city: CityUnderTest

    func run(_ report: Report) throws {
        let program = """
            import sqlite3, sys
            db = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
            pages = db.execute("SELECT SUM(pgsize) FROM dbstat WHERE name = 'audit_events' OR name LIKE 'sqlite_autoindex_audit_events%'").fetchone()[0]
            print(pages, db.execute("SELECT COUNT(*) FROM audit_events").fetchone()[0])
            """
        let outcome = try ChildProcess.run(
            "/usr/bin/env", ["python3", "-c", program, "\(city.folder)/data/gapura.sqlite"])
        let figures = outcome.text.split(whereSeparator: { $0 == " " || $0 == "\n" }).compactMap { Double($0) }
        guard figures.count == 2, figures[1] > 0 else { throw BenchError("no audit") }
        report.add(Line("audit", figures[0] / figures[1], "bytes/row", ceiling: "\(Int(figures[1])) rows"))
    }
}
