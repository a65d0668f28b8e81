import Foundation
import GapuraFormats
import Testing

@testable import GapuraDirectory

/// Hashing, its pool, and which passwords may be set.
@Suite("Passwords")
struct PasswordTests {
    private func hasher(_ parameters: Argon2Parameters = Argon2Parameters(memory: 64, passes: 1, lanes: 1)) throws
        -> PasswordHasher
    {
        try PasswordHasher(parameters: parameters, threads: 2, queue: 50)
    }

    @Test("by default a hash is Argon2id with 19 MiB, two passes, one lane, and a salt of its own")
    func defaults() async throws {
        let hasher = try PasswordHasher(threads: 1)
        defer { hasher.shutdown() }
        let hashes = [try await hasher.hash("kuda lumping merah"), try await hasher.hash("kuda lumping merah")]
        for hash in hashes { #expect(hash.hasPrefix("$argon2id$v=19$m=19456,t=2,p=1$")) }
        #expect(hashes[0] != hashes[1])
        #expect(try await hasher.verify("kuda lumping merah", against: hashes[0]) == .right)
        #expect(try await hasher.verify("kuda lumping merah ", against: hashes[0]) == .wrong)
    }

    @Test(
        "attack 160: normal forms and kinds of spaces do not matter, case and letters do",
        arguments: [
            ("caf\u{e9} pagi", "cafe\u{301} pagi", true), ("a\u{3000}b", "a b", true), ("a\u{a0}b", "a b", true),
            ("a\u{2009}b", "a b", true),
            ("\u{212b}ngstr\u{f6}m", "\u{c5}ngstro\u{308}m", true), ("\u{fb01}sh", "fish", false),
            ("Kuda", "kuda", false),
            ("\u{ff4b}uda", "kuda", false), ("a\u{200b}b", "ab", false), ("a  b", "a b", false), ("a\tb", "a b", false),
            ("a\u{0}b", "a", false),
        ])
    func normalForms(set: String, typed: String, isSame: Bool) async throws {
        let hasher = try hasher()
        defer { hasher.shutdown() }
        let stored = try await hasher.hash(set)
        #expect(try await hasher.verify(typed, against: stored) == (isSame ? .right : .wrong))
        #expect(try await hasher.verify(set, against: stored) == .right)
    }

    @Test(
        "attack 161: a stored hash that asks for too much, or is none, is wrong after one ordinary hash",
        arguments: [
            "m=4294967295,t=1,p=1", "m=262145,t=1,p=1", "m=64,t=11,p=1", "m=64,t=4294967295,p=1", "m=64,t=1,p=17",
            "m=64,t=1,p=0", "m=0,t=0,p=0",
            "m=64,t=1,p=1,m=4294967295", "m=4294967295,m=64,t=1,p=1", "m=18446744073709551680,t=1,p=1", "m=-1,t=1,p=1",
            "m=+64,t=1,p=1", "t=1,p=1",
            "m=64;t=1;p=1", "",
        ])
    func bombs(parameters: String) async throws {
        let hasher = try hasher()
        defer { hasher.shutdown() }
        let good = try await hasher.hash("kuda")
        let bomb = good.replacingOccurrences(of: "m=64,t=1,p=1", with: parameters)
        let before = hasher.computations
        #expect(try await hasher.verify("kuda", against: bomb) == .wrong)
        #expect(hasher.computations == before + 1)
    }

    @Test("attack 161: other makes of hashes are wrong, whatever they hold")
    func foreign() async throws {
        let hasher = try hasher()
        defer { hasher.shutdown() }
        let good = try await hasher.hash("kuda")
        for stored in [
            "", "kuda", "$", "$argon2id", good.replacingOccurrences(of: "argon2id", with: "argon2i"),
            good.replacingOccurrences(of: "v=19", with: "v=16"),
            good + "$", String(good.dropLast()), good + "A", good.replacingOccurrences(of: "$argon2id", with: ""),
            "$2x$10$" + String(repeating: "a", count: 53),
        ] {
            let before = hasher.computations
            #expect(try await hasher.verify("kuda", against: stored) == .wrong, "\(stored)")
            #expect(hasher.computations == before + 1)
        }
        #expect(try await hasher.verify("kuda", against: nil) == .wrong)
    }

    @Test("attack 161: the right password for yesterday's parameters comes with today's hash; a wrong one with none")
    func rehash() async throws {
        let (old, new) = (try hasher(Argon2Parameters(memory: 128, passes: 3, lanes: 1)), try hasher())
        defer {
            old.shutdown()
            new.shutdown()
        }
        let stored = try await old.hash("kuda")
        guard case .rightRehashed(let hash) = try await new.verify("kuda", against: stored) else {
            Issue.record("not rehashed")
            return
        }
        #expect(try await new.verify("kuda", against: hash) == .right)
        #expect(try await new.verify("sapi", against: stored) == .wrong)
    }

    @Test("attack 149: right, wrong, unknown and unusable cost one hash each")
    func costs() async throws {
        let hasher = try hasher()
        defer { hasher.shutdown() }
        let stored = try await hasher.hash("kuda")
        for (password, against) in [("kuda", stored), ("sapi", stored), ("kuda", nil), ("kuda", "")]
            as [(String, String?)]
        {
            let before = hasher.computations
            _ = try await hasher.verify(password, against: against)
            #expect(hasher.computations == before + 1)
        }
    }

    @Test(
        "attack 157: as many run as there are threads, as many wait as the queue has room, and no more are taken",
        .timeLimit(.minutes(1)))
    func pool() async throws {
        let pool = BlockingPool(name: "test", threads: 2, queue: 5)
        let seen = Seen()
        let done = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    do {
                        try await pool.run { seen.work() }
                        return true
                    } catch is PasswordHasher.PasswordPoolFull {
                        seen.refuse()
                        return false
                    }
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(done == 7)
        #expect(seen.most == 2)
        // It takes work again, until it is shut.
        #expect(try await pool.run { 7 } == 7)
        pool.shutdown()
        await #expect(throws: PasswordHasher.PasswordPoolFull.self) { try await pool.run { 7 } }
    }

    @Test("attack 157: 500 sign-ins at once with 19 MiB each take the memory of two")
    func memory() async throws {
        let hasher = try PasswordHasher(threads: 2, queue: 20)
        defer { hasher.shutdown() }
        let stored = try await hasher.hash("kuda")
        let before = Self.peakMemory
        let taken = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<500 {
                group.addTask {
                    do {
                        return try await hasher.verify("kuda", against: stored) == .right
                    } catch is PasswordHasher.PasswordPoolFull {
                        return false
                    }
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(taken >= 22)
        // 500 would be 9.5 GB. Other tests run beside this one, so the bound is wide.
        if let before, let after = Self.peakMemory { #expect(after - before < 600_000) }
    }

    /// KiB that the process ever held, from `/proc/self/status`.
    private static var peakMemory: Int? {
        let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line.flatMap { Int($0.filter(\.isNumber)) }
    }

    @Test(
        "which passwords may be set",
        arguments: [
            ("kuda lumping merah", nil), ("becakhijau9", .tooShort(minimum: 12)), ("", .tooShort(minimum: 12)),
            (String(repeating: "ab cd ef gh ", count: 10) + "ij klmn!", .guessable),
            (String(repeating: "kuda ", count: 26), .tooLong),
            ("aaaaaaaaaaaaaaaa", .guessable), ("abcabcabcabcabc", .guessable), ("123456789012345", .guessable),
            ("abcdefghijklmnop", .guessable),
            ("passwordpassword", .guessable), ("Password1234", .guessable), ("katasandi2026", .guessable),
            ("189001011915011001", .guessable),
            ("1890 0101 1915 011 001", .guessable), ("ujangujangujang", .guessable), ("Qwertyuiop123", .guessable),
            ("\u{1f33a}\u{1f335}\u{1f98e}", .tooShort(minimum: 12)),
            ("selamat datang", .guessable), ("ujang suka bakso pedas", nil), ("189001011915011001 kuda lumping", nil),
        ] as [(String, PasswordPolicy.Problem?)])
    func policy(password: String, problem: PasswordPolicy.Problem?) {
        let policy = PasswordPolicy()
        do throws(PasswordPolicy.Problem) {
            try policy.check(password, personal: ["Ujang", "Ma'ruf", "189001011915011001", "ujang"])
            #expect(problem == nil, "accepted: \(password)")
        } catch {
            #expect(error == problem, "\(password)")
        }
    }

    @Test("attack 158: a password has at most 128 code points, and at least what the setting says")
    func lengths() {
        let text =
            "kuda lumping merah putih biru hijau kuning ungu jingga coklat hitam abu-abu emas perak perunggu tosca "
            + "nila kelabu pirang 0123456789"
        func problem(_ count: Int, minimum: Int = 12) -> PasswordPolicy.Problem? {
            do throws(PasswordPolicy.Problem) {
                try PasswordPolicy(minimum: minimum).check(String(text.unicodeScalars.prefix(count)), personal: [])
                return nil
            } catch { return error }
        }
        #expect(problem(128) == nil)
        #expect(problem(129) == .tooLong)
        #expect(problem(64) == nil)
        #expect(problem(12) == nil)
        #expect(problem(11) == .tooShort(minimum: 12))
        #expect(problem(12, minimum: 15) == .tooShort(minimum: 15))
    }
}

/// Work that goes on until two do it at once and, of a hundred that came, 93 were refused: seven are in, and nobody
/// else will be.
///
/// `@unchecked Sendable`: everything is touched under the condition's lock only.
private final class Seen: @unchecked Sendable {
    private let condition = NSCondition()
    private var running = 0
    private var refused = 0
    private var mostAtOnce = 0

    var most: Int { condition.withLock { mostAtOnce } }

    func work() {
        condition.lock()
        defer { condition.unlock() }
        running += 1
        mostAtOnce = max(mostAtOnce, running)
        condition.broadcast()
        while mostAtOnce < 2 || refused < 93 { condition.wait() }
        running -= 1
    }

    func refuse() {
        condition.lock()
        defer { condition.unlock() }
        refused += 1
        condition.broadcast()
    }
}
