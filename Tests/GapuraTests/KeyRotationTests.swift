import Dispatch
import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraPages
import GapuraStore
import GapuraTesting
import GapuraTokens
import Logging
import Synchronization
import Testing

@testable import Gapura

/// What rotations may do when, what becomes of those that fail, and how long old keys stay.
@Suite("Key rotation")
struct KeyRotationTests {
    let folder: TestFolder
    let clock = TestClock(Timestamp(seconds: 1_800_000_000))
    let maker = Maker()
    var path: String { folder.path + "/keys" }

    init() throws {
        folder = try TestFolder()
    }

    private func open() throws -> SigningKeyring {
        let maker = maker
        return try SigningKeyring.open(folder: path, clock: clock.wall, logger: .silent) { try maker.make($0) }
    }

    private func files() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: path).count { $0.hasSuffix(".pem") }
    }

    private static func active(_ keyring: SigningKeyring) -> [SigningAlgorithm: String] {
        let keys = keyring.list().filter { $0.state == .active }
        return Dictionary(uniqueKeysWithValues: keys.map { ($0.algorithm, $0.kid) })
    }

    // MARK: When

    @Test("R58: a key signs once it is published for ten minutes; who asks sooner is refused and leaves no key behind")
    func early() throws {
        let keyring = try open()
        func expectEarly(_ keys: [KeyInfo]) throws {
            #expect { try keyring.rotate(.es256, now: clock.now) } throws: { ($0 as? KeyringError)?.kind == .early }
            #expect {
                try keyring.prepareRotation(.es256, now: clock.now)
            } throws: {
                ($0 as? KeyringError)?.message.contains("ES256: from 2027-") == true
            }
            #expect(keyring.list() == keys)
            #expect(try files() == keys.count)
        }
        let first = keyring.list()
        try expectEarly(first)
        clock.advance(seconds: 599)
        try expectEarly(first)
        clock.advance(seconds: 1)
        let rotated = try keyring.rotate(.es256, now: clock.now)
        #expect(rotated.map(\.state) == [.active, .next, .retired])
        // The second one, of whoever thinks that the first did not work.
        let second = keyring.list()
        for _ in 1...3 { try expectEarly(second) }
        #expect(try keyring.signingKey(for: .es256).kid == rotated[0].kid)
        // Another algorithm has waited long enough.
        try keyring.rotate(.edDSA, now: clock.now)
        #expect { try keyring.rotate(.ps256, now: clock.now) } throws: { ($0 as? KeyringError)?.kind == .noKey }
        // An emergency does not wait.
        #expect(try keyring.revoke(kid: rotated[0].kid, now: clock.now).map(\.kid).first == rotated[1].kid)
        // Nor does a clock that was set back: the old time may be years away.
        clock.advance(seconds: -1_000_000)
        try keyring.rotate(.es256, now: clock.now)
    }

    @Test("R58: of two rotations at once, or on two nodes whose clocks differ, the second is early")
    func twoAtOnce() throws {
        let keyring = try open()
        clock.advance(seconds: 600)
        let second = clock.now
        clock.advance(seconds: 599)
        try keyring.rotate(.es256, now: clock.now)
        let keys = keyring.list()
        // It read the clock first, and came to the folder last.
        for moment in [second, clock.now.adding(milliseconds: -1)] {
            for attempt in [
                { try keyring.prepareRotation(.es256, now: moment) }, { try keyring.rotate(.es256, now: moment) },
            ] {
                #expect { try attempt() } throws: { ($0 as? KeyringError)?.kind == .early }
            }
        }
        #expect(keyring.list() == keys)
    }

    @Test("a next key that somebody took out of the folder is made again, and signs when its time has come")
    func missingNext() throws {
        let keyring = try open()
        let ring = path + "/keyring.json"
        let text = try String(contentsOfFile: ring, encoding: .utf8)
        let json = try #require(try StrictJSON.parse(Array(text.utf8)).object)
        let rest = (json["keys"]?.array ?? []).filter { $0["algorithm"] != "ES256" || $0["state"] != "next" }
        #expect(rest.count == 5)
        var changed = json
        changed["keys"] = .array(rest)
        try JSONValue.object(changed).encodedText().write(toFile: ring, atomically: false, encoding: .utf8)
        try keyring.refresh()
        clock.advance(seconds: 3600)
        #expect {
            try keyring.prepareRotation(.es256, now: clock.now)
        } throws: {
            ($0 as? KeyringError)?.kind == .early
        }
        #expect(keyring.list().count == 6)
        clock.advance(seconds: 600)
        try keyring.prepareRotation(.es256, now: clock.now)
        #expect(try keyring.rotate(.es256, now: clock.now).map(\.state) == [.active, .next, .retired])
    }

    @Test("no key has a name that a command would take for an option")
    func typedNames() throws {
        let number = Mutex(0)
        let keyring = try SigningKeyring.open(folder: path, clock: clock.wall, logger: .silent) { algorithm in
            let number = number.withLock { number in
                number += 1
                return number
            }
            return try SigningKey.generate(algorithm, kid: number.isMultiple(of: 3) ? "k\(number)" : "-\(number)")
        }
        #expect(keyring.list().map(\.kid).sorted() == ["k12", "k15", "k18", "k3", "k6", "k9"])
    }

    @Test("a rotation that ends half way leaves one key at most, which the next attempt uses")
    func prepared() throws {
        let keyring = try open()
        let next = try #require(keyring.list().first { $0.algorithm == .es256 && $0.state == .next }?.kid)
        clock.advance(seconds: 600)
        for _ in 1...3 {
            try keyring.prepareRotation(.es256, now: clock.now)
            clock.advance(seconds: 60)
        }
        #expect(try files() == 7)
        let made = maker.count
        let keys = try keyring.rotate(.es256, now: clock.now)
        #expect(maker.count == made)
        // What was published longest signs; what was made ready is the next one.
        #expect(keys.map(\.state) == [.active, .next, .retired])
        #expect(keys[0].kid == next)
        #expect(try open().list() == keyring.list())
    }

    @Test("keys that were written before one could not be are removed: no attempt piles up files that nothing names")
    func halfWritten() throws {
        let keyring = try open()
        let before = keyring.list()
        // The second key that PS256 gets, its next one, finds a folder under its name.
        let (path, count) = (path, maker.count)
        maker.onMake { key, number in
            guard number == count + 2, let kid = key.kid else { return }
            try FileManager.default.createDirectory(
                atPath: "\(path)/PS256-\(kid).pem", withIntermediateDirectories: false)
        }
        #expect { try keyring.ensure(.ps256) } throws: { ($0 as? KeyringError)?.kind == .system }
        #expect(keyring.list() == before)
        #expect(try files() == 6 + 1)
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where name.hasPrefix("PS256") {
            try FileManager.default.removeItem(atPath: path + "/" + name)
        }
        #expect(try files() == 6)
        try keyring.ensure(.ps256)
        #expect(try files() == 8)
    }

    // MARK: Who makes them

    @Test("keys are made one at a time on a thread of their own, and everybody else is served meanwhile")
    func ownThread() async throws {
        let keyring = try open()
        let (gate, begun) = (DispatchSemaphore(value: 0), AsyncStream.makeStream(of: Void.self))
        let maker = maker
        maker.onMake { _, _ in
            begun.continuation.yield()
            // A making that held up the pool would never see the gate open; those behind it need not wait as well.
            guard gate.wait(timeout: .now() + 30) == .success else {
                maker.onMake { _, _ in throw KeyringError(.system, "the gate is shut") }
                throw KeyringError(.system, "nobody opened the gate")
            }
        }
        let (count, algorithms) = (maker.count, [SigningAlgorithm.es384, .es512])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 { group.addTask { try await keyring.ensure(algorithms[number % 2]) } }
            var makings = begun.stream.makeAsyncIterator()
            _ = await makings.next()
            let served = await withTaskGroup(of: Int.self) { group in
                for _ in 0..<4 * ProcessInfo.processInfo.activeProcessorCount {
                    group.addTask {
                        await Task.yield()
                        return 1
                    }
                }
                return await group.reduce(0, +)
            }
            #expect(served > 0)
            for _ in 0..<200 { gate.signal() }
            try await group.waitForAll()
        }
        // Two keys for each algorithm, however many asked for it.
        #expect(maker.count == count + 4)
        #expect(maker.mostAtOnce == 1)
        #expect(keyring.algorithms.contains(.es384) && keyring.algorithms.contains(.es512))
    }

    // MARK: What fails

    @Test("an algorithm whose key cannot be made is named in the log and tried again; the others rotate without it")
    func oneFails() async throws {
        let (store, lines, keyring) = (try await Store.open(.sqliteMemory), LogLines(), try open())
        let job = KeyRotationJob(
            keyring: keyring, store: store, days: 90, clock: clock.wall, logger: Logger(label: "test") { _ in lines })
        func audited() async throws -> [String] {
            let rows = try await store.read {
                try $0.audit.list(before: .max, event: "keys.rotated", subject: nil, limit: 99)
            }
            return try rows.map { try #require(try StrictJSON.parse(Array($0.detail.utf8))["algorithm"]?.string) }
        }
        let before = Self.active(keyring)
        clock.advance(seconds: 90 * 86_400)
        maker.onMake { key, _ in
            guard key.algorithm == .rs256 else { return }
            throw KeyringError(.system, "keys: cannot write: No space left on device")
        }
        for round in 1...3 {
            await job.look()
            let now = Self.active(keyring)
            #expect(now[.rs256] == before[.rs256])
            #expect(now[.es256] != before[.es256] && now[.edDSA] != before[.edDSA])
            // Nobody is told of a rotation that was not.
            #expect(try await audited().sorted() == ["ES256", "EdDSA"])
            let told = lines.all.filter { $0.message == "keys.rotation_failed" }
            #expect(told.count == round)
            #expect(told.allSatisfy { $0.metadata["algorithm"] == "RS256" })
            #expect(told.last?.metadata["error"]?.contains("No space left") == true)
            clock.advance(seconds: 60)
        }
        maker.onMake { _, _ in }
        await job.look()
        #expect(Self.active(keyring)[.rs256] != before[.rs256])
        #expect(try await audited().sorted() == ["ES256", "EdDSA", "RS256"])
        #expect(keyring.list().filter { $0.state == .retired }.count == 3)
        await store.close()
    }

    @Test("without its audit row there is no rotation, however often it is tried, and no heap of keys")
    func withoutAudit() async throws {
        let (store, keyring) = (try await Store.open(.sqliteMemory), try open())
        let job = KeyRotationJob(keyring: keyring, store: store, days: 90, clock: clock.wall, logger: .silent)
        let before = Self.active(keyring)
        await store.close()
        clock.advance(seconds: 90 * 86_400)
        for _ in 1...5 { await job.look() }
        #expect(Self.active(keyring) == before)
        #expect(try files() == 9)
    }

    @Test("a key whose next one is too young rotates when that is known, and the log says so, not as a failure")
    func dueAndEarly() async throws {
        let (store, lines, keyring) = (try await Store.open(.sqliteMemory), LogLines(), try open())
        let job = KeyRotationJob(
            keyring: keyring, store: store, days: 90, clock: clock.wall, logger: Logger(label: "test") { _ in lines })
        clock.advance(seconds: 90 * 86_400 - 60)
        let next = try #require(keyring.list().first { $0.algorithm == .es256 && $0.state == .next }?.kid)
        try await keyring.revoke(kid: next, now: clock.now)
        let before = Self.active(keyring)
        clock.advance(seconds: 60)
        await job.look()
        #expect(Self.active(keyring)[.es256] == before[.es256])
        #expect(Self.active(keyring)[.rs256] != before[.rs256])
        clock.advance(seconds: 540)
        await job.look()
        #expect(Self.active(keyring)[.es256] != before[.es256])
        #expect(lines.all.map(\.message) == ["keys.rotation_early"])
        await store.close()
    }

    @Test("keys.rotate rotates what it can, names what it could not, and finishes the rest when it runs again")
    func command() async throws {
        try await withCity { city in
            let known = city.gateway.gateway.services
            let keyring = try open()
            let services = Services(
                settings: known.settings, store: known.store, clock: clock.wall, keyring: keyring,
                secrets: known.secrets, passwords: known.passwords, pages: known.pages, outgoing: known.outgoing,
                logger: .silent)
            func rotate(_ arguments: JSONObject = JSONObject()) async throws -> JSONValue {
                let context = OperationContext(services: services, actor: .command(user: "root"))
                return try await Operations.find("keys.rotate").run(arguments, context)
            }
            let early = await #expect(throws: OperationError.self) { try await rotate() }
            #expect(early?.code == .refused && early?.message.contains("RS256: from ") == true)
            #expect(early?.indonesian.contains("putar lagi") == true)
            #expect(try await city.audit(.keysRotated).isEmpty)

            try await keyring.ensure(.es512)
            clock.advance(seconds: 600)
            try await keyring.ensure(.es384)
            maker.onMake { key, _ in
                guard key.algorithm == .es256 else { return }
                throw KeyringError(.system, "keys: cannot write: No space left on device")
            }
            let before = Self.active(keyring)
            let failure = await #expect(throws: OperationError.self) { try await rotate() }
            #expect(failure?.code == .unavailable)
            for part in ["Not rotated: ES256:", "No space left", "Rotated: RS256, ES512, EdDSA."] {
                #expect(failure?.message.contains(part) == true, "\(failure?.message ?? "")")
            }
            #expect(failure?.indonesian.contains("Diputar: RS256, ES512, EdDSA.") == true)
            #expect(try await city.audit(.keysRotated).count == 3)
            #expect(Self.active(keyring)[.es256] == before[.es256])
            #expect(Self.active(keyring)[.rs256] != before[.rs256])

            maker.onMake { _, _ in }
            let after = Self.active(keyring)
            let rest = try await rotate()
            #expect(Set(rest["keys"]?.array?.compactMap { $0["algorithm"]?.string } ?? []) == ["ES256"])
            #expect(rest["early"]?.strings?.count == 4)
            #expect(rest["early"]?.strings?.contains { $0.hasPrefix("ES384: from 2027-") } == true)
            #expect(Self.active(keyring)[.rs256] == after[.rs256])
            #expect(try await city.audit(.keysRotated).count == 4)
            #expect(await city.refusal("keys.rotate", ["algorithm": "PS384"]) == .notFound)
        }
    }

    // MARK: How long

    @Test("an old key stays published as long as a session of the settings may bring its ID tokens back, and then goes")
    func retention() async throws {
        let absolute: Int64 = 5 * 86_400
        try await withCity(configure: { $0.sessionAbsolute = absolute }) { city in
            let (services, clock) = (city.gateway.gateway.services, city.gateway.clock)
            let job = KeyRotationJob(
                keyring: services.keyring, store: services.store, days: 0, clock: services.clock, logger: .silent)
            let hints = IDTokenHintReader(services, clients: city.gateway.gateway.clients)
            clock.advance(seconds: 600)
            let token = try #require(try await city.tokens("web")["id_token"]?.string)
            let kid = try #require(try JWS(token).kid)
            func isPublished() async throws -> Bool {
                await job.look()
                let keys = try await city.gateway.send(.get, "/oauth2/jwks").json?["keys"]?.array ?? []
                return keys.contains { $0["kid"]?.string == kid }
            }
            try await services.keyring.rotate(.rs256, now: clock.now)
            for seconds in [0, absolute, 12 * 3600 - 1] as [Int64] {
                clock.advance(seconds: seconds)
                #expect(try await isPublished())
                #expect(try await hints.read(token) != nil)
            }
            clock.advance(seconds: 1)
            #expect(try await !isPublished())
            #expect(try await hints.read(token) == nil)
            #expect(services.keyring.list().count == 6)
        }
    }

    @Test("however fast keys are thinned out, none goes before the longest token of the settings is dead")
    func shortest() throws {
        var settings = GatewaySettings()
        settings.tokenLifetime = 3600
        var retention = KeyRetention(settings)
        #expect(retention.minimum == 3900)
        retention.notice = 0
        retention.maximumKeys = 10
        let keyring = try SigningKeyring.open(
            folder: path, clock: clock.wall, logger: .silent, retention: retention)
        let old = try #require(try keyring.signingKey(for: .es256).kid)
        for _ in 1...4 {
            try keyring.rotate(.es256, now: clock.now)
            clock.advance(seconds: 1)
        }
        clock.advance(seconds: 3895)
        #expect { try keyring.rotate(.es256, now: clock.now) } throws: { ($0 as? KeyringError)?.kind == .crowded }
        #expect(keyring.verificationKey(kid: old) != nil)
        clock.advance(seconds: 1)
        try keyring.rotate(.es256, now: clock.now)
        #expect(keyring.verificationKey(kid: old) == nil)
    }

    @Test("a gateway opens its keys with what its settings say of them")
    func wired() async throws {
        var settings = GatewaySettings()
        settings.database = "sqlite::memory:"
        settings.keysFolder = path
        settings.dataFolder = folder.path
        settings.sessionAbsolute = 7 * 86_400
        let site = try SitePages(branding: Branding(cityName: "Kota Nusa Contoh"))
        let gateway = try await Gateway.open(settings, site: site, clock: clock.wall, logger: .silent)
        clock.advance(seconds: 600)
        let keys = try await gateway.services.keyring.rotate(.es256, now: clock.now)
        #expect(keys.last?.publishedUntil == clock.now.adding(seconds: 7 * 86_400 + 12 * 3600))
        await gateway.close()
    }
}

/// Makes keys, counts them, and does first what a test wants.
final class Maker: Sendable {
    private struct State {
        var count = 0
        var running = 0
        var mostAtOnce = 0
        var first: @Sendable (_ key: SigningKey, _ number: Int) throws -> Void = { _, _ in }
    }
    private let state = Mutex(State())

    var count: Int { state.withLock { $0.count } }
    var mostAtOnce: Int { state.withLock { $0.mostAtOnce } }

    /// What happens before a key is handed out; `number` counts all that were asked for.
    func onMake(_ body: @escaping @Sendable (_ key: SigningKey, _ number: Int) throws -> Void) {
        state.withLock { $0.first = body }
    }

    func make(_ algorithm: SigningAlgorithm) throws -> SigningKey {
        let (number, first) = state.withLock { state in
            state.count += 1
            state.running += 1
            state.mostAtOnce = max(state.mostAtOnce, state.running)
            return (state.count, state.first)
        }
        defer { state.withLock { $0.running -= 1 } }
        var key = try SigningKey.generate(algorithm)
        // The keyring would ask for another, and the count be off by one.
        while key.kid?.hasPrefix("-") == true { key = try SigningKey.generate(algorithm) }
        try first(key, number)
        return key
    }
}
