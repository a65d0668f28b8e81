import GapuraFormats
import Testing

@testable import GapuraStore

/// Migration 7, and what an account depends on of its sponsor.
@Suite("Activation: schema and store")
struct ActivationStoreTests {
    private static let now = Timestamp(seconds: 1_795_566_600)

    private static func account(
        _ name: String, sponsor: AccountID? = nil, endsAt: Timestamp? = nil, state: AccountState = .aktif,
        hash: String? = nil
    ) -> Account {
        Account(
            id: .make(now: now), sub: UUIDText.version4(), userName: name, displayName: name, state: state,
            stateBy: .admin, sponsorID: sponsor, endsAt: endsAt, passwordHash: hash, createdAt: now, updatedAt: now)
    }

    private static func record(_ id: AccountID, _ digest: String = "d", lifetime: Int64 = 60) -> ActivationRecord {
        ActivationRecord(
            accountID: id, digest: digest, createdAt: now, expiresAt: now.adding(seconds: lifetime),
            issuedBy: "command:root", batch: "b")
    }

    @Test("from version 1 with rows in it: accounts stay, and take codes", arguments: engines)
    func fromFirst(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let location = try newLocation(engine, folder)
        let old = try await Store.open(location, migrations: Array(Migrations.all.prefix(1)))
        let account = Self.account("lama")
        try await old.write { tx in try FirstSchema.insert(account, tx) }
        await old.close()
        let store = try await Store.open(location)
        #expect(try await store.count("SELECT COUNT(*) FROM schema_migrations WHERE name = 'activation'") == 1)
        try await store.write { try $0.activation.put([Self.record(account.id)]) }
        let read = try await store.read { (try $0.accounts.find(account.id), try $0.activation.find(account.id)) }
        #expect(read.0 == account)
        #expect(read.1 == Self.record(account.id))
        await expectFailure(.constraint(.foreignKey)) {
            try await store.write { try $0.activation.put([Self.record(.make(now: Self.now))]) }
        }
        await store.close()
    }

    @Test("a code is spent once, and a new one takes its place unspent", arguments: engines)
    func once(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder))
        let account = Self.account("satu")
        try await store.write { tx in
            try tx.accounts.insert(account)
            #expect(try !tx.activation.consume(account.id, at: Self.now))
            try tx.activation.put([Self.record(account.id)])
            #expect(try tx.activation.consume(account.id, at: Self.now))
            #expect(try !tx.activation.consume(account.id, at: Self.now))
            #expect(try tx.activation.find(account.id)?.usedAt == Self.now)
            try tx.activation.put([Self.record(account.id, "e")])
            #expect(try tx.activation.find(account.id) == Self.record(account.id, "e"))
        }
        await store.close()
    }

    @Test("upkeep forgets codes that ran out long ago, and a restore makes all worthless", arguments: engines)
    func upkeep(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder))
        let (old, young) = (Self.account("lama"), Self.account("baru"))
        try await store.write { tx in
            try tx.accounts.insert([old, young])
            try tx.activation.put([Self.record(old.id, lifetime: 10), Self.record(young.id, lifetime: 100)])
            try tx.upkeep.deleteExpired(at: Self.now, keepingSessionsSince: Self.now.adding(seconds: 50))
            #expect(try tx.activation.find(old.id) == nil)
            #expect(try tx.activation.find(young.id)?.usedAt == nil)
            try tx.upkeep.endEverything(at: Self.now)
            #expect(try tx.activation.find(young.id)?.usedAt == Self.now)
        }
        await store.close()
    }

    @Test("an account's state follows its sponsor's, wherever it is read", arguments: engines)
    func sponsor(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder))
        let sponsor = Self.account("penanggung", endsAt: Self.now.adding(seconds: 100))
        let vendor = Self.account("vendor", sponsor: sponsor.id, endsAt: Self.now.adding(seconds: 200))
        let closed = Self.account("tutup", sponsor: sponsor.id, state: .nonaktif)
        try await store.write { tx in
            try tx.accounts.insert([sponsor])
            try tx.accounts.insert([vendor, closed])
        }
        func read() async throws -> Account {
            try await store.read { tx in
                let found = try #require(try tx.accounts.find(vendor.id))
                #expect(try tx.accounts.find(userName: "VENDOR") == found)
                #expect(try tx.accounts.list([vendor.id]) == [found])
                return found
            }
        }
        let found = try await read()
        #expect(found.sponsor == .init(state: .aktif, endsAt: sponsor.endsAt))
        #expect(found.lastsUntil == sponsor.endsAt)
        #expect(found.state(at: Self.now.adding(seconds: 99)) == .aktif)
        #expect(found.state(at: Self.now.adding(seconds: 100)) == .ditangguhkan)
        #expect(found.state(at: Self.now.adding(seconds: 200)) == .nonaktif)
        for state in AccountState.allCases {
            try await store.write { try $0.accounts.updateState(sponsor.id, state, by: .admin, at: Self.now) }
            let expected: AccountState = state == .aktif || state == .terbatas ? .aktif : .ditangguhkan
            #expect(try await read().state(at: Self.now) == expected, "\(state)")
            // What is stored stays: the sponsor's return brings it back.
            #expect(try await read().state == .aktif)
            // Suspending is no promotion of what is closed.
            #expect(try await store.read { try $0.accounts.find(closed.id)?.state(at: Self.now) } == .nonaktif)
        }
        await store.close()
    }

    @Test("who has not come is found by rules in SQL that are those of the account's state", arguments: engines)
    func newcomers(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder))
        let late = Self.now.adding(seconds: 100)
        let gone = Self.account("pergi", state: .ditangguhkan, hash: "x")
        let ending = Self.account("berakhir", endsAt: late, hash: "x")
        let all = [
            Self.account("biasa"), Self.account("terbatas", state: .terbatas), Self.account("punya", hash: "x"),
            Self.account("menunggu", state: .menunggu), Self.account("habis", endsAt: Self.now),
            Self.account("tamu.pergi", sponsor: gone.id), Self.account("tamu.berakhir", sponsor: ending.id),
        ]
        try await store.write { tx in
            try tx.accounts.insert([gone, ending])
            try tx.accounts.insert(all)
        }
        func names(_ moment: Timestamp) async throws -> Set<String?> {
            try await store.read { tx in
                var found: Set<String?> = []
                try tx.activation.eachNewcomer(.all, states: AccountState.allCases, at: moment) { newcomer in
                    found.insert(newcomer.account.userName)
                    #expect(newcomer.signInName == newcomer.account.userName)
                    #expect(newcomer.place == nil)
                }
                return found
            }
        }
        for moment in [Self.now.adding(seconds: -1), Self.now, late] {
            let expected = try await store.read { tx in
                try tx.accounts.list(all.map(\.id))
                    .filter { account in
                        account.passwordHash == nil
                            && (account.state(at: moment).maySignIn || account.state(at: moment) == .menunggu)
                    }.map(\.userName)
            }
            #expect(try await names(moment) == Set(expected), "\(moment)")
        }
        let counts = try await store.read { try $0.activation.counts(.all, at: Self.now) }
        // berakhir and punya have come; biasa, terbatas and tamu.berakhir have not.
        #expect(
            counts == [ArrivalCount(agencyID: nil, agency: nil, accounts: 5, pending: 3, issued: 0, expired: 0)])
        await store.close()
    }
}
