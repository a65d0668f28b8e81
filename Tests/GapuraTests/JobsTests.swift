import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
import Hummingbird
import Logging
import Metrics
import PostgresTesting
import ServiceLifecycle
import Testing

@testable import Gapura

@Suite("Jobs")
struct JobsTests {
    static let issuer = "https://masuk.contoh.test"

    // MARK: Logout tokens

    @Test("behaviour 69: a logout token has exactly what the specification asks for, and is signed like an ID token")
    func token() throws {
        let key = try SigningKey.generate(.es256)
        let now = Timestamp(seconds: 1_800_000_000)
        let delivery = World.delivery(uri: "https://a.test/keluar", at: now)
        let jws = try JWS(
            LogoutToken.make(for: delivery, sub: delivery.accountSub, issuer: Self.issuer, key: key, now: now))
        #expect(jws.header["typ"] == "logout+jwt")
        #expect(jws.header["alg"] == "ES256")
        #expect(jws.kid == key.kid)
        let claims = try Claims(json: jws.verify(with: key.verificationKey))
        #expect(claims.object.keys.sorted() == ["aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"])
        #expect(claims["iss"] == .string(Self.issuer))
        #expect(claims["aud"] == "e-absensi")
        #expect(claims.iat == now)
        #expect(claims.exp == now.adding(seconds: 120))
        #expect(claims["sub"] == .string(delivery.accountSub))
        #expect(claims["sid"] == .string(delivery.sid))
        #expect(claims["events"] == ["http://schemas.openid.net/event/backchannel-logout": [:]])
        #expect((claims.jti ?? "").utf8.count >= 22)
        let again = try JWS(
            LogoutToken.make(for: delivery, sub: delivery.accountSub, issuer: Self.issuer, key: key, now: now))
        #expect(try Claims(json: again.unverifiedPayload()).jti != claims.jti)
    }

    @Test("an HS client's logout token is signed with its own secret")
    func symmetricToken() throws {
        let key = try SigningKey(secret: [UInt8](repeating: 7, count: 32), algorithm: .hs256)
        let now = Timestamp(seconds: 1_800_000_000)
        let jws = try JWS(
            LogoutToken.make(
                for: World.delivery(uri: "https://a.test/", at: now), sub: "sub", issuer: Self.issuer, key: key,
                now: now))
        #expect(jws.kid == nil)
        #expect(throws: Never.self) { try jws.verify(with: key.verificationKey) }
    }

    // MARK: Delivery

    @Test("a ring delivers at once: a form with the logout token and nothing else, and the ledger says answered")
    func delivered() async throws {
        let world = try await World()
        let bodies = Seen<[(name: String, value: String)]>()
        try await world.run { request in
            #expect(request.method == .post)
            #expect(request.headers[.contentType] == "application/x-www-form-urlencoded")
            let body = try await request.body.collect(upTo: 8192)
            bodies.append(try FormURLEncoded.parse(Array(body.readableBytesView)))
            return .plain(.noContent)
        } _: { uri in
            try await world.insert(World.delivery(uri: uri, at: world.clock.now))
            world.doorbell.ring()
            let line = try await world.line { $0.state == .answered }
            #expect(line.status == 204)
            #expect(line.tries == 1)
            #expect(line.answeredAt == world.clock.now)
            #expect(line.nextTryAt == nil)
            #expect(line.problem == nil)
        }
        let body = try #require(bodies.all.first)
        #expect(bodies.all.count == 1)
        #expect(body.map(\.name) == ["logout_token"])
        let jws = try JWS(try #require(body.first).value)
        #expect(throws: Never.self) { try jws.verify(with: world.key.verificationKey) }
    }

    @Test(
        "attack 263: an application that answers 500 is asked again after 2 s, 10 s, 1 min, 10 min, 1 h, 6 h, and then given up"
    )
    func retries() async throws {
        let world = try await World()
        let asked = Seen<Timestamp>()
        try await world.run { request in
            guard request.uri.path == "/" else { return .plain(.ok) }
            // A status of its own for each try: a line that is claimed and one that is judged differ in it.
            let count = asked.append(world.clock.now)
            return .plain(HTTPResponse.Status(code: 499 + count))
        } _: { uri in
            try await world.insert(World.delivery(uri: uri, at: world.clock.now))
            world.doorbell.ring()
            for (index, pause) in ([2, 10, 60, 600, 3600, 21_600] as [Int64]).enumerated() {
                let due = world.clock.now.adding(seconds: pause)
                let line = try await world.line { $0.status == Int64(500 + index) }
                #expect(line.state == .waiting)
                #expect(line.tries == Int64(index + 1))
                #expect(line.nextTryAt == due)
                #expect(line.problem == "answered \(500 + index)")
                world.clock.advance(seconds: pause - 1)
                try await world.look(uri)
                let early = try await world.line { $0.uri == uri }
                #expect(early.tries == Int64(index + 1))
                world.clock.advance(seconds: 1)
                world.doorbell.ring()
            }
            let line = try await world.line { $0.state == .failed }
            #expect(line.tries == 7)
            #expect(line.problem == "given up: answered 506")
            #expect(line.nextTryAt == nil)
        }
        #expect(asked.all.count == 7)
    }

    @Test("an application that recovers is told, once")
    func recovers() async throws {
        let world = try await World()
        let asked = Seen<String>()
        try await world.run { _ in
            .plain(asked.append("x") == 1 ? .serviceUnavailable : .ok)
        } _: { uri in
            try await world.insert(World.delivery(uri: uri, at: world.clock.now))
            world.doorbell.ring()
            _ = try await world.line { $0.problem == "answered 503" }
            world.clock.advance(seconds: 2)
            world.doorbell.ring()
            let line = try await world.line { $0.state == .answered }
            #expect(line.tries == 2)
            #expect(line.status == 200)
        }
        #expect(asked.all.count == 2)
    }

    @Test("400 is the application's last word; a redirect is none, and is not followed")
    func refusals() async throws {
        let world = try await World()
        let paths = Seen<String>()
        try await world.run { request in
            paths.append(request.uri.path)
            return request.uri.path == "/400" ? .plain(.badRequest) : .plain(.found, headers: [.location: "/lain"])
        } _: { uri in
            try await world.insert(World.delivery(uri: uri + "400", at: world.clock.now))
            try await world.insert(World.delivery(uri: uri + "302", at: world.clock.now))
            world.doorbell.ring()
            let refused = try await world.line { $0.state == .failed }
            #expect(refused.status == 400)
            #expect(refused.tries == 1)
            let moved = try await world.line { $0.uri.hasSuffix("302") && $0.problem != nil }
            #expect(moved.state == .waiting)
            #expect(moved.problem == "answered 302")
        }
        #expect(paths.all.sorted() == ["/302", "/400"])
    }

    @Test("an address that may not be called, and a client that is gone, are told apart in the ledger")
    func undeliverable() async throws {
        let world = try await World()
        try await world.run { _ in
            .plain(.ok)
        } _: { uri in
            try await world.insert(World.delivery(uri: "http://10.255.0.1:1/", at: world.clock.now))
            try await world.insert(World.delivery(uri: uri, client: "sudah-hilang", at: world.clock.now))
            world.doorbell.ring()
            let refused = try await world.line { $0.problem == "refused_address" }
            #expect(refused.state == .waiting)
            let gone = try await world.line { $0.state == .failed }
            #expect(gone.clientID == ClientID("sudah-hilang"))
            #expect(gone.problem == "client gone")
            #expect(gone.status == nil)
        }
    }

    @Test(
        "attack 263: one notice that hangs does not keep the others waiting, and 40 to one application go out a few at a time"
    )
    func parallel() async throws {
        let world = try await World()
        let state = Seen<Int>()
        try await world.run { request in
            if request.uri.path == "/macet" { try await Task.sleep(for: .seconds(30)) }
            state.append(1)
            try await Task.sleep(for: .milliseconds(20))
            state.append(-1)
            return .plain(.ok)
        } _: { uri in
            try await world.insert(World.delivery(uri: uri + "macet", at: world.clock.now.adding(seconds: -1)))
            for _ in 0..<40 { try await world.insert(World.delivery(uri: uri, at: world.clock.now)) }
            world.doorbell.ring()
            let others = Seen<LogoutDelivery>()
            try await world.lines { lines in
                guard lines.filter({ $0.state == .answered }).count == 40 else { return false }
                if let hanging = lines.first(where: { $0.uri.hasSuffix("macet") }) { others.append(hanging) }
                return true
            }
            // By then the one that hangs was not even given up.
            #expect(others.all.first?.problem == nil)
            let hanging = try await world.line { $0.uri.hasSuffix("macet") && $0.problem != nil }
            #expect(hanging.problem == "timeout")
            #expect(hanging.state == .waiting)
        }
        var (now, most) = (0, 0)
        for step in state.all {
            now += step
            most = max(most, now)
        }
        #expect(most < 2 * LogoutDeliveryJob.share)
        #expect(most > 1)
    }

    @Test("attack 263: an application that hangs with many lines, all due before, leaves room for the others")
    func share() async throws {
        let world = try await World()
        let (hanging, hear) = (Seen<Int>(), LogoutDoorbell())
        try await world.run { request in
            guard request.uri.path == "/macet" else { return .plain(.ok) }
            if hanging.append(1) >= LogoutDeliveryJob.share { hear.ring() }
            try await Task.sleep(for: .seconds(30))
            return .plain(.ok)
        } _: { uri in
            for number in 1...50 {
                try await world.insert(
                    World.delivery(
                        uri: uri + "macet", client: "e-surat", at: world.clock.now.adding(seconds: Int64(-number))))
            }
            world.doorbell.ring()
            await hear.wait(atMost: .seconds(15))
            try await world.insert(World.delivery(uri: uri, at: world.clock.now))
            world.doorbell.ring()
            let told = try await world.line { $0.clientID == ClientID("e-absensi") && $0.state == .answered }
            #expect(told.tries == 1)
            // None of those that hang has given way for it.
            let tried = try await world.store.read { try $0.logout.list(limit: 100) }.filter { $0.tries > 0 }
            #expect(tried.allSatisfy { $0.problem == nil })
            #expect((LogoutDeliveryJob.share..<2 * LogoutDeliveryJob.share).contains(tried.count - 1))
            // When they do, the next ones have their turn.
            try await world.lines { $0.filter { $0.tries > 0 }.count > 2 * LogoutDeliveryJob.share }
        }
    }

    @Test("two nodes at one ledger share the work, and tell each application once", arguments: bothEngines)
    func twoNodes(engine: Engine) async throws {
        let world = try await World(on: engine)
        let (asked, begun, bell) = (Seen<String>(), Seen<Int>(), LogoutDoorbell())
        // Nothing is sent before both have claimed some.
        let both = Task { await bell.wait(atMost: .seconds(60)) }
        let nodes = (0..<2).map { node in
            world.node {
                begun.append(node)
                if Set(begun.all).count == 2 { bell.ring() }
                await both.value
            }
        }
        try await withTestServer { request in
            asked.append(request.uri.path)
            return .plain(.ok)
        } _: { port in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for node in nodes { group.addTask { try await node.job.run() } }
                defer { group.cancelAll() }
                try await world.store.write { tx in
                    for number in 0..<60 {
                        let uri = "http://127.0.0.1:\(port)/\(number)"
                        try tx.logout.insert(World.delivery(uri: uri, at: world.clock.now))
                    }
                }
                for node in nodes { node.doorbell.ring() }
                try await world.lines { $0.count == 60 && $0.allSatisfy { $0.state == .answered } }
            }
        }
        #expect(Set(begun.all) == [0, 1])
        #expect(begun.all.count == 60)
        #expect(asked.all.sorted() == (0..<60).map { "/\($0)" }.sorted())
        await world.outgoing.shutdown()
        await world.store.close()
    }

    @Test("a line that a dead node claimed is sent once its lease is over")
    func lease() async throws {
        let world = try await World()
        try await world.run { _ in
            .plain(.ok)
        } _: { uri in
            let now = world.clock.now
            try await world.insert(World.delivery(uri: uri, at: now))
            let claimed = try await world.store.write {
                try $0.logout.claimDue(at: now, lease: now.adding(seconds: 60), limit: 16)
            }
            #expect(claimed.count == 1)
            try await world.look(uri)
            let claimedLine = try await world.line { $0.uri == uri }
            #expect(claimedLine.state == .waiting)
            #expect(claimedLine.tries == 1)
            world.clock.advance(seconds: 60)
            world.doorbell.ring()
            let line = try await world.line { $0.uri == uri && $0.state == .answered }
            #expect(line.tries == 2)
        }
    }

    @Test("R57: at shutdown the job finishes what is under way and stops", .timeLimit(.minutes(1)))
    func shutdown() async throws {
        let world = try await World()
        let (begun, answer) = (LogoutDoorbell(), LogoutDoorbell())
        try await withTestServer { _ in
            begun.ring()
            await answer.wait(atMost: .seconds(60))
            return .plain(.ok)
        } _: { port in
            let group = ServiceGroup(services: [world.job], logger: .silent)
            try await world.insert(World.delivery(uri: "http://127.0.0.1:\(port)/", at: world.clock.now))
            async let running: Void = group.run()
            await begun.wait(atMost: .seconds(60))
            await group.triggerGracefulShutdown()
            answer.ring()
            try await running
            #expect(try await world.store.read { try $0.logout.list(limit: 1) }.first?.state == .answered)
        }
    }

    @Test(
        "a bell that rang before anybody waited is heard, once, and a cancelled wait leaves it usable",
        .timeLimit(.minutes(1)))
    func bell() async throws {
        // A wait that nobody ends outlasts the time limit of this test.
        let (bell, long) = (LogoutDoorbell(), Duration.seconds(600))
        bell.ring()
        bell.ring()
        await bell.wait(atMost: long)
        // Heard once: the next wait ends by being cancelled, however long it had before.
        for pauses in 0..<50 {
            let waiting = Task {
                await bell.wait(atMost: long)
                return Task.isCancelled
            }
            for _ in 0..<pauses { await Task.yield() }
            waiting.cancel()
            #expect(await waiting.value)
        }
        // Before the wait or during it, whichever comes first.
        for pauses in 0..<50 {
            let later = Task { await bell.wait(atMost: long) }
            for _ in 0..<pauses { await Task.yield() }
            bell.ring()
            await later.value
        }
        await bell.wait(atMost: .milliseconds(1))
    }

    // MARK: Upkeep and rotation

    @Test("upkeep removes what has run out and stops at shutdown")
    func upkeep() async throws {
        let world = try await World()
        var old = World.delivery(uri: "https://a.test/", at: world.clock.now.adding(seconds: -91 * 86_400))
        old.state = .answered
        var young = World.delivery(uri: "https://a.test/", at: world.clock.now.adding(seconds: -89 * 86_400))
        young.state = .answered
        try await world.insert(old)
        try await world.insert(young)
        let kept = young.id
        let group = ServiceGroup(services: [world.upkeep], logger: .silent)
        async let running: Void = group.run()
        try await world.lines { $0.map(\.id) == [kept] }
        await group.triggerGracefulShutdown()
        try await running
    }

    @Test("upkeep removes many rows a portion at a time, and others write in between", arguments: bothEngines)
    func portions(engine: Engine) async throws {
        let world = try await World(on: engine)
        try await world.insertExpired(5000)
        let left = Seen<Int64>()
        await world.upkeep.tidy {
            let count = try? await world.store.write { tx in
                try tx.upkeep.setMeta("uji", "\(left.all.count)")
                return try tx.first("SELECT COUNT(*) FROM seen_tokens")?.integer(0)
            }
            left.append(count.flatMap(\.self) ?? -1)
        }
        #expect(left.all == [3001, 1001, 1])
        #expect(try await world.store.read { try $0.upkeep.meta("uji") } == "2")
        await world.store.close()
    }

    @Test(
        "upkeep that is cancelled or shut down ends after the portion under way, and goes on the next time",
        arguments: bothEngines)
    func interrupted(engine: Engine) async throws {
        let world = try await World(on: engine)
        try await world.insertExpired(7000)
        func left() async throws -> Int64? {
            try await world.store.read { try $0.first("SELECT COUNT(*) FROM seen_tokens")?.integer(0) }
        }
        await Task { await world.upkeep.tidy { withUnsafeCurrentTask { $0?.cancel() } } }.value
        #expect(try await left() == 5001)
        let begun = LogoutDoorbell()
        let service = Acting {
            await world.upkeep.tidy {
                begun.ring()
                // Fails where there is none, and then all goes at once.
                try? await gracefulShutdown()
            }
        }
        let group = ServiceGroup(services: [service], logger: .silent)
        async let running: Void = group.run()
        await begun.wait(atMost: .seconds(60))
        await group.triggerGracefulShutdown()
        try? await running
        #expect(try await left() == 3001)
        await world.upkeep.tidy()
        #expect(try await left() == 1)
        await world.store.close()
    }

    @Test("a retirement acts by itself on its day, once, whichever of two nodes looks first")
    func retirement() async throws {
        let world = try await World()
        let now = world.clock.now
        let (person, load) = (PersonID.make(now: now), LoadID.make(now: now))
        let account = Account(
            id: .make(now: now), personID: person, sub: UUIDText.version4(), state: .aktif, stateBy: .personnel,
            createdAt: now, updatedAt: now)
        try await world.store.write { tx in
            try tx.people.insert(
                Person(id: person, pnsID: "P", name: "Satu", employeeKind: .pns, createdAt: now, updatedAt: now))
            try tx.accounts.insert(account)
            try tx.loads.insert(
                Load(
                    id: load, fileName: "a", fileDigest: "d", unitsDigest: nil, appliedAt: now, actor: "x", counts: "{}"
                ))
            try tx.schedule.put([
                ScheduledChange(
                    id: .make(now: now), personID: person, kind: .retired, loadID: load,
                    validFrom: now.adding(seconds: 3600), dueAt: now.adding(seconds: 3600))
            ])
        }
        let jobs = (0..<2).map { _ in
            PersonnelScheduleJob(
                store: world.store, binDays: 90, doorbell: world.doorbell, clock: world.clock.wall, logger: .silent)
        }
        await jobs[0].look()
        #expect(try await world.store.read { try $0.accounts.find(account.id)?.state } == .aktif)
        world.clock.advance(seconds: 3600)
        await withTaskGroup { group in
            for job in jobs { group.addTask { await job.look() } }
        }
        #expect(try await world.store.read { try $0.accounts.find(account.id)?.state } == .nonaktif)
        let events = try await world.store.read { try $0.audit.list(before: .max, event: nil, subject: nil, limit: 9) }
        #expect(events.map(\.event).sorted() == ["account.state_changed", "personnel.acted"])
    }

    @Test("keys rotate by themselves when they have signed long enough, each rotation with its audit row")
    func rotation() async throws {
        let world = try await World()
        let folder = try TestFolder()
        let keyring = try await SigningKeyring.open(folder: folder.path, clock: world.clock.wall, logger: .silent)
        func job(_ days: Int) -> KeyRotationJob {
            KeyRotationJob(keyring: keyring, store: world.store, days: days, clock: world.clock.wall, logger: .silent)
        }
        let first = keyring.list()
        world.clock.advance(seconds: 90 * 86_400 - 1)
        await job(90).look()
        #expect(keyring.list() == first)
        world.clock.advance(seconds: 1)
        await job(0).look()
        #expect(keyring.list() == first)
        await job(90).look()
        #expect(
            keyring.list().filter { $0.state == .active }.map(\.kid) == first.filter { $0.state == .next }.map(\.kid))
        #expect(keyring.list().filter { $0.state == .retired }.count == 3)
        let events = try await world.store.read { try $0.audit.list(before: .max, event: nil, subject: nil, limit: 10) }
        #expect(events.map(\.event) == ["keys.rotated", "keys.rotated", "keys.rotated"])
        await job(90).look()
        world.clock.advance(seconds: 86_400)
        await job(90).look()
        #expect(keyring.list().count == 6)
    }
}

/// A service that does one thing.
private struct Acting: Service {
    let act: @Sendable () async -> Void

    init(_ act: @escaping @Sendable () async -> Void) {
        self.act = act
    }

    func run() async throws {
        await act()
    }
}

/// What the delivery job needs, with a clock to turn.
private final class World: Sendable {
    let store: Store
    let outgoing: OutgoingHTTP
    let key: SigningKey
    let doorbell = LogoutDoorbell()
    let clock = TestClock(Timestamp(seconds: 1_800_000_000))
    let job: LogoutDeliveryJob

    init(on engine: Engine = .sqlite) async throws {
        key = try SigningKey.generate(.edDSA)
        store = try await Store.open(
            engine == .sqlite ? .sqliteMemory : .postgres(url: try PostgresCluster.shared().makeDatabase()))
        outgoing = try OutgoingHTTP(networks: ["127.0.0.0/8"])
        job = Self.job(store, outgoing, key, doorbell, clock)
    }

    /// The job of another node, with its own bell, that does something before it signs.
    func node(_ before: @escaping @Sendable () async -> Void) -> (job: LogoutDeliveryJob, doorbell: LogoutDoorbell) {
        let bell = LogoutDoorbell()
        return (Self.job(store, outgoing, key, bell, clock, before), bell)
    }

    private static func job(
        _ store: Store, _ outgoing: OutgoingHTTP, _ key: SigningKey, _ doorbell: LogoutDoorbell, _ clock: TestClock,
        _ before: @escaping @Sendable () async -> Void = {}
    ) -> LogoutDeliveryJob {
        LogoutDeliveryJob(
            store: store, outgoing: outgoing,
            signer: { delivery in
                await before()
                guard ["e-absensi", "e-surat"].contains(delivery.clientID.text) else {
                    throw UndeliverableLogout("client gone")
                }
                return try LogoutToken.make(
                    for: delivery, sub: delivery.accountSub, issuer: JobsTests.issuer, key: key, now: clock.now)
            },
            doorbell: doorbell, clock: clock.wall, logger: .silent, metrics: PrometheusMetrics()
        )
    }

    var upkeep: UpkeepJob { UpkeepJob(store: store, historyDays: 90, clock: clock.wall, logger: .silent) }

    /// Rows that upkeep removes, and one that it does not.
    func insertExpired(_ count: Int) async throws {
        let now = clock.now
        try await store.write { tx in
            for number in 0..<count {
                _ = try tx.tokens.see(digest: "lama-\(number)", until: now.adding(seconds: -1))
            }
            _ = try tx.tokens.see(digest: "baru", until: now.adding(seconds: 60))
        }
    }

    static func delivery(uri: String, client: String = "e-absensi", at moment: Timestamp) -> LogoutDelivery {
        LogoutDelivery(
            id: .make(now: moment), sessionID: .make(now: moment), accountSub: UUIDText.version4(),
            clientID: ClientID(client),
            sid: SecureRandom.text(16), uri: uri, createdAt: moment, nextTryAt: moment
        )
    }

    func insert(_ delivery: LogoutDelivery) async throws {
        try await store.write { try $0.logout.insert(delivery) }
    }

    /// Runs the job beside an application that answers so.
    func run(
        _ answer: @escaping @Sendable (Request) async throws -> Response,
        _ body: @escaping @Sendable (_ uri: String) async throws -> Void
    ) async throws {
        try await withTestServer(answer: answer) { port in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.job.run() }
                defer { group.cancelAll() }
                try await body("http://127.0.0.1:\(port)/")
            }
        }
        await outgoing.shutdown()
        await store.close()
    }

    /// Returns once the job has looked at all that is due by now: a line of this test's own was among it.
    func look(_ uri: String) async throws {
        let marker = Self.delivery(uri: uri + "penanda", at: clock.now)
        let id = marker.id
        try await insert(marker)
        doorbell.ring()
        _ = try await line { $0.id == id && $0.state == .answered }
    }

    /// Waits for a line of the ledger.
    func line(_ isWanted: @escaping @Sendable (LogoutDelivery) -> Bool) async throws -> LogoutDelivery {
        let found = Seen<LogoutDelivery>()
        try await lines { lines in
            guard let line = lines.first(where: isWanted) else { return false }
            found.append(line)
            return true
        }
        return try #require(found.all.first)
    }

    func lines(_ isDone: @escaping @Sendable ([LogoutDelivery]) -> Bool) async throws {
        let end = ContinuousClock.now.advanced(by: .seconds(15))
        while true {
            let lines = try await store.read { try $0.logout.list(limit: 100) }
            if isDone(lines) { return }
            try #require(
                ContinuousClock.now < end,
                "the ledger did not get there: \(lines.map { "\($0.state) \($0.tries) \($0.problem ?? "-")" })")
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
