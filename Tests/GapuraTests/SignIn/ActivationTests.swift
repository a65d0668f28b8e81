import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

extension City {
    /// Takes the password of a person away, as if they had never come.
    func makeNewcomer(_ person: String) async throws {
        let id = try #require(people[person]).id
        try await run("UPDATE accounts SET password_hash = NULL, password_changed_at = NULL WHERE id = \(id)")
    }

    /// Issues a code to one person; answers it as it is printed.
    func activationCode(_ person: String, again: Bool = false) async throws -> String {
        let json = try await operate(
            "account.codes", ["names": [.string(nip(person))], "again": .bool(again)])
        return try #require(json["codes"]?.array?.first?["code"]?.string)
    }

    /// Types a code at `/akun/aktivasi`.
    func activate(_ name: String, _ code: String, in browser: TestBrowser) async throws -> TestAnswer {
        let page = try await browser.get("/akun/aktivasi")
        return try await browser.post(
            "/akun/aktivasi", [("csrf", page.field("csrf") ?? ""), ("username", name), ("code", code)])
    }

    /// Sets a password on the page that a right code led to.
    func setFirstPassword(_ password: String, in browser: TestBrowser) async throws -> TestAnswer {
        let page = try await browser.get("/akun/kata-sandi")
        return try await browser.post(
            "/akun/kata-sandi",
            [("csrf", page.field("csrf") ?? ""), ("new-password", password), ("repeat-password", password)])
    }

    func activationRecord(_ person: String) async throws -> ActivationRecord? {
        let id = try #require(people[person]).id
        return try await gateway.store.read { try $0.activation.find(id) }
    }
}

/// Somebody without a device who types codes, from wherever.
private struct CodeGuesser {
    let gateway: TestGateway
    let cookie: String
    let csrf: String

    init(_ city: City) async throws {
        let browser = city.gateway.browser(from: "192.0.2.1")
        csrf = try #require(try await browser.get("/akun/aktivasi").field("csrf"))
        cookie = "\(CookieName.flow)=\(try #require(browser.cookie(CookieName.flow)))"
        gateway = city.gateway
    }

    func guess(
        _ name: String, _ code: String = "0000-0000-0000", from address: String = "198.51.100.66",
        headers more: HTTPFields = [:]
    ) async throws -> TestAnswer {
        var headers = more
        headers[.cookie] = cookie
        return try await gateway.post(
            "/akun/aktivasi", [("username", name), ("code", code), ("csrf", csrf)], headers: headers, from: address)
    }
}

/// `/akun/aktivasi`: first passwords by printed codes.
@Suite("Activation")
struct ActivationTests {
    private let password = "becak hijau di simpang lima"

    @Test("a code leads to the page that sets a password, and that password signs in; nothing signs in by itself")
    func walk() async throws {
        try await withCity { city in
            try await city.makeNewcomer("ujang")
            let code = try await city.activationCode("ujang")
            let browser = city.gateway.browser()
            let start = try await browser.get("/masuk")
            #expect(start.text.contains("href=\"/akun/aktivasi\""))
            let page = try await browser.get("/akun/aktivasi")
            for id in ["activation-form", "username", "code", "activation-submit"] {
                #expect(page.text.contains("id=\"\(id)\""))
            }
            // As a hand types it.
            let answer = try await city.activate(
                "18900101 191501 1 001", " " + code.lowercased().replacing("-", with: " "), in: browser)
            #expect(answer.status == 303)
            #expect(answer.location == "/akun/kata-sandi")
            #expect(answer.headers[.cacheControl] == "no-store")
            #expect(answer.setCookie("__Host-gapura-link")?.contains("Max-Age=900") == true)
            let form = try await browser.get("/akun/kata-sandi")
            #expect(form.text.contains("Ujang Ma&#39;ruf, S.H."))
            let set = try await city.setFirstPassword(password, in: browser)
            #expect(set.status == 200)
            #expect(set.text.contains("Kata sandi tersimpan"))
            // attack 181: setting a password signs nobody in.
            #expect(set.setCookie(CookieName.session) == nil)
            #expect(try await city.openSessions(of: "ujang").isEmpty)
            #expect(try await browser.signIn(city.nip("ujang"), password).location == "/portal")
            #expect(try await city.activationRecord("ujang")?.usedAt == city.gateway.clock.now)
            #expect(try await city.audit(.passwordSet).map(\.detail) == [#"{"purpose":"activation"}"#])
        }
    }

    @Test("attack 172, attack 178, attack 184: a code works once, and not after a link, a newer code or its time")
    func once() async throws {
        try await withCity { city in
            for person in ["ujang", "siti"] { try await city.makeNewcomer(person) }
            let gateway = city.gateway
            func isRefused(_ code: String, _ name: String = "ujang") async throws -> Bool {
                try await city.activate(city.nip(name), code, in: gateway.browser()).status == 422
            }
            // A newer code: the earlier one is dead, and so is the page that it led to.
            let first = try await city.activationCode("ujang")
            let early = gateway.browser()
            #expect(try await city.activate(city.nip("ujang"), first, in: early).status == 303)
            let second = try await city.activationCode("ujang", again: true)
            #expect(first != second)
            #expect(try await isRefused(first))
            expectLocal400(try await early.get("/akun/kata-sandi"), code: "link_unusable")
            // Another's code is no code.
            #expect(try await isRefused(second, "siti"))
            // A link that an operator issues.
            _ = try await city.link(for: "ujang", .setUp)
            #expect(try await isRefused(second))
            // Its time, to the second.
            let third = try await city.activationCode("ujang")
            let lifetime = GatewaySettings().activationCodeLifetime
            #expect(lifetime == 30 * 86_400)
            gateway.clock.advance(seconds: lifetime - 1)
            #expect(try await !isRefused(third))
            gateway.clock.advance(seconds: 1)
            #expect(try await isRefused(third))
            // Used.
            let fourth = try await city.activationCode("ujang")
            let browser = gateway.browser()
            #expect(try await city.activate(city.nip("ujang"), fourth, in: browser).status == 303)
            // Typing it spends nothing: whoever was interrupted types it again, and the page before is dead.
            let again = gateway.browser()
            #expect(try await city.activate(city.nip("ujang"), fourth, in: again).status == 303)
            expectLocal400(try await browser.get("/akun/kata-sandi"), code: "link_unusable")
            #expect(try await city.setFirstPassword(password, in: again).status == 200)
            #expect(try await isRefused(fourth))
        }
    }

    @Test("attack 179: from the right code to the password there are 15 minutes, and not a second more")
    func fifteenMinutes() async throws {
        try await withCity { city in
            try await city.makeNewcomer("ujang")
            let code = try await city.activationCode("ujang")
            for (seconds, status) in [(Int64(900), 400), (899, 200)] {
                let browser = city.gateway.browser()
                #expect(try await city.activate("ujang", code, in: browser).status == 303)
                let page = try await browser.get("/akun/kata-sandi")
                city.gateway.clock.advance(seconds: seconds)
                let answer = try await browser.post(
                    "/akun/kata-sandi",
                    [("csrf", page.field("csrf") ?? ""), ("new-password", password), ("repeat-password", password)])
                #expect(answer.status == status)
            }
        }
    }

    @Test("attack 178: of 50 who type one code and set a password at once exactly one wins", arguments: bothEngines)
    func parallel(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.makeNewcomer("ujang")
            let code = try await city.activationCode("ujang")
            let browsers = (0..<50).map { _ in city.gateway.browser() }
            let statuses = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
                for (index, browser) in browsers.enumerated() {
                    group.addTask {
                        let typed = try await city.activate("ujang", code, in: browser)
                        // Whoever comes when a password has been set already is refused like anybody with a wrong code.
                        guard typed.status == 303 else { return (index, typed.status) }
                        return (
                            index, try await city.setFirstPassword("sandi panjang nomor \(index)", in: browser).status
                        )
                    }
                }
                return try await group.reduce(into: [(Int, Int)]()) { $0.append($1) }
            }
            let winners = statuses.filter { $0.1 == 200 }.map(\.0)
            #expect(winners.count == 1)
            // 403: the page was dead already, so that its form has no token.
            #expect(statuses.allSatisfy { [200, 400, 403, 422, 429, 503].contains($0.1) }, "\(statuses)")
            #expect(try await city.audit(.passwordSet).count == 1)
            let winner = try #require(winners.first)
            // Those who came too late counted as failures, and made the account wait if they were many.
            city.gateway.clock.advance(seconds: 600)
            #expect(
                try await city.gateway.browser().signIn("ujang", "sandi panjang nomor \(winner)").location == "/portal")
        }
    }

    @Test(
        "attack 178: of 50 links from one code, all still open, exactly one sets the password", arguments: bothEngines)
    func parallelLinks(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.makeNewcomer("ujang")
            _ = try await city.activationCode("ujang")
            let (account, now) = (try await city.account("ujang"), city.gateway.clock.now)
            // As if nobody's link had killed another's: the code alone has to decide.
            let digests = try await city.gateway.store.write { tx in
                try (0..<50).map { _ in
                    let secret = try AccountDirectory(tx, by: .system, at: now)
                        .issueLink(for: account, purpose: .activation, lifetime: 900)
                    return StoredSecret.digest(secret, of: .oneTimeLink)
                }
            }
            try await city.run("UPDATE one_time_links SET used_at = NULL")
            let store = city.gateway.store
            let won = try await withThrowingTaskGroup(of: Bool.self) { group in
                for (index, digest) in digests.enumerated() {
                    group.addTask {
                        try await store.write { tx in
                            // A link of its own for each, so that what is left is the code.
                            try tx.run("UPDATE one_time_links SET used_at = NULL WHERE digest = \(digest)")
                            return try AccountDirectory(tx, by: .system, at: now)
                                .setPassword(hash: "hash-\(index)", linkDigest: digest) != nil
                        }
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(won == 1)
            #expect(try await city.audit(.passwordSet).count == 1)
        }
    }

    @Test("attack 149: unknown names, wrong codes, and right codes of accounts that cannot use them get the same bytes")
    func enumeration() async throws {
        try await withCity { city in
            for person in ["ujang", "siti", "budi"] { try await city.makeNewcomer(person) }
            let codes = try await ["ujang", "siti"].asyncMap { try await city.activationCode($0) }
            // Siti has a password by now, by another way that left the code as it was; Ujang is suspended.
            let (siti, hash) = (try #require(city.people["siti"]).id, try await city.passwords.hash(City.password))
            try await city.run("UPDATE accounts SET password_hash = \(hash) WHERE id = \(siti)")
            try await city.setState(of: "ujang", .ditangguhkan)
            let guesser = try await CodeGuesser(city)
            for (place, (name, code, nobody)) in [
                (city.nip("ujang"), codes[0], "189001011915011999"), (city.nip("siti"), codes[1], "189001011915011998"),
                (city.nip("budi"), "0000-0000-0000", "189001011915011997"),
                (city.nip("rina"), codes[0], "189001011915011996"), ("siti", codes[0], "sito"),
                ("ujang", codes[1], "utang"),
            ].enumerated() {
                let unknown = try await guesser.guess(nobody, code)
                #expect(unknown.status == 422)
                #expect(unknown.text.contains("NIP atau kode tidak sesuai."))
                #expect(unknown.setCookie("__Host-gapura-link") == nil)
                #expect(
                    Shape(try await guesser.guess(name, code), typed: name) == Shape(unknown, typed: nobody), "\(place)"
                )
            }
            #expect(try await city.count("SELECT COUNT(*) FROM one_time_links") == 0)
        }
    }

    @Test("attack 149, attack 157: known and unknown names wait alike, cost no password hash, and leave as many rows")
    func sameWork() async throws {
        try await withCity { city in
            try await city.makeNewcomer("ujang")
            _ = try await city.activationCode("ujang")
            let guesser = try await CodeGuesser(city)
            let hashes = city.passwords.computations
            var waits: [Int64] = []
            for round in 0..<30 {
                let start = try await city.auditCount()
                let left = try await guesser.guess("ujang", from: "172.16.\(round).1")
                let middle = try await city.auditCount()
                let right = try await guesser.guess("utang", from: "172.17.\(round).1")
                #expect(Shape(left, typed: "ujang") == Shape(right, typed: "utang"))
                #expect(try await city.auditCount() - middle == middle - start)
                if let seconds = left.retryAfter {
                    waits.append(seconds)
                    city.gateway.clock.advance(seconds: seconds)
                }
            }
            #expect(waits.prefix(11) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
            #expect(city.passwords.computations == hashes)
        }
    }

    @Test("attack 151: codes and passwords share one count, and after 100 failures in a row even the right code waits")
    func oneCount() async throws {
        try await withCity { city in
            try await city.makeNewcomer("ujang")
            let code = try await city.activationCode("ujang")
            let (codes, passwords) = (try await CodeGuesser(city), try await Guesser(city))
            for _ in 0..<3 { #expect(try await codes.guess("ujang").status == 422) }
            for _ in 0..<3 { #expect(try await passwords.guess("ujang").status == 422) }
            #expect(try await codes.guess("ujang", code).retryAfter == 1)
            #expect(try await passwords.guess("ujang").retryAfter == 1)
            let id = try #require(city.people["ujang"]).id
            #expect(try await city.count("SELECT failures FROM throttles WHERE key = \("account:\(id.text)")") == 6)
            let now = city.gateway.clock.now
            try await city.gateway.store.write { tx in
                let full = Throttle(failures: 100, lastFailureAt: now, openAt: now.adding(seconds: 86_400))
                try tx.signIn.update("account:\(id.text)", full)
            }
            #expect(try await codes.guess("ujang", code, from: "172.16.9.9").retryAfter == 86_400)
            // A link that an operator hands over still works, and frees the account.
            let browser = city.gateway.browser(from: "203.0.113.99")
            let link = try await city.link(for: "ujang", .setUp)
            #expect(try await city.setPassword(password, with: link, in: browser).status == 200)
            #expect(try await browser.signIn("ujang", password).location == "/portal")
        }
    }

    @Test("attack 151: a right code frees the account; one address has 100 failures free, whosever names it tries")
    func rightCode() async throws {
        try await withCity { city in
            try await city.makeNewcomer("ujang")
            let code = try await city.activationCode("ujang")
            let guesser = try await CodeGuesser(city)
            for _ in 0..<5 { #expect(try await guesser.guess("ujang").status == 422) }
            #expect(try await guesser.guess("ujang", code).status == 303)
            #expect(try await city.count("SELECT COUNT(*) FROM throttles WHERE key LIKE 'account:%'") == 0)
            for index in 0..<96 { #expect(try await guesser.guess("orang\(index)").status == 422) }
            #expect(try await guesser.guess("orang97").status == 429)
        }
    }

    @Test("attack 152: of 50 guesses at once no more are tried than one after another", arguments: bothEngines)
    func parallelGuesses(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.makeNewcomer("ujang")
            _ = try await city.activationCode("ujang")
            let guesser = try await CodeGuesser(city)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<50 {
                    group.addTask { try await guesser.guess("ujang", from: "172.16.\(index).9").status }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 422 } == 6)
            #expect(statuses.count { $0 == 429 } == 44)
        }
    }

    @Test("attack 154: a forwarded address that nobody vouches for gives no further tries")
    func forwarded() async throws {
        try await withCity { city in
            let guesser = try await CodeGuesser(city)
            for index in 0..<101 {
                let answer = try await guesser.guess("orang\(index)", headers: [.xForwardedFor: "10.0.0.\(index)"])
                #expect(answer.status == 422)
            }
            #expect(try await guesser.guess("orang", headers: [.xForwardedFor: "127.0.0.1"]).status == 429)
        }
    }

    @Test("attack 155: whoever guesses at codes does not lock out an owner who has signed in before")
    func owner() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let guesser = try await CodeGuesser(city)
            for _ in 0..<6 { _ = try await guesser.guess("ujang") }
            #expect(try await guesser.guess("ujang").status == 429)
            #expect(try await browser.signInAgain("ujang", City.password).location == "/portal")
        }
    }

    @Test("attack 158: names and codes longer than anybody's are refused before anything is looked up")
    func long() async throws {
        try await withCity { city in
            let guesser = try await CodeGuesser(city)
            for (name, code) in [
                (String(repeating: "a", count: 255), "0000-0000-0000"), ("ujang", String(repeating: "0", count: 101)),
            ] {
                let answer = try await guesser.guess(name, code)
                #expect(answer.status == 400)
                #expect(answer.text.contains("Isian terlalu panjang."))
            }
            #expect(try await guesser.guess("ujang", String(repeating: "0", count: 1 << 20)).status == 413)
            #expect(try await city.count("SELECT COUNT(*) FROM throttles") == 0)
        }
    }

    @Test("what can be no code is said so, to everybody alike, costs no try, and is not given back")
    func malformed() async throws {
        try await withCity { city in
            let guesser = try await CodeGuesser(city)
            for code in ["", "7KQ2-M9XA-01T", "7KQ2-M9XA-01TU", "<script>alert(1)</script>"] {
                let known = try await guesser.guess("ujang", code)
                #expect(known.status == 422)
                #expect(known.text.contains("Kode tidak lengkap atau salah ketik."))
                #expect(Shape(known, typed: "ujang") == Shape(try await guesser.guess("utang", code), typed: "utang"))
                #expect(code.isEmpty || !known.text.contains(code))
            }
            #expect(try await city.count("SELECT COUNT(*) FROM throttles") == 0)
            #expect(try await city.audit(.signInFailed).isEmpty)
        }
    }

    @Test("attack 134: a form that is not this browser's is refused, from another site and from a stale page")
    func forged() async throws {
        try await withCity { city in
            try await city.makeNewcomer("ujang")
            let code = try await city.activationCode("ujang")
            let browser = city.gateway.browser()
            _ = try await browser.get("/akun/aktivasi")
            let fields: Pairs = [("csrf", "falsch"), ("username", "ujang"), ("code", code)]
            let stale = try await browser.post("/akun/aktivasi", fields)
            #expect(stale.status == 403)
            #expect(stale.text.contains("Halaman ini sudah kedaluwarsa."))
            let evil = try await browser.post("/akun/aktivasi", fields, headers: [.origin: "https://evil.example"])
            #expect(evil.status == 403)
            #expect(try await city.count("SELECT COUNT(*) FROM one_time_links") == 0)
        }
    }

    @Test("attack 172, attack 308: the database holds neither code nor plain hash, and without the key nothing fits")
    func stolenDatabase() async throws {
        try await withCity { city in
            try await city.makeNewcomer("ujang")
            let code = try await city.activationCode("ujang")
            let plain = code.replacing("-", with: "")
            let record = try #require(try await city.activationRecord("ujang"))
            let read = try #require(ActivationCode(typed: code))
            let key = city.gateway.gateway.services.secrets.activation
            #expect(try read.digest(of: record.accountID, key: key) == record.digest)
            for text in [plain, code, record.accountID.text + plain, "\(record.accountID.text) \(plain)"] {
                #expect(record.digest != Base64URL.encode(SHA256.hash(text)))
            }
            for other in [city.gateway.gateway.services.secrets.csrf, city.gateway.gateway.services.secrets.refresh] {
                #expect(try read.digest(of: record.accountID, key: other) != record.digest)
            }
            // Whoever can write to the database, and has no key, cannot make a digest move to another account.
            try await city.makeNewcomer("siti")
            let siti = try #require(city.people["siti"]).id
            try await city.run("UPDATE activation_codes SET account_id = \(siti)")
            #expect(try await city.activate("siti", code, in: city.gateway.browser()).status == 422)
        }
    }

    @Test("attack 304, attack 305: the code is in no audit row, no address and no page")
    func secrecy() async throws {
        try await withCity { city in
            try await city.makeNewcomer("ujang")
            let code = try await city.activationCode("ujang")
            let browser = city.gateway.browser()
            let wrong = try await city.activate("siti", code, in: browser)
            #expect(!holds(wrong.body, code))
            let right = try await city.activate("ujang", code, in: browser)
            #expect(right.headers[.referrerPolicy] == "no-referrer")
            #expect(right.headers.allSatisfy { !$0.value.contains(code) })
            _ = try await city.setFirstPassword(password, in: browser)
            let details = try await city.gateway.store.read { tx in
                var details: [String] = []
                try tx.audit.each { details.append($0.detail) }
                return details
            }
            #expect(!details.isEmpty)
            for text in [code, code.replacing("-", with: ""), "Ujang", city.nip("ujang")] {
                #expect(!details.contains { $0.contains(text) })
            }
        }
    }

    @Test("attack 187: an operator only starts it; the rows name who did, the code, the batch and the account")
    func operators() async throws {
        try await withCity { city in
            try await city.makeNewcomer("ujang")
            _ = try await city.activationCode("ujang")
            let record = try #require(try await city.activationRecord("ujang"))
            #expect(record.issuedBy == "command:root")
            let one = try #require(try await city.audit(.activationCodeIssued).first)
            #expect(one.actor == "command:root")
            #expect(one.subject == city.people["ujang"]?.id.text)
            #expect(one.detail == "{\"batch\":\"\(record.batch)\"}")
            let all = try await city.latest(.activationCodesIssued)
            #expect(all["codes"] == 1)
            #expect(all["batch"]?.string == record.batch)
            #expect(try await city.account("ujang").passwordHash == nil)
        }
    }

    @Test("attack 182, attack 185: nobody gives themselves an account or a code: the page does nothing without one")
    func noRegistration() async throws {
        try await withCity { city in
            try await city.makeNewcomer("ujang")
            let guesser = try await CodeGuesser(city)
            #expect(try await guesser.guess("ujang").status == 422)
            #expect(try await guesser.guess("orang.baru").status == 422)
            #expect(try await city.count("SELECT COUNT(*) FROM accounts") == 4)
            #expect(try await city.count("SELECT COUNT(*) FROM one_time_links") == 0)
        }
    }

    @Test("an account that became limited since still sets its password; the page is in English for whoever chose that")
    func limited() async throws {
        try await withCity { city in
            try await city.makeNewcomer("ujang")
            let code = try await city.activationCode("ujang")
            try await city.setState(of: "ujang", .terbatas)
            let browser = city.gateway.browser()
            let page = try await browser.follow(try await browser.get("/akun/aktivasi?bahasa=en"))
            #expect(page.text.contains("Signing in for the first time"))
            #expect(try await city.activate("ujang", code, in: browser).status == 303)
            #expect(try await city.setFirstPassword(password, in: browser).status == 200)
        }
    }
}
