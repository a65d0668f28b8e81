import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import Testing

@testable import Gapura

/// Signing in with the password of an old application, as people and attackers do it.
@Suite("Sign-in: old passwords")
struct OldPasswordTests {
    private static let password = "kuda lumping biru 78"
    private static let header = "username,nip,local_id,scheme,hash,email"

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 0xf, radix: 16) }.joined()
    }

    private static func sha256(_ text: String) -> String { hex(SHA256.hash(text)) }

    /// Imports rows into an application, and takes the named people's own passwords away before.
    private static func load(
        _ city: City, _ rows: [String], into slug: String = "simpeg", without people: [String] = ["ujang", "siti"],
        apply: Bool = true
    ) async throws -> JSONValue {
        for person in people {
            let id = try #require(city.people[person]).id
            try await city.run(
                "UPDATE accounts SET password_hash = NULL, password_changed_at = NULL WHERE id = \(id)")
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "gapura-old-\(UUIDText.version4()).csv")
            .path()
        try ([header] + rows).joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        return try await city.operate(
            "legacy.import", ["application": .string(slug), "file": .string(file), "apply": .bool(apply)])
    }

    private static func row(_ city: City, _ person: String, _ localID: String, _ password: String = password) -> String
    {
        "\(person),\(city.nip(person)),\(localID),sha256,\(sha256(password)),"
    }

    @Test(
        "behaviour: an old password signs in once, becomes the account's own, and the audit says so",
        arguments: bothEngines)
    func once(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let result = try await Self.load(city, [Self.row(city, "ujang", "41")])
            #expect(result["applied"] == true && result["stored_passwords"] == 1)
            let browser = city.gateway.browser()
            #expect(try await browser.signIn(city.nip("ujang"), Self.password).location == "/portal")
            #expect(try await city.isIn(browser))
            let account = try await city.account("ujang")
            #expect(account.passwordHash?.hasPrefix("$argon2id$") == true)
            #expect(account.passwordChangedAt == city.gateway.clock.now)
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_passwords") == 0)
            let set = try await city.latest(.passwordSet)
            #expect(set["purpose"] == "legacy" && set["scheme"] == "sha256")
            #expect(!set.encodedText().contains(city.nip("ujang")) && !set.encodedText().contains("lumping"))
            // From now on it is a password like any other, by every name.
            #expect(try await city.gateway.browser().signIn("ujang", Self.password).location == "/portal")
            #expect(try await city.gateway.browser().signIn("ujang", City.password).status == 422)
        }
    }

    @Test("attack 149: with old passwords about, a known name and an unknown one get the same bytes and cost the same")
    func enumeration() async throws {
        try await withCity { city in
            _ = try await Self.load(city, [Self.row(city, "ujang", "41")])
            _ = try await Self.load(
                city,
                ["siti,\(city.nip("siti")),7,bcrypt,$2y$05$fSDWmnHzcpKHULikdW9Sbe7kEbZdtwEiZ6Y5GDpj8ZGLoRy7bPZ6C,"],
                into: "tertutup", without: [])
            let guesser = try await Guesser(city)
            // One with a quick hash, one with a slow one, one with a password here, one suspended, one with none.
            for (known, unknown) in [("ujang", "utang"), ("siti", "tisi"), ("budi", "idub"), ("rina", "nira")] {
                for round in 1...7 {
                    let start = [city.passwords.computations, city.passwords.foreignComputations]
                    let left = try await guesser.guess(known)
                    let middle = [city.passwords.computations, city.passwords.foreignComputations]
                    let right = try await guesser.guess(unknown)
                    let end = [city.passwords.computations, city.passwords.foreignComputations]
                    #expect(Shape(left, typed: known) == Shape(right, typed: unknown))
                    let cost = [middle[0] - start[0], middle[1] - start[1]]
                    #expect(cost == [end[0] - middle[0], end[1] - middle[1]])
                    #expect(cost == (round <= 6 ? [3, 64] : [0, 0]))
                }
            }
        }
    }

    @Test("attack 151: guessing at an old password is counted and slowed down like any other")
    func throttled() async throws {
        try await withCity { city in
            _ = try await Self.load(city, [Self.row(city, "ujang", "41")])
            let guesser = try await Guesser(city)
            for _ in 0..<6 { #expect(try await guesser.guess("ujang").status == 422) }
            let slow = try await guesser.guess("ujang", Self.password)
            #expect(slow.status == 429 && slow.retryAfter == 1)
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_passwords") == 1)
            #expect(try await city.audit(.signInFailed).count == 2)
            city.gateway.clock.advance(seconds: 1)
            #expect(try await guesser.guess("ujang", Self.password).status == 303)
            // The right one ends it.
            for _ in 0..<6 { #expect(try await guesser.guess("ujang").status == 422) }
        }
    }

    @Test("attack 157: where the pool is full an old password is not tried, and the try is taken back")
    func full() async throws {
        try await withCity { city in
            _ = try await Self.load(city, [Self.row(city, "ujang", "41")])
            city.passwords.shutdown()
            let guesser = try await Guesser(city)
            for _ in 0..<8 {
                let busy = try await guesser.guess("ujang", Self.password)
                #expect(busy.status == 503 && busy.retryAfter == 2)
            }
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_passwords") == 1)
        }
    }

    @Test("attack 161: an old password too weak to stay opens no session, but the way to a new one; then it is dead")
    func weak() async throws {
        try await withCity { city in
            _ = try await Self.load(city, [Self.row(city, "ujang", "41", "pendek77")])
            let browser = city.gateway.browser()
            let answer = try await browser.signIn("ujang", "pendek77")
            #expect(answer.status == 303 && answer.location == "/akun/kata-sandi")
            #expect(browser.cookie(CookieName.session) == nil)
            #expect(try await !city.isIn(browser))
            #expect(try await city.openSessions(of: "ujang").isEmpty)
            #expect(try await city.audit(.legacyPasswordWeak).count == 1)
            let page = try await browser.get("/akun/kata-sandi")
            #expect(page.status == 200 && page.text.contains("Ujang"))
            func set(_ password: String) async throws -> TestAnswer {
                try await browser.post(
                    "/akun/kata-sandi",
                    [("csrf", page.field("csrf") ?? ""), ("new-password", password), ("repeat-password", password)])
            }
            #expect(try await set("pendek77").status == 422)
            #expect(try await set("becak hijau di simpang lima").status == 200)
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_passwords") == 0)
            let other = city.gateway.browser()
            #expect(try await other.signIn("ujang", "pendek77").status == 422)
            #expect(try await other.signIn("ujang", "becak hijau di simpang lima").location == "/portal")
            // The link was spent with it.
            #expect(try await browser.get("/akun/kata-sandi").status >= 400)
        }
    }

    @Test("attack 305: the way to a new password is a cookie, and stands in no URL")
    func noURL() async throws {
        try await withCity { city in
            _ = try await Self.load(city, [Self.row(city, "ujang", "41", "pendek77")])
            let answer = try await city.gateway.browser().signIn("ujang", "pendek77")
            let cookie = try #require(answer.setCookie("__Host-gapura-link"))
            #expect(cookie.contains("HttpOnly") && cookie.contains("Secure") && cookie.contains("Max-Age=3600"))
            #expect(answer.location?.contains("kode") == false)
        }
    }

    @Test("attack 149: that an account may not sign in is told to who knows its old password, which stays unused")
    func suspended() async throws {
        try await withCity { city in
            _ = try await Self.load(
                city, [Self.row(city, "rina", "41"), Self.row(city, "ujang", "42", "pendek77")],
                without: ["rina", "ujang"])
            try await city.setAccountState("ujang", .ditangguhkan)
            let guesser = try await Guesser(city)
            for (person, password, nobody) in [("rina", Self.password, "nira"), ("ujang", "pendek77", "utang")] {
                let right = try await guesser.guess(person, password)
                #expect(right.status == 403 && right.setCookie(CookieName.session) == nil)
                #expect(right.setCookie("__Host-gapura-link") == nil)
                let wrong = try await guesser.guess(person)
                let unknown = try await guesser.guess(nobody)
                #expect(Shape(wrong, typed: person) == Shape(unknown, typed: nobody))
            }
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_passwords") == 2)
            #expect(try await city.count("SELECT COUNT(*) FROM one_time_links") == 0)
        }
    }

    @Test(
        "attack 152: one old password six times at once: each gets in, and it was spent once",
        arguments: bothEngines)
    func atOnce(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            _ = try await Self.load(city, [Self.row(city, "ujang", "41")])
            let guesser = try await Guesser(city)
            // No more than the throttle lets through at once.
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<6 {
                    group.addTask {
                        try await guesser.guess("ujang", Self.password, from: "198.51.100.\(index)").status
                    }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses == [303, 303, 303, 303, 303, 303])
            #expect(try await city.audit(.passwordSet).count == 1)
            #expect(try await city.openSessions(of: "ujang").count == 6)
        }
    }

    @Test(
        "the operations: preview changes nothing, the queue names candidates, an operator matches, forgetting is final")
    func operations() async throws {
        try await withCity { city in
            let rows = [
                Self.row(city, "ujang", "41"), "915212002,,42,sha256,\(Self.sha256(Self.password)),",
                "admin,,1,plain,rahasia123,",
            ]
            let preview = try await Self.load(city, rows, apply: false)
            #expect(preview["applied"] == false)
            #expect(preview["counts"]?["matched"] == 1 && preview["counts"]?["queued"] == 1)
            #expect(preview["refused"]?.array?.first?["row"] == 4)
            #expect(preview["refused"]?.array?.first?["reason"] == "reversible")
            #expect(preview["refused"]?.array?.first?["pesan"]?.string?.isEmpty == false)
            #expect(!preview.encodedText().contains("rahasia123"))
            #expect(try await city.count("SELECT COUNT(*) FROM legacy_accounts") == 0)

            _ = try await Self.load(city, rows)
            let queue = try await city.operate("legacy.queue", ["application": "simpeg"])["queue"]?.array ?? []
            #expect(queue.map { $0["local_id"] } == ["42"])
            let candidates = queue.first?["candidates"]?.array ?? []
            #expect(candidates.map { $0["by"] } == ["last_nine_digits"])
            #expect(candidates.first?["nip"]?.string == city.nip("siti"))
            #expect(try await city.gateway.browser().signIn("siti", Self.password).status == 422)

            let match: JSONObject = ["application": "simpeg", "local_id": "42", "name": .string(city.nip("siti"))]
            #expect(try await city.operate("legacy.match", match)["state"] == "matched")
            #expect(try await city.operate("legacy.match", match)["state"] == "matched")
            #expect(
                await city.refusal("legacy.match", ["application": "simpeg", "local_id": "42", "name": "ujang"])
                    == .conflict)
            #expect(
                await city.refusal("legacy.match", ["application": "simpeg", "local_id": "0", "name": "ujang"])
                    == .notFound)
            #expect(await city.refusal("legacy.queue", ["application": "tiada"]) == .notFound)
            let list = try await city.operate("legacy.list")["applications"]?.array ?? []
            #expect(list == [["application": "simpeg", "matched": 2, "queued": 0, "refused": 1, "passwords": 2]])
            #expect(try await city.gateway.browser().signIn("siti", Self.password).location == "/portal")

            #expect(try await city.operate("legacy.forget", ["application": "simpeg"])["forgotten"] == 1)
            #expect(try await city.gateway.browser().signIn("ujang", Self.password).status == 422)
            #expect(try await city.audit(.legacyForgotten).count == 1)
        }
    }

    @Test("a table without its columns says which, and a file that is none says so")
    func badFiles() async throws {
        try await withCity { city in
            let file = FileManager.default.temporaryDirectory.appending(path: "gapura-\(UUIDText.version4()).csv")
                .path()
            try "username,nip\nx,y\n".write(toFile: file, atomically: true, encoding: .utf8)
            defer { try? FileManager.default.removeItem(atPath: file) }
            let error = await #expect(throws: OperationError.self) {
                try await city.operate("legacy.import", ["application": "simpeg", "file": .string(file)])
            }
            #expect(error?.code == .invalid && error?.message.contains("local_id, scheme, hash, email") == true)
            #expect(await city.refusal("legacy.import", ["application": "simpeg", "file": "/nowhere"]) == .invalid)
            #expect(await city.refusal("legacy.import", ["application": "tiada", "file": .string(file)]) == .notFound)
        }
    }

    @Test("attack 304: neither an old hash nor a password in the clear is in the audit, or in what an import answers")
    func nothingLeaks() async throws {
        try await withCity { city in
            let hash = Self.sha256(Self.password)
            let rows = [Self.row(city, "ujang", "41"), "a,,2,plain,jelas sekali 123,", "b,,3,md5,\(hash),"]
            let answer = try await Self.load(city, rows)
            let audit = try await city.gateway.store.read { tx in
                var text = ""
                try tx.audit.each { text += $0.detail + ($0.subject ?? "") }
                return text
            }
            for text in [answer.encodedText(), audit] {
                for secret in [hash, "jelas sekali", city.nip("ujang")] { #expect(!text.contains(secret)) }
            }
            for column in ["hash", "parameter"] {
                let rows = try await city.gateway.store.read { tx in
                    try tx.rows("SELECT hash, parameter FROM legacy_passwords").map {
                        [try $0.text(0), try $0.text(1)]
                    }
                }
                #expect(rows.count == 1 && !rows.joined().contains { $0.contains(hash) }, "\(column)")
            }
        }
    }

    // MARK: The local id

    @Test("the local id goes to clients of its own application alone, and only with the scope profile")
    func claim() async throws {
        try await withCity { city in
            _ = try await Self.load(city, [Self.row(city, "ujang", "41")], into: "tertutup", without: [])
            _ = try await Self.load(city, [Self.row(city, "siti", "52")], into: "tertutup", without: [])
            _ = try await Self.load(city, [Self.row(city, "siti", "7")], without: [])
            func local(_ client: String, _ scope: String, _ person: String) async throws -> JSONValue? {
                let tokens = try await city.tokens(client, for: person, scope: scope)
                let answer = try #require(try await city.userinfo(tokens["access_token"]?.string).json)
                #expect(answer["sub"] != nil)
                return answer["local_id"]
            }
            #expect(try await local("web", "openid profile", "siti") == "7")
            #expect(try await local("opaque", "openid profile", "siti") == "7")
            #expect(try await local("closed", "openid profile", "siti") == "52")
            #expect(try await local("closed", "openid email asn", "siti") == nil)
            // Only in another application: nothing.
            #expect(try await local("web", "openid profile email phone asn", "ujang") == nil)
        }
    }
}
