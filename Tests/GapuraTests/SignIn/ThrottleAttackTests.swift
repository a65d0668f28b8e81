import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Logging
import Testing

@testable import Gapura

/// Guessing is slowed down, and owners are not locked out.
@Suite("Sign-in: guessing")
struct ThrottleAttackTests {
    /// Guesses one account until as many guesses were tried; waits as long as it is told to. Answers the waits.
    private func attack(_ city: City, _ name: String, guesses: Int, _ guesser: Guesser) async throws -> [Int64] {
        var waits: [Int64] = []
        var made = 0
        while made < guesses {
            let answer = try await guesser.guess(name, from: "198.51.\(made).9")
            if answer.status == 429 {
                let seconds = try #require(answer.retryAfter)
                waits.append(seconds)
                city.gateway.clock.advance(seconds: seconds)
            } else {
                #expect(answer.status == 422)
                made += 1
            }
        }
        return waits
    }

    /// What a try counts against for a name that nobody has.
    private static func stranger(_ name: String, from address: String, at now: Timestamp) -> SignInThrottle.Keys {
        SignInThrottle.Keys(account: nil, knownDevice: nil, name: name, address: address, at: now)
    }

    /// Counts failures of strangers, each at a name of its own and from a network of its own.
    private func strangersFail(_ failures: Int, in city: City) async throws {
        let now = city.gateway.clock.now
        try await city.gateway.store.write { tx in
            for index in 0..<failures {
                let keys = Self.stranger("orang\(index)", from: "10.\(index / 250).\(index % 250).9", at: now)
                _ = try SignInThrottle.begin(keys, in: tx, at: now)
            }
        }
    }

    /// Addresses from which somebody has tried already while strangers wait.
    private func wearOut(_ addresses: [String], in city: City) async throws {
        let now = city.gateway.clock.now
        try await city.gateway.store.write { tx in
            for address in addresses {
                let key = Self.stranger("-", from: address, at: now).newcomer
                try tx.signIn.update(key, Throttle(failures: 1, lastFailureAt: now, openAt: now))
            }
        }
    }

    @Test("attack 151: the delay grows from one second to five minutes, and is told")
    func growing() async throws {
        try await withCity { city in
            let guesser = try await Guesser(city)
            let waits = try await attack(city, "ujang", guesses: 17, guesser)
            #expect(waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
            let answer = try await guesser.guess("ujang", City.password)
            #expect(answer.status == 429)
            #expect(answer.text.contains("Terlalu banyak percobaan. Coba lagi dalam 5 menit."))
            #expect(answer.text.contains("role=\"alert\""))
            // Not a second too early, and not one too late.
            city.gateway.clock.advance(seconds: 299)
            #expect(try await guesser.guess("ujang", City.password).retryAfter == 1)
            city.gateway.clock.advance(seconds: 1)
            #expect(try await guesser.guess("ujang", City.password).status == 303)
            // The right password ends it.
            #expect(try await attack(city, "ujang", guesses: 6, guesser).isEmpty)
        }
    }

    @Test(
        "attack 151: after 100 failures in a row only a device that the account knows, and a one-time link, still work")
    func hundred() async throws {
        try await withCity { city in
            let owner = try await city.signedIn()
            let guesser = try await Guesser(city)
            let waits = try await attack(city, "ujang", guesses: 100, guesser)
            #expect(waits.max() == 300)
            let answer = try await guesser.guess("ujang", City.password)
            #expect(answer.status == 429)
            #expect(answer.retryAfter == 86_400)
            city.gateway.clock.advance(seconds: 80_000)
            #expect(try await guesser.guess("ujang", City.password).status == 429)
            #expect(try await owner.signInAgain("ujang", City.password).location == "/portal")
        }
    }

    @Test("attack 151: a one-time link frees the account, and makes its browser one that the account knows")
    func recovery() async throws {
        try await withCity { city in
            let guesser = try await Guesser(city)
            _ = try await attack(city, "ujang", guesses: 100, guesser)
            let browser = city.gateway.browser(from: "203.0.113.99")
            let password = "becak hijau di simpang lima"
            let link = try await city.link(for: "ujang")
            #expect(try await city.setPassword(password, with: link, in: browser).status == 200)
            // The attack goes on meanwhile.
            _ = try await attack(city, "ujang", guesses: 100, guesser)
            #expect(try await guesser.guess("ujang", password).status == 429)
            #expect(try await browser.signIn("ujang", password).location == "/portal")
        }
    }

    @Test("attack 151: one password for a thousand accounts: an address has 100 failures free, a network 1,000")
    func stuffing() async throws {
        try await withCity { city in
            let guesser = try await Guesser(city)
            for index in 0..<101 { #expect(try await guesser.guess("orang\(index)").status == 422) }
            let slow = try await guesser.guess("orang200")
            #expect(slow.status == 429)
            #expect(slow.retryAfter == 1)
            // From the whole network, each address below its own limit.
            for index in 101..<1001 {
                #expect(try await guesser.guess("orang\(index)", from: "198.51.100.\(100 + index % 100)").status == 422)
            }
            #expect(try await guesser.guess("orang", from: "198.51.100.3").status == 429)
            #expect(try await guesser.guess("orang", from: "198.51.101.3").status == 422)
            city.gateway.clock.advance(seconds: 3601)
            #expect(try await guesser.guess("orang", from: "198.51.100.3").status == 422)
        }
    }

    @Test(
        "attack 151: many accounts from many addresses: after 5,000 failures an hour strangers wait up to five seconds"
    )
    func everybody() async throws {
        try await withCity { city in
            let guesser = try await Guesser(city)
            try await strangersFail(4_998, in: city)
            try await wearOut((1...40).map { "172.16.\($0).9" }, in: city)
            var guesses = 0
            // From another network and at another name each time, some of them somebody's.
            func guess() async throws -> TestAnswer {
                guesses += 1
                let name = guesses == 4 ? "ujang" : "siapa\(guesses)"
                return try await guesser.guess(name, from: "172.16.\(guesses).9")
            }
            for _ in 0..<3 { #expect(try await guess().status == 422) }
            for seconds: Int64 in [1, 2, 4, 5, 5, 5] {
                let answer = try await guess()
                #expect(answer.status == 429)
                #expect(answer.retryAfter == seconds)
                city.gateway.clock.advance(seconds: seconds - 1)
                #expect(try await guess().retryAfter == 1)
                city.gateway.clock.advance(seconds: 1)
                #expect(try await guess().status == 422)
            }
            #expect(try await guess().text.contains("Terlalu banyak percobaan. Coba lagi dalam 5 detik."))
            // What was not tried was not counted.
            let row: Statement = "SELECT SUM(failures) FROM throttles WHERE key LIKE 'everybody:%'"
            #expect(try await city.count(row) == 5_007)
            // The next hour begins with nothing.
            city.gateway.clock.advance(seconds: 3600)
            for _ in 0..<5 { #expect(try await guess().status == 422) }
            #expect(try await city.count("SELECT COUNT(*) FROM throttles WHERE key LIKE 'everybody:%'") == 2)
        }
    }

    @Test(
        "attack 151: while all strangers wait, known devices, known networks and one-time links do not",
        arguments: bothEngines)
    func notForAcquaintances(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let owner = try await city.signedIn("siti")
            let guesser = try await Guesser(city)
            let now = city.gateway.clock.now
            let everybody = Self.stranger("-", from: "-", at: now).everybody
            func row() async throws -> Throttle? {
                try await city.gateway.store.read { try $0.signIn.findThrottle(everybody) }
            }
            try await city.gateway.store.write { tx in
                let full = Throttle(failures: 5_000, lastFailureAt: now, openAt: now)
                try tx.signIn.update(everybody, full)
            }
            try await wearOut(["172.16.1.9", "172.16.2.9", "203.0.113.200"], in: city)
            #expect(try await guesser.guess("orang", from: "172.16.1.9").status == 422)
            let closed = try await row()
            #expect(closed == Throttle(failures: 5_001, lastFailureAt: now, openAt: now.adding(seconds: 1)))
            #expect(try await guesser.guess("ujang", City.password, from: "172.16.2.9").status == 429)

            // A device that the account knows, wherever it is.
            let away = city.gateway.browser(from: "172.16.3.9")
            away.setCookie(CookieName.device, owner.cookie(CookieName.device))
            #expect(try await away.signIn("siti", "bukan ini").status == 422)
            #expect(try await away.signIn("siti", City.password).location == "/portal")
            // It is Siti's alone, and a network is known by the last sign-in of a device.
            #expect(try await away.signInAgain("ujang", City.password).location == "/portal")
            #expect(try await guesser.guess("ujang", City.password, from: "203.0.113.200").status == 429)
            // A new device where others of the house are.
            #expect(try await guesser.guess("budi", City.password, from: "172.16.3.200").status == 303)
            #expect(try await row() == closed)
            #expect(try await guesser.guess("budi", from: "172.16.3.200").status == 422)
            #expect(try await row()?.failures == 5_002)
            #expect(try await row()?.openAt == closed?.openAt)
            #expect(try await guesser.guess("ujang", City.password, from: "172.16.2.9").status == 429)
            // A one-time link, and the browser in which it was used.
            let browser = city.gateway.browser(from: "172.16.4.9")
            let password = "becak hijau di simpang lima"
            let link = try await city.link(for: "ujang")
            #expect(try await city.setPassword(password, with: link, in: browser).status == 200)
            #expect(try await browser.signIn("ujang", password).location == "/portal")
        }
    }

    @Test("attack 155: while strangers wait, the first try of an address in an hour does not; its later ones do")
    func newcomers() async throws {
        try await withCity { city in
            let guesser = try await Guesser(city)
            /// As one attacker keeps it: more failures than are free, and the next try not before five seconds.
            func holdShut() async throws {
                let now = city.gateway.clock.now
                let key = Self.stranger("-", from: "-", at: now).everybody
                try await city.gateway.store.write { tx in
                    let shut = Throttle(failures: 5_100, lastFailureAt: now, openAt: now.adding(seconds: 5))
                    try tx.signIn.update(key, shut)
                }
            }
            try await holdShut()
            #expect(try await guesser.guess("ujang", City.password, from: "172.16.1.9").status == 303)
            #expect(try await guesser.guess("siti", from: "172.16.2.9").status == 422)
            for name in ["siti", "budi", "orang"] {
                #expect(try await guesser.guess(name, City.password, from: "172.16.2.9").retryAfter == 5)
            }
            // What it was let in for opens the door to nobody else, nor shuts it for longer.
            #expect(try await city.count("SELECT COUNT(*) FROM throttles WHERE failures = 5101") == 1)
            city.gateway.clock.advance(seconds: 5)
            #expect(try await guesser.guess("siti", from: "172.16.2.9").status == 422)
            try await holdShut()
            // Addresses of IPv6 cost nothing: there it is the /48.
            #expect(try await guesser.guess("orang1", from: "2001:db8:1:1::1").status == 422)
            #expect(try await guesser.guess("orang2", from: "2001:db8:1:2::1").status == 429)
            #expect(try await guesser.guess("orang3", from: "2001:db8:2:1::1").status == 422)
            city.gateway.clock.advance(seconds: 3600)
            try await holdShut()
            #expect(try await guesser.guess("orang4", from: "2001:db8:1:2::1").status == 429)
            city.gateway.clock.advance(seconds: 1)
            #expect(try await guesser.guess("orang4", from: "2001:db8:1:2::1").status == 422)
        }
    }

    @Test("attack 155: a try that our own overload took back was none, and the next one is the first")
    func newcomerTakenBack() async throws {
        try await withCity { city in
            let now = city.gateway.clock.now
            let keys = Self.stranger("orang", from: "172.16.1.9", at: now)
            let verdicts = try await city.gateway.store.write { tx -> [SignInThrottle.Verdict] in
                let shut = Throttle(failures: 5_100, lastFailureAt: now, openAt: now.adding(seconds: 5))
                try tx.signIn.update(keys.everybody, shut)
                let first = try SignInThrottle.begin(keys, in: tx, at: now)
                try SignInThrottle.takeBack(keys, in: tx)
                let second = try SignInThrottle.begin(keys, in: tx, at: now)
                return [first, second, try SignInThrottle.begin(keys, in: tx, at: now)]
            }
            #expect(
                verdicts == [.go(isAlarm: false), .go(isAlarm: false), .wait(seconds: 5, account: false)])
        }
    }

    @Test("attack 151: that strangers wait is told once an hour, in the audit, the log and the metrics, without names")
    func alarm() async throws {
        try await withCity { city in
            let lines = LogLines()
            let metrics = PrometheusMetrics()
            let known = city.gateway.gateway.services
            let authenticator = Authenticator(
                Services(
                    settings: known.settings, store: known.store, clock: known.clock, keyring: known.keyring,
                    secrets: known.secrets, passwords: known.passwords, pages: known.pages, outgoing: known.outgoing,
                    logger: Logger(label: "test") { _ in lines }
                ), metrics: metrics
            )
            func told(_ times: Int) async throws -> Bool {
                let rows = try await city.audit(.stuffingNoticed)
                #expect(rows.allSatisfy { $0.subject == nil && $0.detail == #"{"failures":5001}"# })
                #expect(lines.all.allSatisfy { $0.message == "sign_in.stuffing_noticed" })
                #expect(lines.all.allSatisfy { $0.metadata == ["failures": "5001"] })
                return rows.count == times && lines.all.count == times
                    && metrics.text().contains("gapura_sign_in_stuffing_alarms_total \(times)\n")
            }
            func attempt(_ name: String, _ password: String, from address: String) async throws -> Authenticator.Outcome
            {
                try await authenticator.authenticate(
                    name: name, password: password, device: nil, address: address, at: city.gateway.clock.now)
            }
            try await strangersFail(5_000, in: city)
            #expect(try await told(0))
            guard case .signedIn(let ujang) = try await attempt("ujang", City.password, from: "172.16.1.9") else {
                Issue.record("no right password")
                return
            }
            #expect(try await told(1))
            // It was one too many when it was let in; that its password was right changes nothing about the rest.
            let started = try await SessionStarter(known).start(
                for: ujang, replacing: nil, device: nil, userAgent: nil, name: "ujang", address: "172.16.1.9",
                at: city.gateway.clock.now)
            #expect(started != nil)
            for index in 2..<6 {
                city.gateway.clock.advance(seconds: 5)
                guard case .wrong = try await attempt("orang", "salah", from: "172.16.\(index).9") else {
                    Issue.record("not let in")
                    return
                }
            }
            #expect(try await told(1))
            city.gateway.clock.advance(seconds: 3600)
            try await strangersFail(5_001, in: city)
            #expect(try await city.audit(.stuffingNoticed).count == 2)
        }
    }

    @Test("attack 151: right passwords do not count against an address: a whole office comes in by one")
    func office() async throws {
        try await withCity { city in
            for _ in 0..<130 {
                let answer = try await Guesser(city).guess("ujang", City.password, from: "203.0.113.50")
                #expect(answer.status == 303)
            }
            #expect(try await city.count("SELECT COUNT(*) FROM throttles") == 0)
        }
    }

    @Test("attack 151: from an address over its limit, a right password leaves the next try nothing to wait for")
    func nothingToWaitFor() async throws {
        try await withCity { city in
            let address = "203.0.113.50"
            let start = city.gateway.clock.now
            let now = start.adding(seconds: 110 * 60)
            let ujang = SignInThrottle.Keys(
                account: try #require(city.people["ujang"]).id, knownDevice: nil, name: "ujang", address: address,
                at: now)
            let other = Self.stranger("orang", from: address, at: now)
            let verdicts = try await city.gateway.store.write { tx -> [SignInThrottle.Verdict] in
                for index in 0..<110 {
                    let moment = start.adding(seconds: Int64(index) * 60)
                    let keys = Self.stranger("orang\(index)", from: address, at: moment)
                    _ = try SignInThrottle.begin(keys, in: tx, at: moment)
                }
                let moment = now.adding(milliseconds: -5)
                let mine = try SignInThrottle.begin(ujang, in: tx, at: now)
                let meanwhile = try SignInThrottle.begin(other, in: tx, at: moment)
                try SignInThrottle.succeed(ujang, in: tx)
                return [mine, meanwhile, try SignInThrottle.begin(other, in: tx, at: moment)]
            }
            #expect(verdicts == [.go(isAlarm: false), .wait(seconds: 60, account: false), .go(isAlarm: false)])
            #expect(try await city.count("SELECT failures FROM throttles WHERE key = \("address:\(address)")") == 111)
        }
    }

    @Test("attack 151: IPv6 counts by /64, IPv4 by /24")
    func networks() throws {
        func network(_ address: String) -> String {
            Self.stranger("x", from: address, at: Timestamp(seconds: 0)).network
        }
        #expect(network("2001:db8:1:2::1") == network("2001:db8:1:2:ffff::9"))
        #expect(network("2001:db8:1:2::1") != network("2001:db8:1:3::1"))
        #expect(network("192.0.2.1") == network("192.0.2.200"))
        #expect(network("192.0.2.1") != network("192.0.3.1"))
        #expect(network("::ffff:192.0.2.1") == network("192.0.2.1"))
        #expect(network("-") == "network:-")
    }

    @Test(
        "attack 152: 500 guesses at once are counted before they are made: no more than the limit are",
        arguments: bothEngines)
    func parallel(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let guesser = try await Guesser(city)
            let before = city.passwords.computations
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<(engine == .sqlite ? 500 : 100) {
                    group.addTask {
                        try await guesser.guess("ujang", from: "10.\(index % 250).\(index / 250).1").status
                    }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 422 } <= 6)
            #expect(statuses.count { $0 == 303 } == 0)
            #expect(city.passwords.computations - before <= 6)
            #expect(statuses.allSatisfy { [422, 429, 503].contains($0) })
            if engine == .sqlite { #expect(statuses.count { $0 == 429 } >= 494) }
        }
    }

    @Test(
        "attack 155: a day of guessing costs the owner nothing on a known device, and five minutes on a new one"
    )
    func lockout() async throws {
        try await withCity { city in
            let owner = try await city.signedIn()
            let guesser = try await Guesser(city)
            for _ in 0..<9 {
                _ = try await attack(city, "ujang", guesses: 10, guesser)
                #expect(try await guesser.guess("ujang").retryAfter ?? 0 <= 300)
            }
            #expect(try await owner.signInAgain("ujang", City.password).location == "/portal")
            // From the same address as the attacker, an office behind one line.
            for index in 0..<130 { _ = try await guesser.guess("orang\(index)", from: "203.0.113.7") }
            #expect(try await guesser.guess("orang", from: "203.0.113.7").status == 429)
            #expect(try await owner.signInAgain("ujang", City.password).location == "/portal")
        }
    }

    @Test("attack 155: several people share one browser, and it is known to each of them")
    func sharedBrowser() async throws {
        try await withCity { city in
            let shared = city.gateway.browser()
            for person in ["ujang", "siti"] {
                #expect(try await shared.signInAgain(person, City.password).location == "/portal")
            }
            let guesser = try await Guesser(city)
            for person in ["ujang", "siti"] {
                _ = try await attack(city, person, guesses: 12, guesser)
                #expect(try await guesser.guess(person, City.password).status == 429)
                #expect(try await shared.signInAgain(person, City.password).location == "/portal")
            }
        }
    }

    @Test("attack 155: a device is known to whom it signed in, and a stolen device cookie has its own count")
    func stolenDevice() async throws {
        try await withCity { city in
            let owner = try await city.signedIn()
            let thief = city.gateway.browser(from: "198.51.100.66")
            thief.setCookie(CookieName.device, owner.cookie(CookieName.device))
            for round in 1...8 {
                #expect(try await thief.signIn("ujang", "tebakan \(round)").status == (round <= 6 ? 422 : 429))
            }
            // It is no device of Siti's, and no failure of the account's other devices.
            let guesser = try await Guesser(city)
            #expect(try await guesser.guess("ujang", City.password).status == 303)
            _ = try await attack(city, "siti", guesses: 12, guesser)
            #expect(try await thief.signIn("siti", City.password).status == 429)
        }
    }

    /// Peer, lines of `X-Forwarded-For`, and where the request came from.
    private static let forwardings: [(peer: String, lines: [String], expected: String)] = [
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"), ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"), ("10.0.0.1", ["127.0.0.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.9, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1", "10.0.0.2"], "198.51.100.1"), ("10.0.0.1", ["a"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, a"], "10.0.0.1"), ("10.0.0.1", ["198.51.100.1, a, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [""], "10.0.0.1"), ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:1234"], "10.0.0.1"), ("10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["2001:DB8::1"], "2001:db8::1"), ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [String(repeating: "198.51.100.1,", count: 199) + "198.51.100.2"], "198.51.100.2"),
        ("10.0.0.1", [String(repeating: "10.0.0.9,", count: 5000)], "10.0.0.9"),
    ]

    @Test(
        "attack 154: X-Forwarded-For counts from trusted proxies only, and then its right-most foreign hop",
        arguments: Self.forwardings)
    func forwarded(peer: String, lines: [String], expected: String) throws {
        #expect(try SourceAddress(trustedProxies: ["10.0.0.0/8"]).source(peer: peer, forwarded: lines) == expected)
        #expect(try SourceAddress(trustedProxies: []).source(peer: peer, forwarded: lines) == peer)
    }

    @Test("attack 154: nobody gets past the limits of an address by writing another one")
    func spoofed() async throws {
        try await withCity { city in
            let guesser = try await Guesser(city)
            for index in 0..<101 {
                let headers: HTTPFields = [.xForwardedFor: "192.0.2.\(index), 127.0.0.1"]
                #expect(try await guesser.guess("orang\(index)", headers: headers).status == 422)
            }
            #expect(try await guesser.guess("orang", headers: [.xForwardedFor: "127.0.0.1"]).status == 429)
        }
        try await withCity(configure: { $0.trustedProxies = ["10.0.0.0/8"] }) { city in
            let guesser = try await Guesser(city)
            let headers: HTTPFields = [.xForwardedFor: "127.0.0.1, 198.51.100.4"]
            #expect(try await guesser.guess("ujang", City.password, from: "10.0.0.1", headers: headers).status == 303)
            #expect(try await city.openSessions(of: "ujang").map(\.address) == ["198.51.100.4"])
        }
    }

    @Test(
        "attack 157: with a full password pool the form is 503 with Retry-After, and nobody's tries are counted"
    )
    func poolFull() async throws {
        try await withCity { city in
            let guesser = try await Guesser(city)
            let flow = try await city.signedIn()
            // A pool that takes nothing more is a full one.
            city.passwords.shutdown()
            for _ in 0..<8 {
                for name in ["ujang", "utang"] {
                    let answer = try await guesser.guess(name, City.password)
                    #expect(answer.status == 503)
                    #expect(answer.retryAfter == 2)
                    #expect(answer.headers[.cacheControl] == "no-store")
                    #expect(answer.text.contains("Sedang banyak yang masuk bersamaan."))
                    #expect(answer.field("csrf") != nil)
                }
            }
            #expect(try await city.count("SELECT COUNT(*) FROM throttles") == 0)
            #expect(try await flow.signInAgain("ujang", City.password).status == 503)
            #expect(try await city.isIn(flow))
            let link = try await city.link(for: "ujang")
            let set = try await city.setPassword("becak hijau di simpang lima", with: link, in: city.gateway.browser())
            #expect(set.status == 503)
            #expect(set.retryAfter == 2)
            #expect(set.errorCode == "temporarily_unavailable")
            #expect(try await city.open(link, in: city.gateway.browser()).status == 200)
        }
    }
}
