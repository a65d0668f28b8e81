import Foundation
import GapuraStore
import GapuraTesting
import PostgresTesting
import Synchronization
import Testing

@testable import GapuraDirectory

/// A city's own SIMPEG as a source, from a real MariaDB and a real PostgreSQL.
@Suite("Personnel: databases", .timeLimit(.minutes(5)))
struct PersonnelDatabaseTests {
    private struct Stop: PersonnelStop {
        func check() throws {}
        func onStop(_ body: @escaping @Sendable () -> Void) {}
    }

    private func intake(_ origin: any PersonnelOrigin) throws -> PersonnelIntake {
        var intake = PersonnelIntake(allowsFixtureYears: true)
        _ = try origin.readPeople(withNIK: false, Stop()) { try intake.read($0) }
        return intake
    }

    private func problem(
        _ origin: @autoclosure () throws -> any PersonnelOrigin, sourceLocation: SourceLocation = #_sourceLocation
    ) -> ForeignDatabaseError.Kind? {
        do {
            _ = try intake(origin())
            Issue.record("nothing was thrown", sourceLocation: sourceLocation)
        } catch PersonnelSourceError.database(let error) {
            return error.kind
        } catch let error as ForeignDatabaseError {
            return error.kind
        } catch {
            Issue.record("\(error)", sourceLocation: sourceLocation)
        }
        return nil
    }

    @Test("the shared suite of sources", arguments: ForeignServer.allCases, PersonnelSourceCheck.allCases)
    func suite(_ server: ForeignServer, _ check: PersonnelSourceCheck) throws {
        let city = try ForeignCity(server)
        var count = 0
        try check.run { table in
            count += 1
            try city.fill("pegawai\(count)", table)
            var profile = city.profile
            profile.people = ColumnProfile()
            return try city.origin(statement: city.select("pegawai\(count)", table.columns), profile: profile)
        }
    }

    @Test("the shared suite of sources, for delimited text", arguments: PersonnelSourceCheck.allCases)
    func textSuite(_ check: PersonnelSourceCheck) throws {
        try check.run { table in
            let rows = table.rows.map { row in
                row.map { PersonnelTestCity.quoted($0 ?? "") }.joined(separator: ";")
            }
            let text = ([table.columns.joined(separator: ";")] + rows).joined(separator: "\n") + "\n"
            return PersonnelFile(name: "uji.csv", bytes: Array(text.utf8))
        }
    }

    @Test(
        "the sample city in a SIMPEG's shape is the same load as its workbook, person by person; by a view too",
        arguments: ForeignServer.allCases)
    func sample(_ server: ForeignServer) async throws {
        let city = try ForeignCity(server)
        let people = try SimpegShape.people()
        try city.fill("pegawai", people)
        try city.fill("unit_kerja", SimpegShape.units())
        let expected = try intake(PersonnelExample.file("siasn-2026-09.xlsx"))
        let ordered = try city.origin(statement: city.select("pegawai", people.columns))
        let read = try intake(ordered)
        #expect(read.records.count > 9_900)
        #expect(read.records == expected.records)
        #expect(read.rejected == expected.rejected)
        #expect(read.warnings == expected.warnings)

        let store = try await Store.open(.sqliteMemory)
        let run = PersonnelRun(store: store, options: PersonnelTestCity.options)
        let workbook = try await run.plan(
            people: PersonnelExample.file("siasn-2026-09.xlsx"), units: PersonnelExample.file("ref-unor-2026-09.csv"),
            now: PersonnelTestCity.now)
        let view = try city.origin(view: "pegawai")
        let plan = try await run.plan(people: view, units: city.origin(view: "unit_kerja"), now: PersonnelTestCity.now)
        #expect(plan.counts == workbook.counts)
        #expect(plan.stateChanges == workbook.stateChanges)
        #expect(plan.units.rows == workbook.units.rows && plan.units.agencies == workbook.units.agencies)
        #expect(plan.source == "simpeg-generic")
        let outcome = try await run.apply(plan, by: .command(user: "test"), now: PersonnelTestCity.now)
        guard case .applied = outcome else { throw StoreError(.other, "not applied") }
        // The same rows again, in whatever order: nothing to do.
        let again = try await run.plan(people: view, units: city.origin(view: "unit_kerja"), now: PersonnelTestCity.now)
        #expect(again.isRepeated)
        // And the workbook has nothing to add.
        let same = try await run.plan(
            people: PersonnelExample.file("siasn-2026-09.xlsx"), units: PersonnelExample.file("ref-unor-2026-09.csv"),
            now: PersonnelTestCity.now)
        #expect(same.counts.changed == 0 && same.counts.new == 0 && same.counts.vanished == 0)
        await store.close()
    }

    // MARK: Faults

    @Test(
        "attack 274: a line that breaks, or falls silent, half way changes nothing and says so",
        arguments: ForeignServer.allCases)
    func halfWay(_ server: ForeignServer) async throws {
        let city = try ForeignCity(server)
        let people = try SimpegShape.people()
        try city.fill("pegawai", people)
        let store = try await Store.open(.sqliteMemory)
        let run = PersonnelRun(store: store, options: PersonnelTestCity.options)
        var profile = city.profile
        profile.connection.readSeconds = 1
        for (end, kind) in [(CuttingLine.End.breaks, ForeignDatabaseError.Kind.lost), (.silence, .timedOut)] {
            let line = try city.line(after: 400_000, then: end)
            let origin = try city.origin(
                statement: city.select("pegawai", people.columns), profile: profile, url: city.url(behind: line))
            let error = await #expect(throws: PersonnelSourceError.self) {
                try await run.plan(
                    people: origin, units: PersonnelExample.file("ref-unor-2026-09.csv"), now: PersonnelTestCity.now)
            }
            guard case .database(let found)? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(found.kind == kind, "\(found)")
        }
        #expect(try await store.read { tx in try tx.people.count() } == 0)
        await store.close()
    }

    @Test("a server that takes the call and never says a word is given up", arguments: ForeignServer.allCases)
    func mute(_ server: ForeignServer) throws {
        let city = try ForeignCity(server)
        var profile = city.profile
        profile.connection.connectSeconds = 2
        profile.connection.readSeconds = 2
        let line = try city.line(after: 0, then: .silence, silent: true)
        let kind = problem(try city.origin(view: "pegawai", profile: profile, url: city.url(behind: line)))
        #expect(kind == .timedOut || kind == .unreachable)
    }

    @Test("whoever waits may go: a reading of a silent line ends at once", arguments: ForeignServer.allCases)
    func cancelled(_ server: ForeignServer) async throws {
        let city = try ForeignCity(server)
        let people = try SimpegShape.people()
        try city.fill("pegawai", people)
        var profile = city.profile
        profile.connection.readSeconds = 3600
        let line = try city.line(after: 400_000, then: .silence)
        let origin = try city.origin(
            statement: city.select("pegawai", people.columns), profile: profile, url: city.url(behind: line))
        let (rows, began) = AsyncStream.makeStream(of: Void.self)
        let reading = Task {
            try await PersonnelThread.run { stop in
                try origin.readPeople(withNIK: false, stop) { source in
                    try source.read { row in if row.number == 100 { began.yield() } }
                }
            }
        }
        for await _ in rows { break }
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }
    }

    @Test(
        "a database that only lies about its columns, its rows or its text is not believed",
        arguments: ForeignServer.allCases)
    func lies(_ server: ForeignServer) throws {
        let city = try ForeignCity(server)
        let columns = ["id_pegawai", "nip", "nama", "kedudukan_id", "id_unor", "id_instansi"]
        let row = ["P1", "187011121902031001", "Orang", "01", "A0", "8811"]
        try city.fill("kosong", PersonnelTable(columns: columns, rows: []))
        #expect(problem(try city.origin(view: "kosong")) == .noRows)
        #expect(problem(try city.origin(view: "tidak_ada")) == .notFound)
        try city.fill("kurang", PersonnelTable(columns: Array(columns.dropLast()), rows: [Array(row.dropLast())]))
        #expect(throws: PersonnelSourceError.missingColumns(["instansi_kerja_id"])) {
            try intake(city.origin(view: "kurang"))
        }
        // A number that went through a float, and one that did not.
        let table = PersonnelTable(columns: columns, rows: [row.map { $0 }])
        try city.fill("pecahan", table, types: ["nip": "DOUBLE PRECISION"])
        #expect(try intake(city.origin(view: "pecahan")).rejected.map(\.reason) == [.numericIdentifier])
        try city.fill("bulat", table, types: ["nip": "BIGINT"])
        #expect(try intake(city.origin(view: "bulat")).records.map(\.nip.digits) == [row[1]])
        let bytes = server == .mariaDB ? "VARBINARY(10)" : "BYTEA"
        try city.fill("bita", PersonnelTable(columns: columns, rows: []), types: ["nama": bytes])
        if server == .mariaDB {
            try city.run("INSERT INTO bita VALUES (1, 'P1', '187011121902031001', x'ff41', '01', 'A0', '8811')")
            #expect(problem(try city.origin(view: "bita")) == .notUTF8)
        }
        let wide = (0..<101).map { "\($0) AS k\($0)" }.joined(separator: ", ")
        #expect(problem(try city.origin(statement: "SELECT \(wide)")) == .tooLarge)
    }

    @Test(
        "attack 331: the database itself stops a query that would write, whatever it looks like",
        arguments: ForeignServer.allCases)
    func writes(_ server: ForeignServer) throws {
        let city = try ForeignCity(server)
        try city.run("CREATE TABLE catatan (isi TEXT)")
        switch server {
        case .mariaDB:
            try city.run(
                """
                DELIMITER //
                CREATE FUNCTION tulis() RETURNS INT SQL SECURITY DEFINER MODIFIES SQL DATA
                BEGIN INSERT INTO catatan VALUES ('x'); RETURN 1; END//
                DELIMITER ;
                GRANT EXECUTE ON *.* TO \(city.url.dropFirst("mysql://".count).prefix { $0 != "@" })@localhost;
                """)
        case .postgres:
            try city.run(
                """
                CREATE FUNCTION tulis() RETURNS INT LANGUAGE plpgsql AS
                'BEGIN INSERT INTO catatan VALUES (''x''); RETURN 1; END'
                """)
        }
        var profile = city.profile
        profile.people = ColumnProfile(
            spellings: [.pnsID: ["a"]], optional: Set(PersonnelColumn.allCases).subtracting([.pnsID]))
        #expect(problem(try city.origin(statement: "SELECT tulis() AS a", profile: profile)) == .wouldWrite)
        func count() throws -> String {
            try city.run("SELECT COUNT(*) FROM catatan").trimmingCharacters(in: .whitespacesAndNewlines)
        }
        #expect(try count() == "0")
        // It would have, for somebody else.
        try city.run("SELECT tulis()")
        #expect(try count() == "1")
    }

    @Test("a password is where the profile says, closed to others, and in no error")
    func passwords() throws {
        let city = try ForeignCity(.mariaDB)
        try city.fill("pegawai", PersonnelTable(columns: ["id_pegawai"], rows: [["x"]]))
        var profile = city.profile
        profile.connection.passwordFile = "/nonexistent/kata-sandi"
        #expect(problem(try city.origin(view: "pegawai", profile: profile)) == .password)
        profile.connection.passwordFile = nil
        profile.connection.passwordVariable = "GAPURA_TEST_NO_SUCH_VARIABLE"
        #expect(problem(try city.origin(view: "pegawai", profile: profile)) == .password)
        chmod(city.passwordFile, 0o644)
        #expect(problem(try city.origin(view: "pegawai")) == .password)
        chmod(city.passwordFile, 0o600)
        try "salah-rahasia-uji".write(toFile: city.passwordFile, atomically: false, encoding: .utf8)
        do {
            _ = try intake(city.origin(view: "pegawai"))
            Issue.record("it signed in")
        } catch PersonnelSourceError.database(let error) {
            #expect(error.kind == .signIn)
            #expect(!error.description.contains("rahasia"))
        }
    }

    @Test("where TLS is asked for, a server without it gets nothing")
    func encryption() throws {
        let city = try ForeignCity(.mariaDB)
        for encryption in [ForeignDatabase.Encryption.verified, .unverified] {
            var profile = city.profile
            profile.connection.encryption = encryption
            #expect(problem(try city.origin(view: "pegawai", profile: profile)) == .encryption)
        }
    }

    @Test("a server that is not there is named as that")
    func unreachable() throws {
        let city = try ForeignCity(.mariaDB)
        #expect(
            problem(try city.origin(view: "pegawai", url: "mysql://a@localhost/b?socket=/nonexistent/s"))
                == .unreachable)
        #expect(
            problem(try city.origin(view: "pegawai", url: "postgres://a@localhost/b?socket=/nonexistent"))
                == .unreachable)
    }
}
