import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// What a person may type to sign in.
@Suite("Sign-in: names and passwords")
struct SignInNameTests {
    @Test(
        "an NIP signs in however people write it",
        arguments: [
            "189001011915011001", "18900101 191501 1 001", " 18900101 191501 1 001 ", "18900101.191501.1.001",
            "18900101-191501-1-001", "1 8 9 0 0 1 0 1 1 9 1 5 0 1 1 0 0 1",
        ])
    func nip(typed: String) async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let answer = try await browser.signIn(typed, City.password)
            #expect(answer.status == 303)
            #expect(answer.location == "/portal")
            #expect(try await city.openSessions(of: "ujang").count == 1)
        }
    }

    @Test("an NI PPPK and a user name sign in as well, a user name in any case")
    func otherNames() async throws {
        try await withCity { city in
            for (typed, person) in [
                (city.nip("siti"), "siti"), ("ujang", "ujang"), ("UJANG", "ujang"), (" Siti ", "siti"),
            ] {
                let answer = try await city.gateway.browser().signIn(typed, City.password)
                #expect(answer.location == "/portal")
                #expect(try await city.openSessions(of: person).isEmpty == false)
            }
        }
    }

    @Test("an email signs in once it is verified and nobody shares it")
    func email() async throws {
        try await withCity { city in
            let typed = "Ujang.Maruf@contoh.invalid"
            func signsIn() async throws -> Bool {
                try await city.gateway.browser().signIn(typed, City.password).location == "/portal"
            }
            try await city.change("ujang") { $0.email = "ujang.maruf@contoh.invalid" }
            #expect(try await !signsIn())
            try await city.change("ujang") { $0.emailVerified = true }
            #expect(try await signsIn())
            #expect(try await city.openSessions(of: "ujang").count == 1)
            try await city.change("siti") { account in
                account.email = "UJANG.MARUF@contoh.invalid"
                account.emailVerified = true
            }
            #expect(try await !signsIn())
        }
    }

    @Test(
        "attack 109: a cancelled NIP signs nobody in; digits of other scripts, signs and wildcards are no name",
        arguments: [
            "１８９００１０１１９１５０１１００１", "18900101191501100%", "189001011915011001'--", "189001011915011001\u{0}",
            "18900101191501100", "1890010119150110011", "%", "_____", "uja\u{0301}ng", "ujang\u{200b}", "",
        ])
    func nobody(typed: String) async throws {
        try await withCity { city in
            let answer = try await Guesser(city).guess(typed, City.password)
            #expect(answer.status == 422)
            let end = city.gateway.clock.now
            try await city.run("UPDATE aliases SET valid_to = \(end) WHERE value = \(city.nip("ujang"))")
            #expect(try await Guesser(city).guess(city.nip("ujang"), City.password).status == 422)
            #expect(try await Guesser(city).guess("ujang", City.password).status == 303)
        }
    }

    @Test("the page says what was wrong, in both languages, with the name given back and no password")
    func page() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let wrong = try await browser.signIn("<u>jang\"", "rahasia-nya-1")
            #expect(wrong.status == 422)
            #expect(wrong.headers[.cacheControl] == "no-store")
            #expect(wrong.text.contains("role=\"alert\""))
            #expect(wrong.text.contains("NIP atau kata sandi tidak sesuai."))
            #expect(wrong.text.contains("value=\"&lt;u&gt;jang&quot;\""))
            #expect(!wrong.text.contains("<u>jang"))
            #expect(!wrong.text.contains("rahasia-nya-1"))
            #expect(try await browser.get("/masuk?bahasa=en").location == "/masuk")
            #expect(try await browser.signIn("x", "y").text.contains("NIP or password is not right."))
            for id in [
                "login-form", "username", "password", "login-submit",
            ] { #expect(wrong.text.contains("id=\"\(id)\"")) }
            #expect(wrong.text.contains("autocomplete=\"username\""))
            #expect(wrong.text.contains("autocomplete=\"current-password\""))
        }
    }

    @Test("attack 160: a password in NFC and NFD, and with an ideographic space, is the same password")
    func normalForms() async throws {
        try await withCity { city in
            let decomposed = "cafe\u{301} di tepi sungai"
            let link = try await city.link(for: "ujang")
            #expect(try await city.setPassword(decomposed, with: link, in: city.gateway.browser()).status == 200)
            for typed in [decomposed, "caf\u{e9} di tepi sungai", "caf\u{e9}\u{3000}di\u{a0}tepi sungai"] {
                #expect(try await city.gateway.browser().signIn("ujang", typed).location == "/portal")
            }
            #expect(try await city.gateway.browser().signIn("ujang", "cafe di tepi sungai").status == 422)
        }
    }

    @Test("attack 158: 64 and 128 code points are a password, whatever their bytes")
    func longPasswords() async throws {
        try await withCity { city in
            for password in [
                String("kuda lumping merah putih biru hijau kuning ungu jingga coklat hitam".prefix(64)),
                (0..<128).compactMap { Unicode.Scalar(0x1f300 + $0).map { String($0) } }.joined(),
            ] {
                let link = try await city.link(for: "ujang")
                #expect(try await city.setPassword(password, with: link, in: city.gateway.browser()).status == 200)
                #expect(try await city.gateway.browser().signIn("ujang", password).location == "/portal")
            }
        }
    }

    @Test("attack 158: what is longer is 400 before anything is hashed, and a body beyond 16 KB is not even read")
    func tooLong() async throws {
        try await withCity { city in
            let guesser = try await Guesser(city)
            let before = city.passwords.computations
            for (name, password) in [
                ("ujang", String(repeating: "a", count: 129)), ("ujang", String(repeating: "a", count: 4097)),
                (String(repeating: "n", count: 255), City.password),
                (String(repeating: "1", count: 4096), City.password),
            ] {
                let answer = try await guesser.guess(name, password)
                #expect(answer.status == 400)
                #expect(answer.text.contains("Isian terlalu panjang."))
                #expect(answer.text.utf8.count < 20_000)
            }
            for size in [100_000, 1_000_000] {
                for (name, password) in [
                    ("ujang", String(repeating: "a", count: size)), (String(repeating: "n", count: size), "x"),
                ] {
                    let answer = try await guesser.guess(name, password)
                    #expect(answer.status == 413)
                    #expect(answer.errorCode == "too_large")
                }
            }
            // Four-byte characters count once each.
            let wide = String(repeating: "\u{1f33a}", count: 129)
            #expect(try await guesser.guess("ujang", wide).status == 400)
            let link = try await city.link(for: "ujang")
            let refused = try await city.setPassword(wide, with: link, in: city.gateway.browser())
            #expect(refused.status == 422)
            #expect(city.passwords.computations == before)
            #expect(try await city.count("SELECT COUNT(*) FROM throttles") == 0)
        }
    }

    @Test(
        "attack 161: a hash with yesterday's parameters is made anew at the next sign-in, its password stays as old"
    )
    func rehash() async throws {
        try await withCity { city in
            let stronger = try PasswordHasher(
                parameters: Argon2Parameters(memory: 128, passes: 2, lanes: 1), threads: 1)
            let old = try await stronger.hash(City.password)
            stronger.shutdown()
            let before = try await city.account("ujang")
            try await city.run("UPDATE accounts SET password_hash = \(old) WHERE id = \(before.id)")
            // A wrong one changes nothing.
            #expect(try await city.gateway.browser().signIn("ujang", "bukan ini").status == 422)
            #expect(try await city.account("ujang").passwordHash == old)
            city.gateway.clock.advance(seconds: 60)
            #expect(try await city.gateway.browser().signIn("ujang", City.password).location == "/portal")
            let after = try await city.account("ujang")
            #expect(after.passwordHash?.contains("m=64,t=1,p=1") == true)
            #expect(after.passwordChangedAt == before.passwordChangedAt)
            #expect(try await city.gateway.browser().signIn("ujang", City.password).location == "/portal")
            #expect(try await city.account("ujang").passwordHash == after.passwordHash)
        }
    }

    @Test(
        "attack 161: hashes of other makes and parameter bombs match no password, and cost one ordinary hash",
        arguments: [
            "$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=4294967295,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=1,p=1,m=4000000$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$2x$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
            "5f4dcc3b5aa765d61d8327deb882cf99", "$P$B12345678abcdefghijklmnopqrstuv", "", "kuda lumping merah 77",
        ])
    func foreignHashes(stored: String) async throws {
        try await withCity { city in
            let id = try #require(city.people["ujang"]).id
            try await city.run("UPDATE accounts SET password_hash = \(stored) WHERE id = \(id)")
            let guesser = try await Guesser(city)
            let before = city.passwords.computations
            #expect(try await guesser.guess("ujang", City.password).status == 422)
            #expect(city.passwords.computations == before + 1)
        }
    }
}
