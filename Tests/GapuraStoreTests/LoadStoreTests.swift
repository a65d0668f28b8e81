import GapuraFormats
import Testing

@testable import GapuraStore

/// Schema 2: what loads changed, what waits, the bin.
@Suite struct LoadStoreTests {
    static let now = Timestamp(seconds: 1_790_000_000)

    @Test("migration 2: a database with people, accounts and loads of version 1 keeps them", arguments: engines)
    func migrated(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let location = try newLocation(engine, folder)
        let load = LoadID.make(now: Self.now)
        let person = Person(
            id: .make(now: Self.now), pnsID: "P1", name: "Satu", employeeKind: .pns, createdAt: Self.now,
            updatedAt: Self.now)
        let account = Account(
            id: .make(now: Self.now), personID: person.id, sub: UUIDText.version4(), state: .aktif, stateBy: .personnel,
            createdAt: Self.now, updatedAt: Self.now)
        let old = try await Store.open(location, migrations: Array(Migrations.all.prefix(1)))
        try await old.write { tx in
            try FirstSchema.insert(person, tx)
            try FirstSchema.insert(account, tx)
            let (file, digest, actor, counts) = ("a.xlsx", "digest", "command:root", "{\"new\":1}")
            _ = try tx.run(
                """
                INSERT INTO loads (id, file_name, file_digest, units_digest, applied_at, actor, counts)
                VALUES (\(load), \(file), \(digest), \(String?.none), \(Self.now), \(actor), \(counts))
                """)
            try tx.loads.insert([
                LoadFinding(loadID: load, rowNumber: 2, outcome: .warning, reason: "unit_unknown", pnsID: "P1")
            ])
        }
        await old.close()
        let store = try await Store.open(location)
        try await store.read { tx throws in
            #expect(try tx.loads.list(limit: 9).map(\.id) == [load])
            let kept = try tx.loads.find(load)
            #expect(kept?.kind == .load && kept?.undoes == nil && kept?.undoneBy == nil)
            #expect(try tx.loads.findings(of: load).count == 1)
            #expect(try tx.people.list([person.id]) == [person])
            #expect(try tx.accounts.list([account.id]) == [account])
            #expect(try tx.schedule.nextDue() == nil)
        }
        await store.close()
    }

    private func withCity(_ engine: Engine, _ body: (Store, LoadID, Person, Account) async throws -> Void) async throws
    {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder))
        let load = LoadID.make(now: Self.now)
        let person = Person(
            id: .make(now: Self.now), pnsID: "P1", name: "Satu", employeeKind: .pns, createdAt: Self.now,
            updatedAt: Self.now)
        let account = Account(
            id: .make(now: Self.now), personID: person.id, sub: UUIDText.version4(), state: .nonaktif,
            stateBy: .personnel, createdAt: Self.now, updatedAt: Self.now)
        try await store.write { tx in
            try tx.people.insert(person)
            try tx.accounts.insert(account)
            try tx.loads.insert(
                Load(
                    id: load, fileName: "a", fileDigest: "d", unitsDigest: nil, appliedAt: Self.now, actor: "x",
                    counts: "{}"))
        }
        try await body(store, load, person, account)
        await store.close()
    }

    @Test("changes come back newest first, also those that were added later", arguments: engines)
    func changes(_ engine: Engine) async throws {
        try await withCity(engine) { store, load, person, _ in
            try await store.write { tx in
                let many = (0..<120).map {
                    LoadChange(
                        entity: .person, entityID: person.id.text, before: $0 == 0 ? nil : "{}", after: "{\"n\":\($0)}")
                }
                try tx.loads.insert(many, of: load, from: tx.loads.nextChange(of: load))
                try tx.loads.insert(
                    [LoadChange(entity: .account, entityID: "x", before: nil, after: "last")], of: load,
                    from: tx.loads.nextChange(of: load))
            }
            let read = try await store.read { tx in
                var read: [LoadChange] = []
                try tx.loads.eachChange(of: load) { read.append($0) }
                return read
            }
            #expect(read.count == 121)
            #expect(read.first?.after == "last")
            #expect(read.last?.before == nil)
            #expect(read.map(\.after).dropFirst() == (0..<120).reversed().map { "{\"n\":\($0)}" }[...])
        }
    }

    @Test("what is due is found and decided once; what was decided is not found again", arguments: engines)
    func due(_ engine: Engine) async throws {
        try await withCity(engine) { store, load, person, _ in
            let changes = (1...3).map { day in
                ScheduledChange(
                    id: .make(now: Self.now), personID: person.id, kind: day == 1 ? .retired : .vanished, loadID: load,
                    validFrom: Self.now, dueAt: Self.now.adding(seconds: Int64(day)))
            }
            try await store.write { try $0.schedule.put(changes) }
            try await store.read { tx throws in
                #expect(try tx.schedule.nextDue() == Self.now.adding(seconds: 1))
                #expect(try tx.schedule.due(at: Self.now, limit: 9) == [])
                #expect(try tx.schedule.due(at: Self.now.adding(seconds: 2), limit: 9) == Array(changes.prefix(2)))
                #expect(try tx.schedule.due(at: Self.now.adding(seconds: 2), limit: 1) == Array(changes.prefix(1)))
            }
            var done = changes[0]
            done.state = .done
            done.stateBefore = .aktif
            done.decidedAt = Self.now
            var cancelled = changes[1]
            cancelled.state = .cancelled
            try await store.write { [done, cancelled] in try $0.schedule.put([done, cancelled]) }
            try await store.read { [done] tx throws in
                #expect(try tx.schedule.nextDue() == Self.now.adding(seconds: 3))
                #expect(try tx.schedule.list([done.id]) == [done])
                var open: [ScheduledChange.State] = []
                try tx.schedule.eachOpen { open.append($0.state) }
                #expect(Set(open) == [.done, .waiting])
            }
        }
    }

    @Test("the bin lists who is closed until the day, and forgets the entry and never the account", arguments: engines)
    func bin(_ engine: Engine) async throws {
        try await withCity(engine) { store, load, person, account in
            let until = Self.now.adding(seconds: 90 * 86_400)
            let entry = BinEntry(
                accountID: account.id, loadID: load, reason: .retired, stateBefore: .aktif, enteredAt: Self.now,
                until: until)
            for _ in 0..<2 { try await store.write { try $0.bin.put([entry]) } }
            try await store.read { tx throws in
                let listed = try tx.bin.list(at: until.adding(milliseconds: -1), limit: 9)
                #expect(listed.map(\.entry) == [entry])
                #expect(listed.map(\.name) == ["Satu"])
                #expect(try tx.bin.list(at: until, limit: 9).count == 0)
            }
            // Put back by an admin.
            try await store.write { try $0.accounts.updateStates([account.id], .aktif, by: .admin, at: Self.now) }
            #expect(try await store.read { try $0.bin.list(at: Self.now, limit: 9).count } == 0)
            try await store.write { tx in
                _ = try tx.upkeep.deleteExpired(at: until.adding(milliseconds: 1), keepingSessionsSince: Self.now)
            }
            #expect(try await store.count("SELECT COUNT(*) FROM recycle_bin") == 0)
            #expect(try await store.read { try $0.accounts.find(account.id)?.state } == .aktif)
            #expect(try await store.read { try $0.people.count() } == 1)
        }
    }

    @Test("many rows of the audit at once, and aliases ended and opened again", arguments: engines)
    func many(_ engine: Engine) async throws {
        try await withCity(engine) { store, _, person, account in
            let aliases = (0..<250).map {
                PersonAlias(
                    id: .make(now: Self.now), personID: person.id, kind: .nip, value: "\(1000 + $0)",
                    validFrom: Self.now)
            }
            try await store.write { tx in
                try tx.people.insert(aliases)
                try tx.people.end(aliases.map(\.id), at: Self.now)
            }
            #expect(try await store.read { try $0.people.currentNumbers(of: [person.id]) } == [])
            try await store.write { try $0.people.reopen(aliases.prefix(150).map(\.id)) }
            let current = try await store.read { try $0.people.current(numbers: aliases.map(\.value)) }
            #expect(Set(current.map(\.id)) == Set(aliases.prefix(150).map(\.id)))
            #expect(try await store.read { try $0.accounts.list(personIDs: [person.id]) }.map(\.id) == [account.id])
            let records = (0..<120).map {
                AuditRecord(
                    seq: Int64($0 + 1), at: Self.now, event: "x", actor: "system", subject: nil, clientID: nil,
                    detail: "{}", previous: "", hash: "h\($0)")
            }
            let next = try await store.write { tx in
                let taken = try tx.audit.takeNext(120)
                try tx.audit.insert(records)
                return taken.seq
            }
            #expect(next == 1)
            let head = try await store.read { try $0.audit.head() }
            #expect(head.seq == 120 && head.hash == "h119")
        }
    }
}
