import GapuraFormats
import GapuraStore
import GapuraTabular
import GapuraTokens
import Testing

@testable import GapuraDirectory

/// User tables of old applications become local ids and passwords that sign in once.
@Suite("Import of old accounts")
struct LegacyImportTests {
    private static let nips = ["189001011915011001", "189502021915212002", "187003031900031003"]
    private static let applications = [
        "e-absensi", "e-kinerja", "e-office", "e-surat", "portal-pns", "ppid", "simpeg", "web-opd",
    ]

    private static func md5(_ password: String) -> String { Hex.lower(MD5.hash(Array(password.utf8))) }

    // MARK: The sample city's old applications

    @Test("attack 161: each sample table does what its truth says, and its people sign in", arguments: applications)
    func truth(_ name: String) async throws {
        let truth = try #require(try StrictJSON.parse(try LegacyCity.fixture("passwords.json")).object)
        let own = truth.members.filter { $0.key.utf8.starts(with: "\(name):".utf8) }.map { key, value in
            (
                nip: String(key.dropFirst(name.utf8.count + 1)), password: value["password"]?.string ?? "",
                must: value["must"]?.string ?? ""
            )
        }
        #expect(own.count == 41)
        let good = own.filter { $0.must == "signs in; stored as argon2id afterwards" }
        let weak = own.filter { $0.must == "refused: hash of the NIP" }
        #expect(good.count == 38 && weak.count == 2)
        try await LegacyCity.with((good + weak).map(\.nip)) { city in
            let file = PersonnelFile(name: "users.csv", bytes: try LegacyCity.fixture("\(name)-users.csv"))
            let plan = try await city.plan(file)
            #expect(plan.rows == 41 && plan.matched == 38 && plan.refused == 3 && plan.queued == 0)
            #expect(
                plan.rejected.map(\.reason).sorted { $0.rawValue < $1.rawValue } == [
                    .hashOfNIP, .hashOfNIP, .reversible,
                ])
            #expect(plan.rejected.first { $0.reason == .reversible }?.row == 42)
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_accounts") == 0)
            #expect(try await city.apply(plan) == 38)

            // Whatever can be guessed quickly stands inside Argon2id, and no password in the clear anywhere.
            let stored = try await city.store.read { tx in
                try tx.rows("SELECT scheme, hash FROM legacy_passwords").map { (try $0.text(0), try $0.text(1)) }
            }
            #expect(stored.count == 38)
            for (scheme, hash) in stored {
                let form = try #require(LegacyScheme(rawValue: scheme)).form
                #expect(hash.hasPrefix(form == .bcrypt ? "$2y$" : "$argon2id$v=19$m=64,t=1,p=1$"))
            }
            for (nip, password, _) in good {
                #expect(try await !city.signIn(nip, password + "x"), "\(nip)")
                #expect(try await city.signIn(nip, password), "\(nip)")
                #expect(try await city.account(nip)?.passwordHash?.hasPrefix("$argon2id$") == true)
            }
            for (nip, password, _) in weak { #expect(try await !city.signIn(nip, password), "\(nip)") }
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_passwords") == 0)
            for (nip, password, _) in good { #expect(try await city.signIn(nip, password)) }
            // All whose NIP is known keep their local id, also those whose password was refused.
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_accounts WHERE account_id IS NOT NULL") == 40)
        }
    }

    // MARK: Whose they are

    @Test("an NIP of earlier days finds its person; the one of today wins over it")
    func aliases() async throws {
        try await LegacyCity.with(Self.nips) { city in
            let (old, shared) = ("187003031900031999", "188804041912042004")
            let (first, second) = (
                try #require(try await city.account(Self.nips[0])), try #require(try await city.account(Self.nips[1]))
            )
            let now = LegacyCity.now
            try await city.store.write { tx in
                func add(_ value: String, _ account: Account, until: Timestamp?) throws {
                    let person = try #require(account.personID)
                    try tx.people.insert(
                        PersonAlias(
                            id: .make(now: now), personID: person, kind: .nip, value: value,
                            validFrom: now.adding(seconds: -1000), validTo: until))
                }
                try add(old, first, until: now)
                // Somebody else had the number that is the second one's today.
                try add(shared, first, until: now)
                try add(shared, second, until: nil)
            }
            let plan = try await city.plan("a,\(old),1,,,\nb,\(shared),2,,,\n")
            #expect(plan.entries.map(\.accountID) == [first.id, second.id])
            #expect(plan.entries.map(\.state) == [.matched, .matched])
        }
    }

    @Test("what has no known NIP waits with its candidates, and nobody is taken for a candidate")
    func queue() async throws {
        try await LegacyCity.with(Self.nips) { city in
            let (nip, hash) = (Self.nips[0], Self.md5("kuda lumping merah 77"))
            let plan = try await city.plan(
                """
                \(nip.suffix(9)),,10,md5,\(hash),
                \(Self.nips[1]),,11,md5,\(hash),
                budi,,12,md5,\(hash),SUREL1003@contoh.invalid
                x,189912311915011777,13,md5,\(hash),
                y,1890010119150110,14,md5,\(hash),

                """)
            #expect(plan.queued == 5 && plan.passwords == 5)
            #expect(plan.waiting.map(\.reason) == [.nipMissing, .nipMissing, .nipMissing, .nipUnknown, .nipUnusable])
            try await city.apply(plan)
            let application = city.application.id
            let queue = try await city.store.read { tx in
                try LegacyQueue(tx).list(of: application, limit: 10).map { ($0.local.localID, $0.candidates) }
            }
            #expect(queue.map(\.0) == ["10", "11", "12", "13", "14"])
            let ids = try await Self.nips.asyncIDs(city)
            #expect(queue[0].1.map(\.account) == [ids[0]] && queue[0].1.map(\.ground) == [.lastNineDigits])
            #expect(queue[1].1.map(\.account) == [ids[1]] && queue[1].1.map(\.ground) == [.userNameIsNIP])
            #expect(queue[2].1.map(\.account) == [ids[2]] && queue[2].1.map(\.ground) == [.email])
            #expect(queue[3].1.isEmpty)
            for nip in Self.nips { #expect(try await !city.signIn(nip, "kuda lumping merah 77")) }
        }
    }

    @Test("an operator's word that came while an import was hashing stands")
    func overruled() async throws {
        try await LegacyCity.with(Array(Self.nips.prefix(2))) { city in
            let rows = "satu,,10,md5,\(Self.md5("kuda lumping merah")),\n"
            try await city.apply(try await city.plan(rows))
            let again =
                "satu,\(Self.nips[1]),10,md5,\(Self.md5("kuda lumping biru")),\n"
                + "dua,\(Self.nips[0]),11,md5,\(Self.md5("kuda lumping hijau")),\n"
            let plan = try await city.plan(again)
            #expect(plan.matched == 2)
            let account = try #require(try await city.account(Self.nips[0]))
            try await city.store.write { [application = city.application.id] tx in
                _ = try LegacyDirectory(tx, by: .command(user: "root"), at: LegacyCity.now)
                    .match("10", of: application, to: account, isGuess: false)
            }
            #expect(try await city.apply(plan) == 0)
            let local = try await city.store.read { [application = city.application.id] tx in
                (try tx.legacy.find("10", of: application), try tx.legacy.find("11", of: application))
            }
            #expect(local.0?.accountID == account.id && local.0?.matchedBy == .byHand)
            #expect(local.1 == nil)
            #expect(try await city.signIn(Self.nips[0], "kuda lumping merah"))
        }
    }

    @Test("an operator says whose a local account is, and then its password signs in; a hash of that NIP does not")
    func match() async throws {
        try await LegacyCity.with(Self.nips) { city in
            let plan = try await city.plan(
                "a,,10,md5,\(Self.md5("kuda lumping merah 77")),\nb,,11,md5,\(Self.md5(Self.nips[1])),\n")
            #expect(plan.queued == 2)
            try await city.apply(plan)
            let application = city.application.id
            func match(_ localID: String, _ nip: String) async throws -> LegacyAccount {
                let account = try #require(try await city.account(nip))
                let prepared = try await city.store.read {
                    try LegacyDirectory($0, by: .system, at: LegacyCity.now)
                        .prepareMatch(localID, of: application, to: account)
                }
                var fits = false
                if let prepared {
                    fits = try await city.passwords.fits(anyOf: prepared.guesses, prepared.password)
                }
                let isGuess = fits
                return try await city.store.write {
                    try LegacyDirectory($0, by: .command(user: "root"), at: LegacyCity.now)
                        .match(localID, of: application, to: account, isGuess: isGuess)
                }
            }
            #expect(try await match("10", Self.nips[0]).state == .matched)
            #expect(try await match("10", Self.nips[0]).matchedBy == .byHand)
            #expect(try await city.events(.legacyMatched).count == 1)
            await #expect(throws: DirectoryError.self) { try await match("10", Self.nips[1]) }
            await #expect(throws: DirectoryError.self) { try await match("11", Self.nips[0]) }
            await #expect(throws: DirectoryError.self) { try await match("12", Self.nips[1]) }
            let refused = try await match("11", Self.nips[1])
            #expect(refused.state == .refused && refused.reason == "hash_of_nip" && refused.accountID != nil)
            #expect(try await city.signIn(Self.nips[0], "kuda lumping merah 77"))
            #expect(try await !city.signIn(Self.nips[1], Self.nips[1]))
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_passwords") == 0)
            // The operator's word stands when the table comes again.
            let again = try await city.plan("a,\(Self.nips[2]),10,md5,\(Self.md5("kuda lumping biru 78")),\n")
            let first = try #require(try await city.account(Self.nips[0]))
            #expect(again.entries.first?.accountID == first.id)
            #expect(again.haveOwn == 1 && again.passwords == 0)
        }
    }

    // MARK: What is refused

    @Test(
        "attack 272: doubles, damaged numbers and rows without an id are refused with their row, and the rest goes on")
    func rows() async throws {
        try await LegacyCity.with(Self.nips) { city in
            let hash = Self.md5("kuda lumping merah 77")
            let plan = try await city.plan(
                """
                a,\(Self.nips[0]),1,md5,\(hash),
                b,\(Self.nips[1]),2,md5,\(hash),
                c,,2,md5,\(hash),
                d,1.87003E+17,3,md5,\(hash),
                e,\(Self.nips[0]),4,md5,\(hash),
                f,,,md5,\(hash),
                g,,a\u{200b}b,md5,\(hash),
                h,'\(Self.nips[2]),5,md5,\(hash),

                """)
            #expect(
                plan.rejected.map { "\($0.row) \($0.reason.rawValue)" } == [
                    "2 duplicate_person", "3 duplicate_local_id", "4 duplicate_local_id", "5 numeric_identifier",
                    "6 duplicate_person", "7 local_id_missing", "8 local_id_unusable",
                ])
            #expect(plan.matched == 1 && plan.passwords == 1)
            #expect(try await city.apply(plan) == 1)
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_accounts") == 1)
            // Another table gives that person another id.
            let other = try await city.plan("h,\(Self.nips[2]),6,md5,\(hash),\n")
            #expect(other.rejected.map(\.reason) == [.otherLocalID])
        }
    }

    @Test("attack 161: passwords in the clear, of no scheme, too common, or the person's own number are not taken")
    func passwords() async throws {
        try await LegacyCity.with(Self.nips) { city in
            let nip = Self.nips[0]
            let weak: [(String, String, LegacyReason)] = [
                ("plain", "kuda lumping merah 77", .reversible), ("BASE64", "a3VkYQ==", .reversible),
                ("aes_mysql", "00", .reversible), ("3des-ecb", "x", .reversible), ("plain", "", .reversible),
                ("md4", "x", .schemeUnknown), ("", "x", .schemeUnknown), ("md5", "x", .hashMalformed),
                ("md5", Self.md5(nip), .hashOfNIP), ("md5", Self.md5(String(nip.suffix(9))), .hashOfNIP),
                ("md5", Self.md5("18900101"), .hashOfNIP), ("md5", Self.md5("01011890"), .hashOfNIP),
                ("md5", Self.md5("01-01-1890"), .hashOfNIP), ("md5", Self.md5("010190"), .hashOfNIP),
                ("md5", Self.md5("Ujang.M"), .hashOfNIP), ("md5", Self.md5("ujang.m"), .hashOfNIP),
                ("md5", Self.md5("123456"), .commonPassword), ("md5", Self.md5("rahasia"), .commonPassword),
            ]
            for (scheme, hash, reason) in weak {
                let plan = try await city.plan("Ujang.M,\(nip),1,\(scheme),\(hash),\n")
                #expect(plan.rejected == [LegacyPlan.Finding(row: 2, reason: reason)], "\(scheme) \(hash)")
                #expect(plan.passwords == 0)
                #expect(try await city.apply(plan) == 0)
                #expect(try await city.count("SELECT COUNT(*) FROM legacy_passwords") == 0)
            }
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_accounts WHERE account_id IS NOT NULL") == 1)
        }
    }

    @Test("no old password is taken for who has one here, or administers the gateway")
    func notNeeded() async throws {
        try await LegacyCity.with(Self.nips) { city in
            let now = LegacyCity.now
            let hash = try await city.passwords.hash("milik sendiri 123")
            let (first, second) = (
                try #require(try await city.account(Self.nips[0])), try #require(try await city.account(Self.nips[1]))
            )
            try await city.store.write { tx in
                try tx.accounts.updatePassword(first.id, hash: hash, at: now)
                var admin = second
                admin.role = .superadmin
                try tx.accounts.update(admin)
            }
            let old = Self.md5("kuda lumping merah 77")
            let plan = try await city.plan("a,\(Self.nips[0]),1,md5,\(old),\nb,\(Self.nips[1]),2,md5,\(old),\n")
            #expect(plan.haveOwn == 1 && plan.matched == 1 && plan.rejected.map(\.reason) == [.privilegedAccount])
            #expect(try await city.apply(plan) == 0)
            #expect(try await !city.signIn(Self.nips[0], "kuda lumping merah 77"))
            #expect(try await !city.signIn(Self.nips[1], "kuda lumping merah 77"))
        }
    }

    @Test("who gets a role after the import does not get in by the old password")
    func laterRole() async throws {
        try await LegacyCity.with(Self.nips) { city in
            try await city.apply(try await city.plan("a,\(Self.nips[0]),1,md5,\(Self.md5("kuda lumping merah 77")),\n"))
            let account = try #require(try await city.account(Self.nips[0]))
            try await city.store.write { tx in
                var admin = account
                admin.role = .superadmin
                try tx.accounts.update(admin)
            }
            #expect(try await !city.signIn(Self.nips[0], "kuda lumping merah 77"))
        }
    }

    @Test("a table without its columns is refused whole, in any order they are found, and a workbook does as well")
    func columns() async throws {
        try await LegacyCity.with(Self.nips) { city in
            let missing = PersonnelFile(name: "x.csv", bytes: Array("username,nip,scheme,hash\na,b,c,d\n".utf8))
            await #expect(throws: PersonnelSourceError.missingColumns(["local_id", "email"])) {
                try await city.plan(missing)
            }
            let salted = PersonnelFile(
                name: "x.csv",
                bytes: Array(
                    """
                    SALT;Hash;Email;Local ID;scheme;last_login;NIP;username
                    9462e8eee0;34c13dd0444554a2de5b1b62817a2f488527aacf;;7;ionauth-sha1-col;x;\(Self.nips[0]);a

                    """.utf8))
            let plan = try await city.plan(salted)
            #expect(plan.matched == 1 && plan.passwords == 1)
            try await city.apply(plan)
            #expect(try await city.signIn(Self.nips[0], "kuda lumping merah"))
        }
    }

    // MARK: Again

    @Test("attack 275: the same file again changes nothing, another one renews what is still needed")
    func again() async throws {
        try await LegacyCity.with(Self.nips) { city in
            let rows = """
                a,\(Self.nips[0]),1,md5,\(Self.md5("kuda lumping merah 77")),
                b,\(Self.nips[1]),2,md5,\(Self.md5("kuda lumping biru 78")),
                c,,3,md5,\(Self.md5("kuda lumping hijau 79")),
                d,\(Self.nips[2]),4,md5,\(Self.md5(Self.nips[2])),

                """
            let first = try await city.plan(rows)
            try await city.apply(first)
            #expect(first.unchanged == 0 && first.passwords == 3)
            #expect(try await city.signIn(Self.nips[0], "kuda lumping merah 77"))
            let state: Statement = "SELECT COUNT(*) FROM audit_events"
            let before = try await city.count(state)
            let second = try await city.plan(rows)
            #expect(second.unchanged == 4 && second.passwords == 0)
            #expect(second.matched == first.matched && second.rejected == first.rejected)
            #expect(second.waiting == first.waiting)
            #expect(try await city.apply(second) == 0)
            #expect(try await city.count(state) == before)

            // The person of row 4 turns up; the password of row 2 was changed in the old application meanwhile.
            let third = try await city.plan(
                rows.replacing(Self.md5("kuda lumping biru 78"), with: Self.md5("kuda lumping ungu 80"))
                    .replacing("c,,3", with: "c,\(Self.nips[2]),3").replacing("d,\(Self.nips[2])", with: "d,"))
            #expect(third.unchanged == 0 && third.haveOwn == 1)
            // Row 4 is still that person's here, until it is taken from them.
            #expect(third.rejected.contains { $0.reason == .otherLocalID })
            try await city.apply(third)
            #expect(try await !city.signIn(Self.nips[1], "kuda lumping biru 78"))
            #expect(try await city.signIn(Self.nips[1], "kuda lumping ungu 80"))
        }
    }

    @Test("an import that stopped goes on where it was")
    func resumed() async throws {
        let unique = (0..<250).map { "189001011915011\($0 + 100)" }
        try await LegacyCity.with(unique) { city in
            let rows = unique.enumerated().map { "u\($0),\($1),\($0),md5,\(Self.md5("rahasia panjang \($0)")),\n" }
                .joined()
            let plan = try await city.plan(rows)
            // The first two hundred rows are one transaction; the second one fails.
            try await city.store.write { tx in
                _ = try tx.run(
                    "CREATE TRIGGER stop BEFORE INSERT ON legacy_accounts WHEN new.local_id = '220' BEGIN SELECT RAISE(ABORT, 'stop'); END"
                )
            }
            await #expect(throws: StoreError.self) { try await city.apply(plan) }
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_accounts") == 200)
            #expect(try await city.events(.legacyImported).isEmpty)
            try await city.store.write { _ = try $0.run("DROP TRIGGER stop") }
            let rest = try await city.plan(rows)
            #expect(rest.unchanged == 200)
            #expect(try await city.apply(rest) == unique.count - 200)
            #expect(try await city.events(.legacyPasswordTaken).count == unique.count)
            #expect(try await city.events(.legacyImported).count == 1)
        }
    }

    // MARK: Life of an old password

    @Test("an old password is spent by its use, those of other applications with it, and it dies after its days")
    func life() async throws {
        try await LegacyCity.with(Self.nips) { city in
            let other = try await LegacyCity.add("simpeg", to: city.store)
            let later = LegacyCity.now.adding(seconds: 10)
            for nip in Self.nips.prefix(2) {
                try await city.apply(try await city.plan("a,\(nip),\(nip),md5,\(Self.md5("kuda lumping merah 77")),\n"))
                try await city.apply(
                    try await city.plan(
                        "a,\(nip),\(nip),sha1,\(Hex.lower(SHA1.hash(Array("kuda lumping biru 78".utf8)))),\n", of: other
                    ),
                    of: other, at: later)
            }
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_passwords") == 4)
            #expect(try await city.signIn(Self.nips[0], "kuda lumping merah 77", at: later))
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_passwords") == 2)
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_accounts WHERE used_at IS NOT NULL") == 1)
            #expect(try await !city.signIn(Self.nips[0], "kuda lumping biru 78", at: later))
            let set = try await city.events(.passwordSet)
            let detail = try StrictJSON.parse(Array(try #require(set.first).detail.utf8))
            #expect(set.count == 1 && detail["purpose"] == "legacy" && detail["scheme"] == "md5")

            let end = LegacyCity.now.adding(seconds: 180 * 86_400)
            #expect(try await !city.signIn(Self.nips[1], "kuda lumping merah 77", at: end))
            try await city.store.write {
                _ = try $0.upkeep.deleteExpired(at: end.adding(seconds: 60), keepingSessionsSince: end)
            }
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_passwords") == 0)
        }
    }

    @Test("a password that is set by a link ends the old ones")
    func link() async throws {
        try await LegacyCity.with(Self.nips) { city in
            try await city.apply(try await city.plan("a,\(Self.nips[0]),1,md5,\(Self.md5("kuda lumping merah 77")),\n"))
            let account = try #require(try await city.account(Self.nips[0]))
            let hash = try await city.passwords.hash("baru sekali 123")
            try await city.store.write { tx in
                let directory = AccountDirectory(tx, by: .system, at: LegacyCity.now)
                let secret = try directory.issueLink(for: account, purpose: .setUp, lifetime: 60)
                _ = try directory.setPassword(hash: hash, linkDigest: StoredSecret.digest(secret, of: .oneTimeLink))
            }
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_passwords") == 0)
            #expect(try await city.signIn(Self.nips[0], "baru sekali 123"))
        }
    }

    // MARK: What a failed try costs

    @Test("attack 149: whoever has old passwords, and however many and slow, a failed try costs the same")
    func cost() async throws {
        try await LegacyCity.with(Self.nips) { city in
            func cost(_ nip: String, _ password: String = "bukan ini kata sandinya") async throws -> [Int] {
                let before = (city.passwords.computations, city.passwords.foreignComputations)
                #expect(try await !city.signIn(nip, password))
                return [city.passwords.computations - before.0, city.passwords.foreignComputations - before.1]
            }
            let nobody = "189912311915011001"
            #expect(try await cost(nobody) == [1, 0])
            #expect(try await cost(Self.nips[0]) == [1, 0])

            try await city.apply(try await city.plan("a,\(Self.nips[0]),1,md5,\(Self.md5("kuda lumping merah 77")),\n"))
            for nip in Self.nips + [nobody] { #expect(try await cost(nip) == [3, 0]) }

            // Slow hashes of different costs, and a person with three of them.
            let bcrypt = "$2y$05$fSDWmnHzcpKHULikdW9Sbe7kEbZdtwEiZ6Y5GDpj8ZGLoRy7bPZ6C"
            let cheap = "$2y$04$dSANvV5zGdY0DJM4lMU5OePrDqcSl3YyHumhB7zDe4VZC9qBFf306"
            let argon2 =
                "$argon2id$v=19$m=1024,t=2,p=1$VTluWlhNLjlPWkhTVzJjMg$xbUYlpgFz/XbejS7oF/GKuHBnlMveLizHYM8kg44plM"
            var moment = LegacyCity.now
            for (slug, hash) in [("b1", ("bcrypt", bcrypt)), ("b2", ("bcrypt", cheap)), ("b3", ("argon2id", argon2))] {
                let application = try await LegacyCity.add(slug, to: city.store)
                moment = moment.adding(seconds: 10)
                let plan = try await city.plan("a,\(Self.nips[1]),1,\(hash.0),\"\(hash.1)\",\n", of: application)
                #expect(try await city.apply(plan, of: application, at: moment) == 1)
                let now = try await Self.nips.asyncMap { try await cost($0) } + [try await cost(nobody)]
                #expect(Set(now) == [[3, slug == "b3" ? 2 * (32 + 2048) : 2 * 32]])
            }
            // A guess that is never right, a password with a NUL, and one longer than bcrypt's cost no less.
            for typed in [Self.nips[1], "a\u{0}b", String(repeating: "x", count: 120)] {
                for nip in [Self.nips[1], nobody] { #expect(try await cost(nip, typed) == [3, 2 * (32 + 2048)]) }
            }
            // Of three, the two newest are looked at.
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_passwords") == 4)
            let newest = try #require(try await city.account(Self.nips[1]))
            let kept = try await city.store.read {
                try OldPasswords.read(of: newest, in: $0, at: LegacyCity.now.adding(seconds: 60)).rows.map(\.scheme)
            }
            #expect(kept == ["argon2id", "bcrypt"])
            #expect(try await city.signIn(Self.nips[1], String(repeating: "panjang é ", count: 9)))
        }
    }

    @Test("an old password that is the NIP signs nobody in, even where the import could not tell")
    func typedGuess() async throws {
        try await LegacyCity.with(Self.nips) { city in
            try await city.apply(try await city.plan("a,\(Self.nips[0]),1,md5,\(Self.md5("1890 0101 1915")),\n"))
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_passwords") == 1)
            #expect(try await !city.signIn(Self.nips[0], "1890 0101 1915"))
        }
    }

    @Test("attack 152: of fifty at once with one old password, one makes it the account's own")
    func atOnce() async throws {
        try await LegacyCity.with(Self.nips) { city in
            try await city.apply(try await city.plan("a,\(Self.nips[0]),1,md5,\(Self.md5("kuda lumping merah 77")),\n"))
            let account = try #require(try await city.account(Self.nips[0]))
            let row = try await city.store.read {
                try $0.legacy.passwords(of: account.id, at: LegacyCity.now, limit: 2).first
            }
            let old = try #require(row)
            let taken = try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<50 {
                    group.addTask {
                        try await city.store.write {
                            try AccountDirectory($0, by: .system, at: LegacyCity.now).adopt(old, hash: "hash \(index)")
                        } != nil
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(taken == 1)
            #expect(try await city.events(.passwordSet).count == 1)
        }
    }
}

extension [String] {
    fileprivate func asyncIDs(_ city: LegacyCity) async throws -> [AccountID] {
        try await asyncMap { try await city.account($0)?.id }.compactMap { $0 }
    }

    fileprivate func asyncMap<T>(_ transform: (String) async throws -> T) async throws -> [T] {
        var result: [T] = []
        for element in self { result.append(try await transform(element)) }
        return result
    }
}
