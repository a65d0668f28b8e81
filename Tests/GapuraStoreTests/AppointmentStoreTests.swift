import GapuraFormats
import Testing

@testable import GapuraStore

/// Appointments, managers and what leads to a unit, on both engines.
@Suite("Store: appointments")
struct AppointmentStoreTests {
    static let now = Timestamp(seconds: 1_790_000_000)

    /// A government, an agency and a section, with people who have accounts.
    struct World {
        let root: Unit
        let agency: Unit
        let section: Unit
        let people: [Person]

        static func make(_ tx: Transaction) throws -> World {
            func unit(_ source: String, _ parent: Unit?, head: String?) throws -> Unit {
                let id = UnitID.make(now: now)
                let unit = Unit(
                    id: id, sourceID: source, parentID: parent?.id, agencyID: nil, name: "Unit \(source)",
                    postName: "Kepala \(source)", kind: nil, echelon: "31", path: (parent?.path ?? "") + id.text + "/",
                    headPNSID: head, validFrom: now)
                try tx.units.insert(unit)
                return unit
            }
            let root = try unit("ROOT", nil, head: nil)
            let agency = try unit("A", root, head: "P0")
            let section = try unit("S", agency, head: "P1")
            let people = (0..<6).map { index in
                Person(
                    id: .make(now: now), pnsID: "P\(index)", name: "Orang \(index)", frontTitle: "Drs.",
                    backTitle: "S.E.", employeeKind: .pns, unitID: section.id, createdAt: now, updatedAt: now)
            }
            try tx.people.insert(people)
            try tx.accounts.insert(
                people.map {
                    Account(
                        id: .make(now: now), personID: $0.id, sub: UUIDText.version4(), state: .aktif,
                        stateBy: .personnel, createdAt: now, updatedAt: now)
                })
            return World(root: root, agency: agency, section: section, people: people)
        }
    }

    static func appointment(
        _ person: Person, _ unit: Unit, _ kind: Appointment.Kind = .plt, letter: String = "800/1", from: Int64 = 0,
        to: Int64? = 86_400
    ) -> Appointment {
        Appointment(
            id: .make(now: now), personID: person.id, unitID: unit.id, kind: kind,
            postName: unit.postName ?? "Jabatan", letterNumber: letter, validFrom: now.adding(seconds: from),
            validTo: to.map { now.adding(seconds: $0) }, letterTo: to.map { now.adding(seconds: $0 + 1) },
            recordedAt: now, recordedBy: "system")
    }

    func withStore(_ engine: Engine, _ body: (Store, World) async throws -> Void) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(newLocation(engine, folder))
        let world = try await store.write { try World.make($0) }
        try await body(store, world)
        await store.close()
    }

    @Test("what is written is read again, by id, by unit, by person and by day", arguments: engines)
    func roundTrip(_ engine: Engine) async throws {
        try await withStore(engine) { store, world in
            let plt = Self.appointment(world.people[2], world.section)
            let open = Self.appointment(world.people[3], world.agency, .definitive, letter: "D/1", to: nil)
            try await store.write { try $0.appointments.insert([plt, open]) }
            let (now, person) = (Self.now, world.people[2].id)
            try await store.read { tx throws in
                #expect(try tx.appointments.find(plt.id) == plt)
                #expect(try tx.appointments.find(open.id) == open)
                #expect(try tx.appointments.list(of: [], in: [world.section.id]) == [plt])
                #expect(
                    Set(try tx.appointments.list(of: [person], in: [world.section.id, world.agency.id]).map(\.id))
                        == [plt.id, open.id])
                func list(_ person: PersonID?, _ path: String?, _ moment: Timestamp?) throws -> [AppointmentID] {
                    try tx.appointments.list(of: person, under: path, at: moment, limit: 10).map(\.appointment.id)
                }
                #expect(Set(try list(nil, nil, nil)) == [plt.id, open.id])
                #expect(try list(person, nil, nil) == [plt.id])
                #expect(Set(try list(nil, world.agency.path, nil)) == [plt.id, open.id])
                #expect(try list(nil, world.section.path, now) == [plt.id])
                // The end is the first moment after.
                #expect(try list(nil, world.section.path, now.adding(seconds: 86_399)) == [plt.id])
                #expect(try list(nil, world.section.path, now.adding(seconds: 86_400)) == [])
                #expect(try list(nil, world.section.path, now.adding(seconds: -1)) == [])
                let placed = try #require(
                    try tx.appointments.list(of: person, under: nil, at: nil, limit: 1).first)
                #expect(placed.personName == world.people[2].fullName)
                #expect(placed.unitSourceID == "S")
                #expect(placed.pnsID == "P2")
            }
        }
    }

    @Test("the same letter cannot appoint a person to a post twice, unless it was ended", arguments: engines)
    func letterOnce(_ engine: Engine) async throws {
        try await withStore(engine) { store, world in
            let first = Self.appointment(world.people[2], world.section)
            var again = Self.appointment(world.people[2], world.section, letter: " 800/1 ")
            again.postName = "KEPALA  S"
            try await store.write { try $0.appointments.insert([first]) }
            let twin = again
            await expectFailure(.constraint(.unique)) { try await store.write { try $0.appointments.insert([twin]) } }
            let now = Self.now
            try await store.write { tx throws in
                try tx.appointments.end(first.id, validTo: first.validFrom, at: now, by: "system")
                try tx.appointments.insert([twin])
            }
            let ended = try await store.read { try $0.appointments.find(first.id) }
            #expect(ended?.endedAt == Self.now)
            #expect(ended?.endedBy == "system")
            #expect(ended?.holds(at: first.validFrom) == false)
        }
    }

    @Test(
        "one statement has what a person holds and who acts above; another the heads and the named one",
        arguments: engines)
    func standing(_ engine: Engine) async throws {
        try await withStore(engine) { store, world in
            let (now, people) = (Self.now, world.people)
            try await store.write { tx throws in
                try tx.appointments.insert([
                    Self.appointment(people[2], world.section, letter: "1"),
                    Self.appointment(people[3], world.agency, .plh, letter: "2"),
                    // Not today, not above, and no acting kind of somebody else.
                    Self.appointment(people[4], world.section, letter: "3", from: 86_400, to: 2 * 86_400),
                    Self.appointment(people[4], world.section, .definitive, letter: "4", to: nil),
                    Self.appointment(people[5], world.root, .plt, letter: "5"),
                    Self.appointment(people[5], world.section, .additional, letter: "6", to: nil),
                ])
                try tx.standing.setOverride(
                    ManagerOverride(personID: people[5].id, managerID: people[4].id, setAt: now, setBy: "system"))
            }
            try await store.read { tx throws in
                let path = [world.agency.id, world.section.id]
                let held = try tx.standing.appointments(of: people[5].id, on: path, at: now)
                #expect(Set(held.map(\.appointment.letterNumber)) == ["1", "2", "5", "6"])
                #expect(held.allSatisfy { $0.isHead && $0.holder.isInService(at: now) && $0.unitEchelon == "31" })
                let (heads, named) = try tx.standing.leaders(on: path, of: people[5].id)
                #expect(
                    Dictionary(uniqueKeysWithValues: heads.map { ($0.unitID, $0.holder?.personID) })
                        == [world.agency.id: people[0].id, world.section.id: people[1].id])
                #expect(named?.personID == people[4].id)
                #expect(try tx.standing.leaders(on: [], of: people[1].id).named == nil)
                #expect(try tx.standing.appointments(of: people[1].id, on: [], at: now).isEmpty)
                #expect(Set(try tx.standing.acting(at: now).map(\.appointment.letterNumber)) == ["1", "2", "5"])
                #expect(try tx.standing.heads().count == 2)
                #expect(try tx.standing.overrides()[people[5].id]?.personID == people[4].id)
                var names: [String] = []
                try tx.standing.eachInService(at: now) { names.append($0.name) }
                #expect(Set(names) == Set(people.map(\.fullName)))
            }
            try await store.write { tx throws in
                #expect(try tx.standing.clearOverride(of: people[5].id))
                #expect(try !tx.standing.clearOverride(of: people[5].id))
            }
        }
    }

    @Test("a number that went from one person to another finds today's, and an old one the last", arguments: engines)
    func numbers(_ engine: Engine) async throws {
        try await withStore(engine) { store, world in
            let (now, people) = (Self.now, world.people)
            try await store.write { tx throws in
                try tx.people.insert([
                    PersonAlias(
                        id: .make(now: now), personID: people[0].id, kind: .nip, value: "1", validFrom: now,
                        validTo: now.adding(seconds: 5)),
                    PersonAlias(id: .make(now: now), personID: people[1].id, kind: .nip, value: "1", validFrom: now),
                    PersonAlias(
                        id: .make(now: now), personID: people[2].id, kind: .nip, value: "2", validFrom: now,
                        validTo: now.adding(seconds: 5)),
                ])
            }
            try await store.read { tx throws in
                #expect(
                    try tx.people.ids(nips: ["1", "2", "3"]) == ["1": people[1].id, "2": people[2].id])
                #expect(try tx.people.ids(pnsIDs: ["P0", "PX"]) == ["P0": people[0].id])
                #expect(Set(try tx.units.find(sourceIDs: ["A", "S", "X"]).keys) == ["A", "S"])
            }
        }
    }

    @Test("a database of version 1 with people in it gets the tables, and keeps its people", arguments: engines)
    func fromFirst(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let location = try newLocation(engine, folder)
        let old = try await Store.open(location, migrations: Migrations.all.filter { $0.version == 1 })
        let now = Self.now
        try await old.write { tx throws in
            _ = try tx.run(
                """
                INSERT INTO units (id, source_id, name, path, valid_from) VALUES ('u', 'U', 'Pemerintah', 'u/', \(now))
                """)
            _ = try tx.run(
                """
                INSERT INTO people (id, name, employee_kind, unit_id, works_here, needs_review, created_at, updated_at)
                VALUES ('p', 'Orang', 'PNS', 'u', 1, 0, \(now), \(now))
                """)
        }
        await old.close()
        let new = try await Store.open(location)
        #expect(try await new.count("SELECT COUNT(*) FROM people") == 1)
        for table in ["appointments", "manager_overrides", "unit_events", "unit_drafts", "unit_draft_rows"] {
            #expect(try await new.count(Statement(trusted: "SELECT COUNT(*) FROM \(table)")) == 0)
        }
        try await new.write { tx throws in
            _ = try tx.run(
                """
                INSERT INTO appointments (id, person_id, unit_id, kind, post_name, post_key, letter_number, letter_key, valid_from,
                recorded_at, recorded_by) VALUES ('a', 'p', 'u', 'D', 'Wali Kota', 'wali kota', '1', '1', \(now), \(now), 'system')
                """)
        }
        await new.close()
    }
}
