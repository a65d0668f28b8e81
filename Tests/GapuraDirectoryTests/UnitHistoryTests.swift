import GapuraFormats
import GapuraStore
import Testing

@testable import GapuraDirectory

/// What a load did to units is kept as events of the load.
@Suite("Units: history")
struct UnitHistoryTests {
    typealias City = PersonnelTestCity

    @Test("a first load adds; a later one renames and moves; the same again says nothing; an undo tells the way back")
    func loads() async throws {
        var city = City(people: 30, agencies: 2)
        let (store, run) = try await city.loaded()
        let later = City.now.adding(seconds: 86_400)
        func events(_ source: String) async throws -> [String] {
            try await store.read { tx in
                let unit = try #require(try tx.units.find(sourceID: source))
                return try tx.units.events(of: unit.id).reversed().map {
                    "\($0.kind.rawValue) \($0.before ?? "-") \($0.after ?? "-")"
                }
            }
        }
        #expect(try await events("A0") == ["added - Dinas 0"])
        city.units[1].name = "Dinas Nol"
        city.units[2].parent = "A1"
        let people = city.peopleFile
        let plan = try await run.plan(people: people, units: city.unitFile, now: later)
        guard case .applied(let load) = try await run.apply(plan, by: .system, now: later) else {
            throw StoreError(.other, "not applied")
        }
        let ids = try await store.read { tx in
            try ["A0", "A1"].map { try #require(try tx.units.find(sourceID: $0)).id.text }
        }
        #expect(try await events("A0") == ["added - Dinas 0", "renamed Dinas 0 Dinas Nol"])
        #expect(try await events("A0S0") == ["added - Seksi 0.0", "moved \(ids[0]) \(ids[1])"])
        #expect(try await events("A0S1") == ["added - Seksi 0.1"])
        try await store.read { tx throws in
            let unit = try #require(try tx.units.find(sourceID: "A0"))
            let event = try #require(try tx.units.events(of: unit.id).first)
            #expect(event.loadID == load)
            #expect(event.at == later)
            #expect(event.recordedBy == "system")
        }
        await store.close()
    }
}
