import GapuraFormats
import GapuraStore
import Testing

@testable import GapuraDirectory

/// Whose manager is whose: the order of the domain notes, 2.5.
@Suite("Managers: rules")
struct ManagerRuleTests {
    static let now = Timestamp(seconds: 1_790_000_000)

    /// A government, an agency, a section and a team below each other; people by a letter.
    struct World {
        let store: Store
        let units: [String: Unit]
        let people: [String: Person]

        /// - Parameters:
        ///   - heads: unit to person.
        ///   - homes: person to unit; nothing for one without a unit.
        init(heads: [String: String], homes: [String: String?]) async throws {
            store = try await Store.open(.sqliteMemory)
            (units, people) = try await store.write { tx throws in
                var units: [String: Unit] = [:]
                for (name, parent) in [("root", nil), ("agency", "root"), ("section", "agency"), ("team", "section")]
                    as [(String, String?)]
                {
                    let id = UnitID.make(now: now)
                    let above = parent.flatMap { units[$0] }
                    let unit = Unit(
                        id: id, sourceID: name, parentID: above?.id, agencyID: nil, name: name,
                        postName: "Kepala \(name)", kind: nil, echelon: nil, path: (above?.path ?? "") + id.text + "/",
                        headPNSID: heads[name], validFrom: now)
                    try tx.units.insert(unit)
                    units[name] = unit
                }
                var people: [String: Person] = [:]
                for (name, home) in homes {
                    let person = Person(
                        id: .make(now: now), pnsID: name, name: name, employeeKind: .pns,
                        unitID: home.flatMap { units[$0]?.id }, createdAt: now, updatedAt: now)
                    try tx.people.insert(person)
                    try tx.accounts.insert(
                        Account(
                            id: .make(now: now), personID: person.id, sub: UUIDText.version4(), userName: name,
                            state: .aktif, stateBy: .personnel, createdAt: now, updatedAt: now))
                    people[name] = person
                }
                return (units, people)
            }
        }

        func act(_ name: String, _ unit: String, _ kind: Appointment.Kind = .plt, post: String? = nil) async throws {
            let (unit, person) = (try #require(units[unit]), try #require(people[name]))
            try await store.write { tx throws in
                try tx.appointments.insert([
                    Appointment(
                        id: .make(now: now), personID: person.id, unitID: unit.id, kind: kind,
                        postName: post ?? "KEPALA  \(unit.name)", letterNumber: "\(name) \(unit.name)", validFrom: now,
                        validTo: now.adding(seconds: 100), letterTo: nil, recordedAt: now, recordedBy: "system")
                ])
            }
        }

        func manager(of name: String, at moment: Timestamp = now) async throws -> String? {
            let person = try #require(people[name])
            let manager = try await store.read { tx throws in
                try ManagerDirectory(tx, by: .system, at: moment).standing(of: person).manager
            }
            // The list says the same.
            let missing = try await store.read { try ManagerList(in: $0, at: moment).missing }
            #expect(
                (manager == nil)
                    == missing.contains { $0.person.id == person.id && $0.reason != .loop })
            return manager.flatMap { found in people.first { $0.value.id == found.personID }?.key }
        }

        func set(_ manager: String, for name: String) async throws {
            let (person, manager) = (try #require(people[name]), try #require(people[manager]))
            try await store.write { try ManagerDirectory($0, by: .system, at: now).set(manager, for: person) }
        }
    }

    @Test("the head of my unit, and for the head the one above; who stands at the top has none")
    func heads() async throws {
        let world = try await World(
            heads: ["root": "W", "agency": "A", "section": "S"],
            homes: ["W": "root", "A": "agency", "S": "section", "X": "section", "Y": "team", "Z": "root"])
        #expect(try await world.manager(of: "X") == "S")
        // The team has no head: one unit further up.
        #expect(try await world.manager(of: "Y") == "S")
        #expect(try await world.manager(of: "S") == "A")
        #expect(try await world.manager(of: "A") == "W")
        #expect(try await world.manager(of: "Z") == "W")
        #expect(try await world.manager(of: "W") == nil)
        await world.store.close()
    }

    @Test("whoever acts for the head comes before the head, from the first moment to the last and not after")
    func acting() async throws {
        let world = try await World(
            heads: ["agency": "A", "section": "S"],
            homes: ["A": "agency", "S": "section", "X": "section", "P": "section"])
        try await world.act("P", "section", .plh)
        #expect(try await world.manager(of: "X") == "P")
        #expect(try await world.manager(of: "X", at: Self.now.adding(seconds: -1)) == "S")
        #expect(try await world.manager(of: "X", at: Self.now.adding(seconds: 99)) == "P")
        #expect(try await world.manager(of: "X", at: Self.now.adding(seconds: 100)) == "S")
        // Neither manages the other.
        #expect(try await world.manager(of: "S") == "A")
        #expect(try await world.manager(of: "P") == "A")
        await world.store.close()
    }

    @Test("another post of the unit and a definitive or further duty make nobody a manager")
    func otherPosts() async throws {
        let world = try await World(
            heads: ["section": "S"], homes: ["S": "section", "X": "section", "P": "team", "Q": "team"])
        try await world.act("P", "section", post: "Bendahara")
        try await world.act("Q", "section", .additional)
        try await world.act("Q", "section", .definitive, post: "Kepala section, lagi")
        #expect(try await world.manager(of: "X") == "S")
        await world.store.close()
    }

    @Test("cycles are cut: who leads a unit above their own is not managed by one who leads below")
    func crossed() async throws {
        // A leads the agency and is booked in the section that S leads; S is booked in the agency.
        let world = try await World(
            heads: ["root": "W", "agency": "A", "section": "S"],
            homes: ["W": "root", "A": "section", "S": "agency", "X": "team"])
        #expect(try await world.manager(of: "A") == "W")
        #expect(try await world.manager(of: "S") == "A")
        #expect(try await world.manager(of: "X") == "S")
        // Acting for a unit above counts the same.
        try await world.act("X", "agency")
        #expect(try await world.manager(of: "X") == "W")
        #expect(try await world.manager(of: "S") == "X")
        await world.store.close()
    }

    @Test("who has left is passed over, head, acting or named")
    func left() async throws {
        let world = try await World(
            heads: ["agency": "A", "section": "S"],
            homes: ["A": "agency", "S": "section", "P": "section", "X": "section", "N": "team"])
        try await world.act("P", "section")
        try await world.set("N", for: "X")
        #expect(try await world.manager(of: "X") == "N")
        for (name, expected) in [("N", "P"), ("P", "S"), ("S", "A"), ("A", nil)] as [(String, String?)] {
            let id = try #require(world.people[name]?.id)
            try await world.store.write { tx throws in
                let account = try #require(try tx.accounts.find(personID: id))
                try tx.accounts.updateState(account.id, .nonaktif, by: .personnel, at: Self.now)
            }
            #expect(try await world.manager(of: "X") == expected)
        }
        await world.store.close()
    }

    @Test("named by hand comes first; a loop and oneself are refused; cleared, posts decide again")
    func named() async throws {
        let world = try await World(
            heads: ["agency": "A", "section": "S"],
            homes: ["A": "agency", "S": "section", "X": "section", "N": nil, "Y": "team"])
        try await world.set("N", for: "X")
        try await world.set("N", for: "X")
        #expect(try await world.manager(of: "X") == "N")
        #expect(try await world.manager(of: "N") == nil)
        await #expect(throws: DirectoryError.self) { try await world.set("X", for: "X") }
        // X's chain is N; N under X would come round, and A under Y too: Y, S, A.
        await #expect(throws: DirectoryError.self) { try await world.set("X", for: "N") }
        await #expect(throws: DirectoryError.self) { try await world.set("Y", for: "A") }
        #expect(try await world.manager(of: "A") == nil)
        let person = try #require(world.people["X"])
        for _ in 0..<2 {
            try await world.store.write { try ManagerDirectory($0, by: .system, at: Self.now).clear(person) }
        }
        #expect(try await world.manager(of: "X") == "S")
        let events = try await world.store.read {
            try $0.audit.list(before: .max, event: nil, subject: nil, limit: 99).map(\.event)
        }
        #expect(events == ["manager.cleared", "manager.set"])
        await world.store.close()
    }

    @Test("people without a manager are listed with the reason, and those in a loop that came later too")
    func missing() async throws {
        let world = try await World(
            heads: ["agency": "A"], homes: ["A": "agency", "X": "section", "N": nil, "Z": "root", "Y": "team"])
        // A is under X by hand; X came under A by the post, which A got later.
        let (a, x) = (try #require(world.people["A"]), try #require(world.people["X"]))
        try await world.store.write { tx throws in
            try tx.standing.setOverride(
                ManagerOverride(personID: a.id, managerID: x.id, setAt: Self.now, setBy: "system"))
        }
        let list = try await world.store.read { try ManagerList(in: $0, at: Self.now) }
        #expect(list.people == 5)
        #expect(
            Set(list.missing.map { "\($0.person.name) \($0.reason.rawValue)" })
                == ["A loop", "X loop", "N no_unit", "Z no_leader"])
        await world.store.close()
    }

    @Test("a path that names a unit twice, or what is no unit, still ends")
    func path() async throws {
        let id = UnitID.make(now: Self.now)
        #expect(UnitPath.ids("\(id)/\(id)/x//\(id)/") == [id])
        #expect(UnitPath.ids(nil) == [])
        let long = String(repeating: "\(id)/", count: 10_000)
        #expect(UnitPath.ids(long) == [id])
    }
}
