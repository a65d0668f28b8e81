import Foundation
import GapuraFormats
import GapuraStore
import GapuraTabular
import Testing

@testable import GapuraDirectory

/// September's export against the truth that came with it, row by row.
@Suite("Personnel: September of Kota Nusa Contoh")
struct PersonnelTruthTests {
    struct Truth: Decodable {
        struct Finding: Decodable {
            let row: Int
            let reason: String
            let pns_id: String?
        }

        let rows: Int
        let accepted: Int
        let rejected: [Finding]
        let warnings: [Finding]
        let units: Int
        let opd: Int
        let by_status: [String: Int]
        let vacant_posts: [String]
    }

    let truth: Truth

    init() throws {
        truth = try JSONDecoder().decode(Truth.self, from: Data(PersonnelExample.fixture("expected-2026-09.json")))
    }

    func plan(_ people: PersonnelFile, on store: Store) async throws -> PersonnelPlan {
        try await PersonnelRun(store: store, options: PersonnelTestCity.options)
            .plan(people: people, units: PersonnelExample.file("ref-unor-2026-09.csv"), now: PersonnelTestCity.now)
    }

    func expect(_ findings: [PersonnelFinding], _ expected: [Truth.Finding]) {
        #expect(findings.map(\.row) == expected.map(\.row))
        #expect(findings.map(\.reason.rawValue) == expected.map(\.reason))
        #expect(findings.map(\.pnsID) == expected.map(\.pns_id))
    }

    @Test(
        "attack 272: every refused row and every warning is the expected one, and no other; the CSV twin says the same")
    func findings() async throws {
        let store = try await Store.open(.sqliteMemory)
        let workbook = try PersonnelExample.file("siasn-2026-09.xlsx")
        let plan = try await plan(workbook, on: store)
        #expect(plan.counts.rows == truth.rows)
        #expect(plan.counts.accepted == truth.accepted)
        expect(plan.rejected, truth.rejected)
        expect(plan.warnings, truth.warnings)
        #expect(plan.units.rows == truth.units)
        #expect(plan.units.agencies == truth.opd)
        #expect(plan.units.findings.isEmpty)
        #expect(plan.counts.new == truth.accepted)
        #expect(plan.stop == nil)
        #expect(plan.unknownCodes == ["42": truth.by_status["42"] ?? 0])

        let twin = try await self.plan(
            PersonnelFile(name: "twin.csv", bytes: twin(of: PersonnelExample.bytes("siasn-2026-09.xlsx"))), on: store)
        #expect(twin.source == "siasn-csv")
        #expect(twin.counts == plan.counts)
        #expect(twin.rejected == plan.rejected)
        #expect(twin.warnings == plan.warnings)
        #expect(twin.stateChanges == plan.stateChanges)
        await store.close()
    }

    /// The workbook as delimited text, cell by cell.
    private func twin(of workbook: [UInt8]) throws -> [UInt8] {
        var text = ""
        func write(_ row: TabularRow, _ width: Int) {
            text +=
                (0..<width).map { column in
                    switch row[column] {
                    case .text(let text), .formula(let text), .number(let text), .error(let text):
                        PersonnelTestCity.quoted(text)
                    case .bool(let value): value ? "1" : "0"
                    case .empty: ""
                    }
                }.joined(separator: ";") + "\n"
        }
        var width = 0
        var reader = XLSXReader(RandomAccessBytes(workbook))
        try reader.read {
            width = $0.cells.count
            write($0, width)
            return .all
        } row: {
            write($0, width)
        }
        return Array(text.utf8)
    }

    @Test(
        "applied: people, units, aliases, accounts by state; the same file again does nothing; no NIK and no religion is anywhere"
    )
    func applied() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gapura-personnel-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "gapura.sqlite").path
        let store = try await Store.open(.sqlite(path: path))
        let run = PersonnelRun(store: store, options: PersonnelTestCity.options)
        let people = try PersonnelExample.file("siasn-2026-09.xlsx")
        let first = try await plan(people, on: store)
        let outcome = try await run.apply(first, by: .command(user: "test"), now: PersonnelTestCity.now)
        guard case .applied(let loadID) = outcome else { throw StoreError(.other, "not applied") }

        let truth = truth
        try await store.read { tx throws in
            #expect(try tx.people.count() == Int64(truth.accepted))
            #expect(try tx.units.list().count == truth.units)
            var byCode: [String: Int] = [:]
            var aliases = 0
            try tx.people.each { byCode[$0.statusCode ?? "", default: 0] += 1 }
            try tx.people.eachCurrentAlias { _ in aliases += 1 }
            #expect(byCode == truth.by_status)
            #expect(aliases == 2 * truth.accepted)
            let heads = Set(try tx.units.list().filter { $0.headPNSID == nil && $0.parentID != nil }.map(\.sourceID))
            #expect(heads == Set(truth.vacant_posts))
            var states: [AccountState: Int64] = [:]
            try tx.accounts.each { states[$0.state, default: 0] += 1 }
            func sum(_ codes: String...) -> Int64 { Int64(codes.reduce(0) { $0 + (truth.by_status[$1] ?? 0) }) }
            // One of the active ones works elsewhere.
            #expect(states[.aktif] == sum("01", "15", "71", "73", "101") - 1)
            #expect(states[.menunggu] == sum("42", "51") + 1)
            #expect(states[.terbatas] == sum("03", "20"))
            #expect(states[.ditangguhkan] == sum("02", "04"))
            #expect(states[.nonaktif] == sum("88", "99"))
            #expect(try tx.loads.findings(of: loadID).count == truth.rejected.count + truth.warnings.count)
            #expect(
                try tx.audit.list(before: .max, event: nil, subject: nil, limit: 10).map(\.event) == [
                    "personnel.loaded"
                ])
            #expect(try AuditChain.firstBreak(in: tx) == nil)
            // The formula of row 10021 is kept as the text it is.
            #expect(
                try tx.people.find(pnsID: "AA0886B2C4D2D9CA9B6F37751F1B1286")?.name.hasPrefix("=HYPERLINK(") == true)
        }
        let again = try await plan(people, on: store)
        #expect(again.isRepeated)
        #expect(again.counts.unchanged == truth.accepted)
        #expect(again.counts.changed == 0)
        #expect(try await run.apply(again, by: .command(user: "test"), now: PersonnelTestCity.now) == .alreadyApplied)
        await store.close()

        var secrets: [String] = []
        var nik = 0
        let workbook = try PersonnelExample.bytes("siasn-2026-09.xlsx")
        var reader = XLSXReader(RandomAccessBytes(workbook))
        try reader.read { header in
            nik = header.cells.firstIndex(of: .text("NIK")) ?? 0
            return .all
        } row: { row in
            if row.number % 500 == 2, case .text(let text) = row[nik] {
                secrets.append(text.replacingOccurrences(of: "'", with: ""))
            }
        }
        #expect(secrets.count > 15)
        let database = try Data(contentsOf: URL(fileURLWithPath: path))
        for secret in secrets + ["Menikah", "Jl. Contoh"] { #expect(database.range(of: Data(secret.utf8)) == nil) }
    }
}
