import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// Attack 149: nobody learns from an answer who has an account.
@Suite("Sign-in: who has an account")
struct EnumerationAttackTests {
    @Test(
        "attack 149: known and unknown names get the same bytes and cookies, and cost as many hashes",
        arguments: [
            ("189001011915011001", "189001011915011999"), ("18900101 191501 1 001", "18900101 191501 1 999"),
            ("ujang", "utang"),
            ("ujang@contoh.invalid", "utang@contoh.invalid"), ("rina", "nira"), ("budi", "idub"), ("tanpa", "hampa"),
        ])
    func answers(known: String, unknown: String) async throws {
        try await withCity { city in
            try await city.change("ujang") { account in
                account.email = "ujang@contoh.invalid"
                account.emailVerified = true
            }
            let (sponsor, now) = (try await city.account("siti"), city.gateway.clock.now)
            try await city.gateway.store.write { tx in
                _ = try AccountDirectory(tx, by: .system, at: now).add(
                    userName: "tanpa", displayName: "Belum Berkata Sandi", email: nil, role: .none, sponsor: sponsor,
                    endsAt: now.adding(seconds: 86_400)
                )
            }
            let guesser = try await Guesser(city)
            for round in 1...9 {
                let start = city.passwords.computations
                let left = try await guesser.guess(known)
                let middle = city.passwords.computations
                let right = try await guesser.guess(unknown)
                #expect(Shape(left, typed: known) == Shape(right, typed: unknown))
                #expect(left.status == (round <= 6 ? 422 : 429))
                #expect(middle - start == (round <= 6 ? 1 : 0))
                #expect(city.passwords.computations - middle == middle - start)
            }
        }
    }

    @Test("attack 149: the spellings of one name are one name, whether anybody has it or not")
    func spellings() async throws {
        try await withCity { city in
            let guesser = try await Guesser(city)
            for nip in ["189001011915011001", "189001011915011999"] {
                let spellings = (0..<7).map { place in
                    String(nip.prefix(place + 1)) + String(repeating: " ", count: place + 1) + nip.dropFirst(place + 1)
                }
                let statuses = try await spellings.asyncMap { try await guesser.guess($0).status }
                #expect(statuses == [422, 422, 422, 422, 422, 422, 429])
            }
            for name in ["siti", "sito"] {
                let statuses = try await [
                    name, name.uppercased(), " " + name, name + " ", name.capitalized, name, name + "  ",
                ]
                .asyncMap { try await guesser.guess($0).status }
                #expect(statuses == [422, 422, 422, 422, 422, 422, 429])
            }
        }
    }

    @Test("attack 149: that an account may not sign in is told to who knows its password, and to nobody else")
    func suspended() async throws {
        try await withCity { city in
            let guesser = try await Guesser(city)
            let right = try await guesser.guess("rina", City.password)
            #expect(right.status == 403)
            #expect(right.text.contains("Akun Anda saat ini tidak dapat digunakan untuk masuk."))
            #expect(right.setCookie(CookieName.session) == nil)
            #expect(right.setCookie(CookieName.device) == nil)
            #expect(try await city.openSessions(of: "rina").isEmpty)
            let wrong = try await guesser.guess("rina")
            #expect(Shape(wrong, typed: "rina") == Shape(try await guesser.guess("nira"), typed: "nira"))
        }
    }

    @Test("attack 149: the audit says that a sign-in failed, and neither the name nor the password that was typed")
    func audit() async throws {
        try await withCity { city in
            let guesser = try await Guesser(city)
            _ = try await guesser.guess("ujang", "tebakan-pertama")
            _ = try await guesser.guess("189001011915011999", "tebakan-kedua", from: "198.51.100.67")
            let rows = try await city.audit(.signInFailed)
            #expect(rows.count == 2)
            #expect(rows.map(\.subject) == [nil, try #require(city.people["ujang"]).id.text])
            for row in rows {
                #expect(row.actor == "system")
                for text in ["ujang", "18900101", "tebakan"] { #expect(!holds(Array(row.detail.utf8), text)) }
            }
        }
    }

    /// Names of Ujang, and for each a name of the same form that nobody has.
    private static let aliases = [
        ("189001011915011001", "189001011915011999"), ("ujang", "utang"),
        ("UJANG@contoh.invalid", "utang@CONTOH.invalid"),
    ]

    private func giveEmail(_ city: City) async throws {
        try await city.change("ujang") { account in
            account.email = "ujang@contoh.invalid"
            account.emailVerified = true
        }
    }

    @Test("attack 149: by whichever name, an account and nobody are slowed down by the same delays", arguments: aliases)
    func delays(known: String, unknown: String) async throws {
        try await withCity { city in
            try await giveEmail(city)
            let guesser = try await Guesser(city)
            var waits: [Int64] = []
            // Both at each moment of the same clock.
            for round in 0..<40 {
                let left = try await guesser.guess(known, from: "172.16.\(round).1")
                let right = try await guesser.guess(unknown, from: "172.17.\(round).1")
                #expect(Shape(left, typed: known) == Shape(right, typed: unknown))
                if let seconds = left.retryAfter {
                    waits.append(seconds)
                    city.gateway.clock.advance(seconds: seconds)
                }
            }
            #expect(waits.prefix(12) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300])
        }
    }

    @Test("attack 149: the names of one account are one count, which no spelling and no other name gets around")
    func oneCount() async throws {
        try await withCity { city in
            try await giveEmail(city)
            let guesser = try await Guesser(city)
            let names = Self.aliases.map(\.0)
            for round in 0..<6 { #expect(try await guesser.guess(names[round % 3]).status == 422) }
            for name in names + ["18900101 191501 1 001", "Ujang", " ujang@contoh.invalid"] {
                #expect(try await guesser.guess(name).retryAfter == 1)
            }
            let id = try #require(city.people["ujang"]).id
            #expect(try await city.count("SELECT failures FROM throttles WHERE key = \("account:\(id.text)")") == 6)
            #expect(try await city.count("SELECT COUNT(*) FROM throttles WHERE key LIKE 'name:%'") == 0)
            // A right password by any name frees them all.
            city.gateway.clock.advance(seconds: 1)
            #expect(try await guesser.guess(names[2], City.password).status == 303)
            for round in 0..<6 { #expect(try await guesser.guess(names[round % 3]).status == 422) }
        }
    }

    @Test("attack 149: a failed sign-in is written for an account and for nobody as often, and answered alike")
    func rowsForBoth() async throws {
        try await withCity { city in
            try await giveEmail(city)
            let guesser = try await Guesser(city)
            // Known and unknown take turns from one address, first each name once a minute and then until they wait.
            for round in 0..<10 {
                for (known, unknown) in Self.aliases.prefix(1) + [("siti", "sito"), ("rina", "nira")] {
                    let start = try await city.audit(.signInFailed).count
                    let left = try await guesser.guess(known)
                    let middle = try await city.audit(.signInFailed).count
                    let right = try await guesser.guess(unknown)
                    let end = try await city.audit(.signInFailed).count
                    #expect(Shape(left, typed: known) == Shape(right, typed: unknown))
                    // The first failure, and the first that has to wait.
                    #expect(middle - start == (round == 0 || round == 6 ? 1 : 0))
                    #expect(end - middle == middle - start)
                }
            }
            let subjects = try await city.audit(.signInFailed).map(\.subject).reversed()
            let ids = try ["ujang", "siti", "rina"].map { try #require(city.people[$0]).id.text }
            #expect(Array(subjects) == [ids[0], nil, ids[1], nil, ids[2], nil, ids[0], nil, ids[1], nil, ids[2], nil])
        }
    }

    @Test("attack 149: a one-time link that never was, was used, is too old, or is of a suspended account: one answer")
    func links() async throws {
        try await withCity { city in
            let used = try await city.link(for: "ujang")
            #expect(
                try await city.setPassword("sebuah sandi panjang sekali", with: used, in: city.gateway.browser()).status
                    == 200)
            let old = try await city.link(for: "siti", lifetime: 60)
            let suspended = try await city.link(for: "budi")
            try await city.setState(of: "budi", .ditangguhkan)
            city.gateway.clock.advance(seconds: 60)
            var shapes: [Shape] = []
            for secret in [used, old, suspended, String(repeating: "A", count: 43)] {
                let answer = try await city.open(secret, in: city.gateway.browser())
                expectLocal400(answer, code: "link_unusable")
                shapes.append(Shape(answer, typed: ""))
            }
            #expect(Set(shapes.map(\.body)).count == 1)
            #expect(Set(shapes.map(\.headers)).count == 1)
        }
    }
}

extension Sequence {
    /// `map` with an asynchronous function, one after the other.
    func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
        var result: [T] = []
        for element in self { result.append(try await transform(element)) }
        return result
    }
}
