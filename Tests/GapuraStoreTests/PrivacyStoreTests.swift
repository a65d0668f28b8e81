import GapuraFormats
import Testing

@testable import GapuraStore

/// Migration 8, on a database that has lived; and where people stand in the schema.
@Suite("Privacy: schema and store")
struct PrivacyStoreTests {
    private static let now = Timestamp(seconds: 1_795_566_600)

    private static func person(_ name: String) -> Person {
        Person(
            id: .make(now: now), pnsID: "P-\(name)", name: name, employeeKind: .pns, email: "\(name)@contoh.invalid",
            phone: "0000", createdAt: now, updatedAt: now)
    }

    private static func account(_ person: Person) -> Account {
        Account(
            id: .make(now: now), personID: person.id, sub: UUIDText.version4(), userName: person.name, state: .aktif,
            stateBy: .personnel, passwordHash: "hash", createdAt: now, updatedAt: now)
    }

    private static func audit(_ seq: Int64) -> AuditRecord {
        AuditRecord(
            seq: seq, at: now.adding(seconds: seq), event: "e", actor: "system", subject: nil, clientID: nil,
            detail: "{}", previous: "h\(seq - 1)", hash: "h\(seq)")
    }

    @Test(
        "from version 1 with rows in it: people take a NIK, and the audit knows that nothing was purged",
        arguments: engines)
    func fromFirst(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let location = try newLocation(engine, folder)
        let old = try await Store.open(location, migrations: Array(Migrations.all.prefix(1)))
        let person = Self.person("lama")
        try await old.write { tx in
            try FirstSchema.insert(person, tx)
            _ = try tx.audit.takeNext()
            try tx.audit.insert(Self.audit(1))
        }
        await old.close()
        let store = try await Store.open(location)
        #expect(try await store.count("SELECT COUNT(*) FROM schema_migrations WHERE name = 'privacy'") == 1)
        #expect(
            try await store.read { try $0.audit.checkpoint() }
                == AuditCheckpoint(purgedSeq: 0, purgedHash: "", exportedSeq: 0, exportedHash: ""))
        var identity = SealedIdentity(personID: person.id, sealed: "a", lookup: "b", changedAt: Self.now)
        try await store.write { [identity] in try $0.identities.put([identity]) }
        identity.sealed = "c"
        try await store.write { [identity] in try $0.identities.put([identity]) }
        #expect(try await store.read { try $0.identities.find(person.id) } == identity)
        #expect(try await store.read { try $0.identities.find(lookup: "b") } == [identity])
        #expect(try await store.read { try $0.identities.find(lookup: "B") }.isEmpty)
        #expect(try await store.read { try $0.identities.count() } == 1)
        await expectFailure(.constraint(.foreignKey)) {
            try await store.write {
                try $0.identities.put([
                    SealedIdentity(personID: .make(now: Self.now), sealed: "a", lookup: "b", changedAt: Self.now)
                ])
            }
        }
        await store.close()
    }

    @Test("one row a set of claims, however often it is given", arguments: engines)
    func disclosures(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder))
        let (person, now) = (Self.person("satu"), Self.now)
        let account = Self.account(person)
        let listed = try await store.write { tx in
            try tx.people.insert(person)
            try tx.accounts.insert(account)
            let application = ApplicationRecord(
                id: .make(now: now), slug: "simpeg", name: "SIMPEG", state: .aktif, createdAt: now, updatedAt: now)
            try tx.applications.insert(application)
            try tx.clients.insert(
                ClientRecord(
                    id: ClientID("web"), applicationID: application.id, state: .active, secretDigest: nil,
                    sealedSecret: nil, secretChangedAt: nil, settings: "{}", backchannelLogoutURI: nil, createdAt: now,
                    updatedAt: now))
            for second in 0..<50 as Range<Int64> {
                try tx.disclosures.record(
                    second == 20 ? "sub" : "sub name", about: account.id, to: ClientID("web"),
                    at: now.adding(seconds: second))
            }
            return try tx.disclosures.list(about: account.id)
        }
        #expect(
            listed == [
                Disclosure(
                    clientID: ClientID("web"), applicationName: "SIMPEG", claims: "sub name", firstAt: now,
                    lastAt: now.adding(seconds: 49), times: 49),
                Disclosure(
                    clientID: ClientID("web"), applicationName: "SIMPEG", claims: "sub",
                    firstAt: now.adding(seconds: 20),
                    lastAt: now.adding(seconds: 20), times: 1),
            ])
        await store.close()
    }

    @Test("a purge goes from the beginning, in portions, and leaves where it ended", arguments: engines)
    func purge(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder))
        try await store.write { tx in
            for seq in 1...7 as ClosedRange<Int64> {
                _ = try tx.audit.takeNext()
                try tx.audit.insert(Self.audit(seq))
            }
        }
        let last = try await store.read { try $0.audit.last(before: Self.now.adding(seconds: 6)) }
        #expect(last?.seq == 5)
        #expect(try await store.read { try $0.audit.last(before: Self.now) } == nil)
        var gone: [Int] = []
        while let step = try await store.write({ try $0.audit.purge(upTo: 5, limit: 2) }) { gone.append(step.rows) }
        #expect(gone == [2, 2, 1])
        let checkpoint = try await store.read { try $0.audit.checkpoint() }
        #expect(checkpoint.purgedSeq == 5)
        #expect(checkpoint.purgedHash == "h5")
        #expect(try await store.read { try $0.audit.list(after: 0, upTo: 99).map(\.seq) } == [6, 7])
        #expect(try await store.read { try $0.audit.firstTime() } == Self.now.adding(seconds: 6))
        await store.close()
    }

    /// Columns that name somebody. A table that gets one has to be exported with them and forgotten.
    private static let owners: Set<String> = [
        "person_id", "account_id", "manager_id", "account_sub", "sponsor_id", "head_pns_id", "pns_id", "nip", "email",
        "entity_id",
    ]

    @Test(
        "every table that names a person is told to them and erased: the list and the schema agree", arguments: engines)
    func everyTable(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder))
        let schema = try await store.read { tx in
            try tx.connection.tableNames().map { ($0, Set(try tx.connection.columnNames(of: $0))) }
        }
        let listed = Set(HeldDataQueries.tables.map(\.table))
        for (table, columns) in schema where !columns.isDisjoint(with: Self.owners) {
            #expect(listed.contains(table), "\(table)")
        }
        // Each statement runs, on this engine, for somebody with nothing at all.
        let person = Self.person("siapa")
        let subject = HeldSubject(person: person, account: Self.account(person))
        let tables = try await store.read { try $0.heldData.list(subject) }
        #expect(tables.count == HeldDataQueries.tables.count)
        try await store.write { try $0.heldData.erase(subject, placeholder: "-", at: Self.now) }
        await store.close()
    }

    @Test("whoever is erased is in no table any more, and others are left alone", arguments: engines)
    func erased(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder))
        let people = ["hapus", "tetap"].map { Self.person($0) }
        let accounts = people.map { Self.account($0) }
        try await store.write { tx in
            for (person, account) in zip(people, accounts) {
                try tx.people.insert(person)
                try tx.accounts.insert(account)
                try tx.people.insert(
                    PersonAlias(
                        id: .make(now: Self.now), personID: person.id, kind: .nip, value: "N-\(person.name)",
                        validFrom: Self.now))
                try tx.identities.put([
                    SealedIdentity(
                        personID: person.id, sealed: "s-\(person.name)", lookup: "l-\(person.name)", changedAt: Self.now
                    )
                ])
            }
            try tx.heldData.erase(
                HeldSubject(person: people[0], account: accounts[0]), placeholder: "-", at: Self.now)
        }
        let text = try await store.read { tx in
            try tx.connection.tableNames().map { table in
                try tx.rows(Statement(trusted: "SELECT * FROM \(table)")).map { "\($0.values)" }.joined()
            }.joined(separator: "\n")
        }
        #expect(!text.contains("hapus"))
        for word in ["P-tetap", "N-tetap", "s-tetap", "tetap@contoh.invalid", accounts[0].sub, accounts[0].id.text] {
            #expect(text.contains(word), "\(word)")
        }
        #expect(try await store.read { try $0.accounts.find(accounts[1].id) } == accounts[1])
        #expect(try await store.read { try $0.accounts.find(accounts[0].id) }?.passwordHash == nil)
        await store.close()
    }
}
