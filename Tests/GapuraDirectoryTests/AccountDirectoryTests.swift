import GapuraFormats
import GapuraStore
import GapuraTokens
import Testing

@testable import GapuraDirectory

/// The rules about accounts, without HTTP.
@Suite("Accounts")
struct AccountDirectoryTests {
    private let now = Timestamp(seconds: 1_795_566_600)

    private func withStore(_ body: @Sendable (Store) async throws -> Void) async throws {
        let store = try await Store.open(.sqliteMemory)
        do { try await body(store) } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    private func add(_ userName: String, role: AdminRole = .none, endsAt: Timestamp? = nil, to store: Store)
        async throws -> Account
    {
        let now = now
        return try await store.write { tx in
            let directory = AccountDirectory(tx, by: .command(user: "root"), at: now)
            let isAdmin = role == .superadmin
            // Whoever is no admin has a sponsor and an end.
            let sponsor = isAdmin ? nil : try Self.sponsor(directory)
            return try directory.add(
                userName: userName, displayName: "Nama \(userName)", email: nil, role: role, sponsor: sponsor,
                endsAt: endsAt ?? (isAdmin ? nil : now.adding(seconds: 86_400))
            ).account
        }
    }

    private static func sponsor(_ directory: AccountDirectory) throws -> Account {
        if let known = try directory.find(named: "penanggung") { return known }
        let account = Account(
            id: .make(now: directory.now), sub: UUIDText.version4(), userName: "penanggung", state: .aktif,
            stateBy: .personnel, createdAt: directory.now, updatedAt: directory.now)
        try directory.tx.accounts.insert(account)
        return account
    }

    @Test(
        "what is typed is an NIP, an email or a user name by its form alone, and has one spelling",
        arguments: [
            ("189001011915011001", SignInName.nip("189001011915011001")),
            (" 1890 0101-1915.01 1 001 ", .nip("189001011915011001")),
            ("12", .nip("12")), ("a@b", .email("a@b")), ("A.b@C", .email("A.b@C")), ("a@b@c", .userName("a@b@c")),
            ("ujang", .userName("ujang")),
            ("1a", .userName("1a")), ("\tujang", .userName("ujang")), ("", nil), ("   ", nil), ("uja\u{301}ng", nil),
            ("u\u{0}", nil), ("u\n", nil),
            ("--", .userName("--")),
        ] as [(String, SignInName?)])
    func names(typed: String, name: SignInName?) {
        #expect(SignInName(typed) == name)
        #expect(SignInName(typed.uppercased())?.key == SignInName(typed)?.key)
    }

    @Test("a name has 254 bytes at most")
    func longest() {
        #expect(SignInName(String(repeating: "a", count: 254)) != nil)
        #expect(SignInName(String(repeating: "a", count: 255)) == nil)
    }

    @Test(
        "user names are 3 to 64 of a-z 0-9 . - _ and begin with a letter",
        arguments: [
            ("abc", true), ("ABC", true), ("a.b-c_9", true), (String(repeating: "a", count: 64), true), ("ab", false),
            ("1abc", false),
            (String(repeating: "a", count: 65), false), ("a b c", false), ("abc@d", false), ("ab\u{e9}", false),
            ("", false), (".abc", false),
            ("abc\n", false), ("\u{212a}elvin", false),
        ])
    func userNames(text: String, isGood: Bool) {
        #expect(SignInName.isUserName(text) == isGood)
    }

    @Test("adding the same account again answers the same one; a taken name with another face is a conflict")
    func idempotent() async throws {
        try await withStore { store in
            let first = try await add("vendor", to: store)
            let second = try await add("vendor", to: store)
            #expect(first == second)
            await #expect(throws: DirectoryError.self) { try await add("VENDOR", role: .superadmin, to: store) }
            await #expect(throws: DirectoryError.self) { try await add("x", to: store) }
            let rows = try await store.read {
                try $0.audit.list(before: .max, event: "account.added", subject: nil, limit: 9)
            }
            #expect(rows.map(\.subject) == [first.id.text])
        }
    }

    @Test("an account past its end date is out, without anybody touching it")
    func endDate() async throws {
        try await withStore { store in
            let account = try await add("kontrak", endsAt: now.adding(seconds: 10), to: store)
            #expect(account.state(at: now.adding(seconds: 9)) == .aktif)
            #expect(account.state(at: now.adding(seconds: 10)) == .nonaktif)
            let late = now.adding(seconds: 10)
            await #expect(throws: DirectoryError.self) {
                try await store.write { tx in
                    try AccountDirectory(tx, by: .system, at: late).issueLink(
                        for: account, purpose: .setUp, lifetime: 60)
                }
            }
        }
    }

    @Test("attack 200: the last superadmin who can sign in stays, whatever others there once were")
    func lastSuperadmin() async throws {
        try await withStore { store in
            let (first, second) = (
                try await add("satu", role: .superadmin, to: store), try await add("dua", role: .superadmin, to: store)
            )
            _ = try await add("tiga", role: .superadmin, endsAt: now.adding(seconds: -1), to: store)
            let now = now
            @Sendable func set(_ account: Account, _ state: AccountState) async throws {
                try await store.write { tx in
                    let current = try #require(try tx.accounts.find(account.id))
                    try AccountDirectory(tx, by: .system, at: now).setState(current, state)
                }
            }
            try await set(first, .nonaktif)
            for state in [AccountState.nonaktif, .ditangguhkan, .menunggu, .terbatas] {
                await #expect(throws: DirectoryError.self) { try await set(second, state) }
            }
            try await set(first, .aktif)
            try await set(second, .nonaktif)
            #expect(try await store.read { try $0.accounts.find(second.id)?.state } == .nonaktif)
        }
    }

    @Test("attack 200: a role is held by the same rule, which looks at who may sign in now")
    func lastRole() async throws {
        try await withStore { store in
            let first = try await add("satu", role: .superadmin, to: store)
            _ = try await add("dua", role: .superadmin, endsAt: now.adding(seconds: 10), to: store)
            let (now, late) = (now, now.adding(seconds: 10))
            await #expect(throws: DirectoryError.self) {
                try await store.write { try AccountDirectory($0, by: .system, at: late).setRole(first, .none) }
            }
            #expect(try await store.read { try AccountDirectory($0, by: .system, at: late).isLastSuperadmin(first) })
            #expect(try await !store.read { try AccountDirectory($0, by: .system, at: now).isLastSuperadmin(first) })
            try await store.write { try AccountDirectory($0, by: .system, at: now).setRole(first, .none) }
            #expect(try await store.read { try $0.accounts.list(role: .superadmin).map(\.userName) } == ["dua"])
        }
    }

    @Test(
        "an email address is ASCII with one @ and a host behind it",
        arguments: [
            ("ujang@contoh.id", true), ("U.jang+x@Kota-Contoh.go.id", true), ("a@b", false), ("a@b@c.id", false),
            ("@c.id", false), ("a@", false), ("a b@c.id", false), ("a@c..id", false), ("a@-c.id", false),
            ("a@c_d.id", false), ("\u{e9}@c.id", false), ("a\u{0}@c.id", false),
            (String(repeating: "a", count: 65) + "@c.id", false), (" a@c.id", false), ("a@c.id ", false),
        ])
    func emails(text: String, isGood: Bool) {
        #expect(SignInName.isEmail(text) == isGood)
        if isGood { #expect(SignInName(text) == .email(text)) }
    }

    @Test("attack 178: a link is spent by the write itself, and a spent, old or unknown one changes nothing")
    func links() async throws {
        try await withStore { store in
            let account = try await add("vendor", to: store)
            let now = now
            let secret = try await store.write { tx in
                try AccountDirectory(tx, by: .system, at: now).issueLink(for: account, purpose: .setUp, lifetime: 60)
            }
            let digest = StoredSecret.digest(secret, of: .oneTimeLink)
            @Sendable func use(_ digest: String, at moment: Timestamp, hash: String) async throws -> Account? {
                try await store.write { tx in
                    try AccountDirectory(tx, by: .system, at: moment).setPassword(hash: hash, linkDigest: digest)
                }
            }
            #expect(try await use(secret, at: now, hash: "bocor") == nil)
            #expect(try await use(StoredSecret.digest(secret, of: .session), at: now, hash: "bocor") == nil)
            #expect(try await use(digest, at: now.adding(seconds: 60), hash: "telat") == nil)
            #expect(try await use(digest, at: now.adding(seconds: 59), hash: "baru")?.id == account.id)
            #expect(try await use(digest, at: now.adding(seconds: 59), hash: "lagi") == nil)
            #expect(try await store.read { try $0.accounts.find(account.id)?.passwordHash } == "baru")
        }
    }

    @Test("a secret's digest depends on its kind, so that no value of one store is worth anything in another")
    func kinds() {
        let kinds: [StoredSecret.Kind] = [
            .session, .flow, .oneTimeLink, .code, .refreshToken, .accessToken, .clientSecret, .device,
        ]
        #expect(Set(kinds.map { StoredSecret.digest("x", of: $0) }).count == kinds.count)
        #expect(StoredSecret.digest("x", of: .code).utf8.count == 43)
    }
}
