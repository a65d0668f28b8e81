import Foundation
import GapuraFormats
import GapuraStore
import Testing

@testable import GapuraDirectory

/// The sample city month by month, against the truth that came with the files: each kind's people and no others.
@Suite("Personnel: the months of Kota Nusa Contoh")
struct PersonnelMonthsTests {
    struct Truth: Decodable {
        /// A number, and who.
        struct People: Decodable {
            let count: Int
            let ids: [String]

            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                count = try list.decode(Int.self)
                ids = try list.decode([String].self)
            }
        }

        struct September: Decodable {
            let accepted: Int
        }

        struct October: Decodable {
            let rows: Int
            let accepted: Int
            let changes: [String: People]
            let by_status: [String: Int]
        }

        struct November: Decodable {
            let rows: Int
            let vanished: Int
        }

        let september: September
        let october: October
        let november: November

        enum CodingKeys: String, CodingKey {
            case september = "2026-09"
            case october = "2026-10"
            case november = "2026-11-truncated"
        }
    }

    let truth: Truth
    let september = PersonnelTestCity.now
    let october = PersonnelTestCity.now.adding(seconds: 30 * 86_400)
    let november = PersonnelTestCity.now.adding(seconds: 61 * 86_400)

    init() throws {
        truth = try JSONDecoder().decode(Truth.self, from: Data(PersonnelExample.fixture("expected.json")))
    }

    func file(_ name: String) throws -> PersonnelFile {
        PersonnelFile(name: name, bytes: try PersonnelExample.fixture(name))
    }

    func run(_ store: Store) -> PersonnelRun { PersonnelRun(store: store, options: PersonnelTestCity.options) }

    func loadSeptember(into store: Store) async throws -> LoadID {
        let run = run(store)
        let plan = try await run.plan(
            people: PersonnelExample.file("siasn-2026-09.xlsx"), units: PersonnelExample.file("ref-unor-2026-09.csv"),
            now: september)
        guard case .applied(let id) = try await run.apply(plan, by: .command(user: "test"), now: september) else {
            throw StoreError(.other, "not applied")
        }
        return id
    }

    func planOctober(_ name: String, on store: Store) async throws -> PersonnelPlan {
        try await run(store).plan(people: file(name), units: file("ref-unor-2026-10.csv"), now: october)
    }

    func loadOctober(_ name: String, into store: Store) async throws -> LoadID {
        let plan = try await planOctober(name, on: store)
        guard case .applied(let id) = try await run(store).apply(plan, by: .command(user: "test"), now: october) else {
            throw StoreError(.other, "not applied")
        }
        return id
    }

    /// What the database says of people, units, numbers and accounts, without ids that are drawn.
    func picture(_ store: Store) async throws -> [String] {
        try await store.read { tx in
            var lines: [String] = []
            let units = Dictionary(uniqueKeysWithValues: try tx.units.list().map { ($0.id, $0) })
            for unit in units.values {
                let parent = unit.parentID.flatMap { units[$0]?.sourceID }
                lines.append("unit \(unit.sourceID) \(unit.name) \(parent ?? "-") \(unit.headPNSID ?? "-")")
            }
            var states: [PersonID: String] = [:]
            try tx.accounts.each { account in
                if let person = account.personID { states[person] = "\(account.state) \(account.stateBy)" }
            }
            var numbers: [PersonID: [String]] = [:]
            try tx.people.eachCurrentAlias {
                numbers[$0.personID, default: []].append("\($0.kind.rawValue)=\($0.value)")
            }
            try tx.people.each { person in
                let values = person.values.filter { $0.column != "unit_id" }.map { $0.value.encodedText() }
                lines.append(
                    "person \(person.pnsID ?? "-") \(values) \(person.unitID.flatMap { units[$0]?.sourceID } ?? "-") "
                        + "\(numbers[person.id]?.sorted() ?? []) \(states[person.id] ?? "-")")
            }
            return lines.sorted()
        }
    }

    /// Whom a plan gives a kind.
    func ids(_ plan: PersonnelPlan, _ kind: PersonnelChange.Kind) -> [String] {
        plan.changes(.none).filter { $0.kinds.contains(kind) }.compactMap(\.pnsID).sorted()
    }

    @Test(
        "attack 272: October by kind: joined, moved, retired, suspended, vanished, renamed, renumbered, renamed units")
    func kinds() async throws {
        let store = try await Store.open(.sqliteMemory)
        _ = try await loadSeptember(into: store)
        let plan = try await planOctober("siasn-2026-10.xlsx", on: store)
        #expect(plan.counts.rows == truth.october.rows)
        #expect(plan.counts.accepted == truth.october.accepted)
        #expect(plan.rejected.isEmpty)
        #expect(plan.stop == nil)
        let kinds: [(String, PersonnelChange.Kind)] = [
            ("joined", .new), ("moved", .moved), ("retired", .retired), ("suspended", .suspended),
            ("vanished", .vanished), ("renamed_person", .renamed), ("nip_converted", .renumbered),
        ]
        for (name, kind) in kinds {
            let people = try #require(truth.october.changes[name])
            #expect(people.ids.count == people.count)
            #expect(ids(plan, kind) == people.ids.sorted(), "\(name)")
        }
        #expect(
            Set(zip(plan.units.previous, plan.units.changed).filter { $0.name != $1.name }.map(\.1.sourceID))
                == Set(truth.october.changes["unit_renamed"]?.ids ?? []))
        // Nobody changes who stands in none of these lists.
        let known = Set(truth.october.changes.filter { $0.key != "unit_renamed" }.values.flatMap(\.ids))
        let others = plan.changes(.none).filter { !known.contains($0.pnsID ?? "") }
        #expect(others.map(\.kinds) == [])
        #expect(truth.october.changes.count == kinds.count + 1)

        _ = try await run(store).apply(plan, by: .command(user: "test"), now: october)
        let byCode = try await store.read { tx in
            var byCode: [String: Int] = [:]
            try tx.people.each { byCode[$0.statusCode ?? "", default: 0] += 1 }
            return byCode
        }
        // The vanished twelve keep the code they had.
        #expect(byCode.values.reduce(0, +) == truth.october.accepted + (truth.october.changes["vanished"]?.count ?? 0))
        #expect(byCode["88"] == truth.october.by_status["88"])
        await store.close()
    }

    @Test("October as XLSX and as CSV is one plan and one database")
    func twins() async throws {
        var pictures: [[String]] = []
        var plans: [PersonnelPlan] = []
        for name in ["siasn-2026-10.xlsx", "siasn-2026-10.csv"] {
            let store = try await Store.open(.sqliteMemory)
            _ = try await loadSeptember(into: store)
            plans.append(try await planOctober(name, on: store))
            _ = try await loadOctober(name, into: store)
            pictures.append(try await picture(store))
            await store.close()
        }
        #expect(plans[0].source == "siasn-xlsx" && plans[1].source == "siasn-csv")
        #expect(plans[0].counts == plans[1].counts)
        #expect(plans[0].changes(.none) == plans[1].changes(.none))
        #expect(plans[0].warnings == plans[1].warnings)
        #expect(pictures[0] == pictures[1])
        #expect(pictures[0].count > 10_000)
    }

    @Test("attack 274: the November that broke off stops, changes nothing and names the number")
    func truncated() async throws {
        let store = try await Store.open(.sqliteMemory)
        _ = try await loadSeptember(into: store)
        _ = try await loadOctober("siasn-2026-10.xlsx", into: store)
        let before = try await picture(store)
        let head = try await store.read { try $0.audit.head().seq }
        let run = run(store)
        let november = november
        let plan = try await run.plan(
            people: file("siasn-2026-11-truncated.xlsx"), units: file("ref-unor-2026-10.csv"), now: november)
        #expect(plan.counts.rows == truth.november.rows)
        #expect(plan.vanished.count == truth.november.vanished)
        // Those who were missing in October already are missing still.
        #expect(plan.counts.missing == truth.october.changes["vanished"]?.count)
        let stop = try #require(plan.stop)
        #expect(stop.accounts == plan.vanished.count { $0.state?.maySignIn == true })
        #expect(stop.accounts > 5000)
        await #expect(throws: PersonnelRefusal.mustConfirm(stop)) {
            try await run.apply(plan, by: .command(user: "test"), now: november)
        }
        #expect(PersonnelRefusal.mustConfirm(stop).description.contains("\(stop.accounts)"))
        #expect(try await picture(store) == before)
        #expect(try await store.read { try $0.audit.head().seq } == head)
        #expect(try await store.read { try $0.schedule.nextDue() } != nil)
        await store.close()
    }

    @Test("the months walk forth and, by undo, back to where they began")
    func back() async throws {
        let store = try await Store.open(.sqliteMemory)
        _ = try await loadSeptember(into: store)
        let before = try await picture(store)
        let load = try await loadOctober("siasn-2026-10.xlsx", into: store)
        let after = try await picture(store)
        #expect(before != after)
        let undo = PersonnelUndo(store: store, options: PersonnelTestCity.options)
        let report = try await undo.run(load, by: .command(user: "test"), now: october.adding(seconds: 60))
        #expect(report.left == [])
        #expect(report.disabled == truth.october.changes["joined"]?.count)
        let joined = Set(truth.october.changes["joined"]?.ids ?? [])
        // Whom October brought stays known, with a closed account and no number to sign in with.
        let back = try await picture(store)
        #expect(back.filter { line in !joined.contains { line.hasPrefix("person \($0) ") } } == before)
        let newcomers = back.filter { line in joined.contains { line.hasPrefix("person \($0) ") } }
        #expect(newcomers.count == joined.count)
        #expect(newcomers.allSatisfy { $0.hasSuffix("nonaktif personnel") && !$0.contains("nip=") })
        let bin = try await store.read { [october] in try $0.bin.list(at: october.adding(seconds: 61), limit: 1000) }
        #expect(bin.count == joined.count)
        #expect(Set(bin.map(\.entry.reason)) == [.undone])

        // The same file is no repetition now, and brings everything again.
        let again = try await run(store).plan(
            people: file("siasn-2026-10.csv"), units: file("ref-unor-2026-10.csv"), now: october.adding(seconds: 120))
        #expect(!again.isRepeated)
        _ = try await run(store).apply(again, by: .command(user: "test"), now: october.adding(seconds: 120))
        #expect(try await picture(store) == after)
        #expect(try await store.read { try AuditChain.firstBreak(in: $0) } == nil)
        await store.close()
    }
}
