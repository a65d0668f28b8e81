import Foundation
import GapuraFormats
import GapuraTokens
import Logging
import Synchronization
import Testing

@testable import Gapura

@Suite("Keys")
struct KeysTests {
    let folder: TestFolder
    let clock = TestClock(Timestamp(seconds: 1_800_000_000))
    var path: String { folder.path + "/keys" }

    init() throws {
        folder = try TestFolder()
    }

    private func open(_ retention: KeyRetention = KeyRetention()) throws -> SigningKeyring {
        try SigningKeyring.open(folder: path, clock: clock.wall, logger: .silent, retention: retention)
    }

    private func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: name.isEmpty ? path : path + "/" + name)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    private func setMode(_ mode: Int, _ name: String) throws {
        try FileManager.default.setAttributes(
            [.posixPermissions: mode], ofItemAtPath: name.isEmpty ? path : path + "/" + name)
    }

    private func pemFiles() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".pem") }.sorted()
    }

    private static func key(of jws: JWS, in keyring: SigningKeyring) throws -> VerificationKey {
        let kid = try #require(jws.kid)
        return try #require(keyring.verificationKey(kid: kid))
    }

    private func write(_ bytes: some Sequence<UInt8>, to file: String, mode: Int = 0o600) throws {
        try #require(
            FileManager.default.createFile(atPath: file, contents: Data(bytes), attributes: [.posixPermissions: mode]))
    }

    // MARK: Folder

    @Test(
        "the first start makes RS256, ES256 and EdDSA, each with the next key published beside it, for the owner's eyes only"
    )
    func firstStart() throws {
        let keyring = try open()
        #expect(keyring.algorithms == [.rs256, .es256, .edDSA])
        let keys = keyring.list()
        #expect(keys.map(\.state) == [.active, .active, .active, .next, .next, .next])
        #expect(Set(keys.map(\.kid)).count == 6)
        #expect(try mode("") == 0o700)
        #expect(try pemFiles() == keys.map { "\($0.algorithm.rawValue)-\($0.kid).pem" }.sorted())
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            #expect(try mode(name) == 0o600, "\(name)")
        }
        // The set is the public half of all six, and no more.
        let set = try JSONWebKeySet(json: keyring.published.bytes)
        #expect(set.keys.map(\.kid) == keys.map(\.kid))
        let text = String(decoding: keyring.published.bytes, as: UTF8.self)
        for member in ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"k\""] { #expect(!text.contains(member)) }
    }

    @Test("keys are loaded as they were left")
    func reopened() throws {
        let first = try open()
        let second = try open()
        #expect(first.list() == second.list())
        #expect(first.published.bytes == second.published.bytes)
        #expect(first.published.etag == second.published.etag)
        let token = try JWS.sign([1, 2, 3], with: first.signingKey(for: .edDSA))
        let jws = try JWS(token)
        let key = try Self.key(of: jws, in: second)
        #expect(try jws.verify(with: key) == [1, 2, 3])
    }

    @Test(
        "attack 308, R19: a key file, the list or the folder that others can read stops the start, with one line that names it and the mode"
    )
    func modes() throws {
        let keyring = try open()
        _ = try SecretKeys.open(folder: path)
        let pem = try #require(keyring.list().first?.fileName)
        for (name, bad, good) in [
            (pem, 0o640, 0o600), (pem, 0o604, 0o600), ("keyring.json", 0o644, 0o600), ("secrets.key", 0o660, 0o600),
            ("", 0o750, 0o700), ("", 0o711, 0o700),
        ] {
            try setMode(bad, name)
            let error = #expect(throws: KeyringError.self) { try open() }
            #expect(error?.kind == .permissions)
            #expect(error?.message.contains(name.isEmpty ? path : name) == true)
            #expect(error?.message.contains("0\(String(good, radix: 8))") == true)
            #expect(error?.message.contains("\n") == false)
            try setMode(good, name)
        }
        _ = try open()
    }

    @Test("R19: a file of another owner is refused")
    func owner() throws {
        let keyring = try open()
        let name = try #require(keyring.list().first?.fileName)
        let chown = Process()
        chown.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        chown.arguments = (geteuid() == 0 ? [] : ["sudo", "-n"]) + ["chown", "12345", path + "/" + name]
        try chown.run()
        chown.waitUntilExit()
        try #require(
            chown.terminationStatus == 0, "only root gives files away: run the tests as root, or let sudo ask nothing")
        let error = #expect(throws: KeyringError.self) { try open() }
        #expect(error?.kind == .permissions)
        #expect(error?.message.contains(name) == true)
    }

    @Test("a folder of a fresh checkout, without keys and open to all, is closed")
    func checkout() throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
        try Data("# keys".utf8).write(to: URL(fileURLWithPath: path + "/README.md"))
        _ = try open()
        #expect(try mode("") == 0o700)
        // The file for people may stay as it is.
        _ = try open()
    }

    @Test("a key file that the list names and that is gone, or is another key, stops the start and is not replaced")
    func missing() throws {
        let keyring = try open()
        let names = keyring.list().map(\.fileName)
        let gone = path + "/" + names[0]
        try FileManager.default.moveItem(atPath: gone, toPath: folder.path + "/away.pem")
        let error = #expect(throws: KeyringError.self) { try open() }
        #expect(error?.kind == .missing)
        #expect(error?.message.contains("restore") == true)
        #expect(!FileManager.default.fileExists(atPath: gone))
        // RS256's next key under the name of its active one.
        try FileManager.default.copyItem(atPath: path + "/" + names[3], toPath: gone)
        #expect(throws: KeyringError.self) { try open() }
        try FileManager.default.removeItem(atPath: gone)
        try FileManager.default.moveItem(atPath: folder.path + "/away.pem", toPath: gone)
        #expect(try open().list().count == 6)
    }

    @Test("keys without their list, and a list that is cut, stop the start")
    func list() throws {
        _ = try open()
        let list = path + "/keyring.json"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: list))
        try FileManager.default.removeItem(atPath: list)
        #expect { try open() } throws: { ($0 as? KeyringError)?.kind == .missing }
        for count in [0, 1, bytes.count / 2, bytes.count - 3] {
            try write(bytes.prefix(count), to: list)
            #expect { try open() } throws: { ($0 as? KeyringError)?.kind == .damaged }
        }
    }

    @Test("a symbolic link is not a key file")
    func link() throws {
        let keyring = try open()
        let name = path + "/" + (try #require(keyring.list().first?.fileName))
        try FileManager.default.moveItem(atPath: name, toPath: folder.path + "/key.pem")
        try FileManager.default.createSymbolicLink(atPath: name, withDestinationPath: folder.path + "/key.pem")
        #expect(throws: KeyringError.self) { try open() }
    }

    @Test("attack 338: what a crash left half written is removed by the next change, and was never a key")
    func halfWritten() throws {
        let keyring = try open()
        let half = path + "/.RS256-x.pem.abc.tmp"
        try write("half".utf8, to: half)
        _ = try open()
        clock.advance(seconds: 600)
        try keyring.rotate(.es256, now: clock.now)
        #expect(!FileManager.default.fileExists(atPath: half))
    }

    // MARK: Life

    @Test(
        "behaviour 58: a rotation signs with the key that was published before, adds a new one, and the old one keeps verifying"
    )
    func rotation() throws {
        let keyring = try open()
        let before = keyring.list().filter { $0.algorithm == .es256 }
        let token = try JWS.sign([7], with: keyring.signingKey(for: .es256))
        let (_, etag) = keyring.published

        clock.advance(seconds: 3600)
        let after = try keyring.rotate(.es256, now: clock.now)
        #expect(after.map(\.state) == [.active, .next, .retired])
        #expect(after[0].kid == before[1].kid)
        #expect(after[2].kid == before[0].kid)
        #expect(!before.map(\.kid).contains(after[1].kid))
        #expect(after[0].activeSince == clock.now)
        #expect(after[2].publishedUntil == clock.now.adding(seconds: 86_400))
        #expect(try keyring.signingKey(for: .es256).kid == after[0].kid)
        #expect(keyring.published.etag != etag)

        let set = try JSONWebKeySet(json: keyring.published.bytes)
        let jws = try JWS(token)
        let published = try #require(set.key(jws.kid))
        #expect(try jws.verify(with: published) == [7])
        #expect(try jws.verify(with: try Self.key(of: jws, in: try open())) == [7])

        // Other algorithms were left alone.
        #expect(keyring.list().count == 7)
        clock.advance(seconds: 86_399)
        try keyring.prune(now: clock.now)
        #expect(keyring.verificationKey(kid: before[0].kid) != nil)
        clock.advance(seconds: 1)
        try keyring.prune(now: clock.now)
        #expect(keyring.verificationKey(kid: before[0].kid) == nil)
        #expect(try pemFiles().count == 6)
    }

    @Test("an algorithm gets its key when a client asks for it, once, and a symmetric one never does")
    func ensure() throws {
        let keyring = try open()
        #expect(throws: KeyringError.self) { try keyring.signingKey(for: .ps256) }
        try keyring.ensure(.ps256)
        let key = try keyring.signingKey(for: .ps256)
        try keyring.ensure(.ps256)
        #expect(try keyring.signingKey(for: .ps256).kid == key.kid)
        #expect(keyring.algorithms == [.rs256, .ps256, .es256, .edDSA])
        #expect(keyring.list().count == 8)
        #expect(throws: KeyringError.self) { try keyring.ensure(.hs256) }
        #expect(try open().algorithms == keyring.algorithms)
    }

    @Test("R59: a revoked key is gone from the set at once, and signing goes on with the next one")
    func revoke() throws {
        let keyring = try open()
        let old = try #require(try keyring.signingKey(for: .rs256).kid)
        let keys = try keyring.revoke(kid: old, now: clock.now)
        #expect(keys.map(\.state) == [.active, .next])
        #expect(keyring.verificationKey(kid: old) == nil)
        #expect(try JSONWebKeySet(json: keyring.published.bytes).key(old) == nil)
        #expect(!FileManager.default.fileExists(atPath: path + "/RS256-\(old).pem"))
        #expect(throws: KeyringError.self) { try keyring.revoke(kid: old, now: clock.now) }
    }

    @Test("a keyring sees what another process did, and a change starts from there")
    func twoProcesses() throws {
        let (server, command) = (try open(), try open())
        clock.advance(seconds: 600)
        try command.rotate(.edDSA, now: clock.now)
        #expect(server.list() != command.list())
        try server.refresh()
        #expect(server.list() == command.list())
        clock.advance(seconds: 600)
        try command.rotate(.edDSA, now: clock.now)
        try server.rotate(.es256, now: clock.now)
        #expect(server.list().filter { $0.state == .retired }.count == 3)
        try command.refresh()
        #expect(server.list() == command.list())
    }

    @Test(
        "R58: fast rotations keep the set below what verifiers accept, and drop no key whose tokens live"
    )
    func fastRotation() throws {
        let keyring = try open(KeyRetention(seconds: 86_400, minimum: 100, notice: 0, maximumKeys: 20))
        var signed: [(at: Timestamp, token: String)] = []
        for _ in 0..<30 {
            signed.append((clock.now, try JWS.sign([1], with: keyring.signingKey(for: .edDSA))))
            clock.advance(seconds: 10)
            try keyring.rotate(.edDSA, now: clock.now)
            #expect(keyring.list().count <= 20)
        }
        for (at, token) in signed where at.adding(seconds: 90) > clock.now {
            let jws = try JWS(token)
            #expect(throws: Never.self) { try jws.verify(with: try Self.key(of: jws, in: keyring)) }
        }
        // Faster still is refused, and nothing is lost by it.
        let before = keyring.list()
        #expect {
            for _ in 0..<20 { try keyring.rotate(.edDSA, now: clock.now) }
        } throws: {
            ($0 as? KeyringError)?.kind == .crowded
        }
        #expect(keyring.list().count <= 20)
        #expect(keyring.list().count >= before.count)
    }

    @Test("readers never see a moment without a key while keys rotate")
    func concurrentReaders() async throws {
        let keyring = try open(KeyRetention(notice: 0))
        let end = Flag()
        let checked = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var count = 0
                    while !end.isRaised {
                        let token = try JWS.sign(
                            [UInt8](repeating: 9, count: 40), with: keyring.signingKey(for: .edDSA))
                        let jws = try JWS(token)
                        let key = try Self.key(of: jws, in: keyring)
                        _ = try jws.verify(with: key)
                        count += 1
                        await Task.yield()
                    }
                    return count
                }
            }
            for _ in 0..<15 {
                try await keyring.rotate(.edDSA, now: clock.now)
                try await Task.sleep(for: .milliseconds(5))
            }
            end.raise()
            return try await group.reduce(0, +)
        }
        #expect(checked > 0)
    }

    @Test("what a command prints of a key holds no private part")
    func json() throws {
        let keyring = try open()
        let text = JSONValue.array(keyring.list().map(\.jsonValue)).encodedText()
        #expect(text.contains("\"state\":\"next\""))
        #expect(!text.contains("PRIVATE"))
        let info = try #require(keyring.list().first)
        #expect(KeyInfo(info.jsonValue) == info)
    }

    // MARK: Secrets

    @Test("attack 308: each purpose has a secret of its own, the same after a restart")
    func purposes() throws {
        let first = try SecretKeys.open(folder: path)
        _ = try open()
        let second = try SecretKeys.open(folder: path)
        #expect(Set([first.csrf, first.refresh, first.activation]).count == 3)
        #expect([first.csrf, first.refresh, first.activation].allSatisfy { $0.count == 32 })
        #expect(first.csrf == second.csrf)
        #expect(first.refresh == second.refresh)
        #expect(first.activation == second.activation)
        #expect("\(first)" == "•••")
        var dumped = ""
        dump(first, to: &dumped)
        #expect(!dumped.contains(String(first.csrf[0])) || dumped.count < 40)
    }

    @Test("what is sealed for one client opens for that client, unchanged, and otherwise not at all")
    func sealing() throws {
        let keys = try SecretKeys.open(folder: path)
        let sealed = try keys.seal("rahasia-é", for: "e-absensi")
        #expect(try keys.unseal(sealed, for: "e-absensi") == "rahasia-é")
        #expect(try keys.seal("rahasia-é", for: "e-absensi") != sealed)
        #expect(throws: (any Error).self) { try keys.unseal(sealed, for: "e-kinerja") }
        #expect(throws: (any Error).self) { try keys.unseal(sealed + "A", for: "e-absensi") }
        #expect(throws: (any Error).self) { try keys.unseal(String(sealed.dropFirst(4)), for: "e-absensi") }
        #expect(throws: (any Error).self) { try keys.unseal("", for: "e-absensi") }
        let other = try SecretKeys.open(folder: folder.path + "/other")
        #expect(throws: (any Error).self) { try other.unseal(sealed, for: "e-absensi") }
    }

    @Test("a missing, short or invented master stops the start and is not replaced")
    func master() throws {
        _ = try open()
        let file = path + "/secrets.key"
        #expect(FileManager.default.fileExists(atPath: file))
        try FileManager.default.removeItem(atPath: file)
        #expect { try SecretKeys.open(folder: path) } throws: { ($0 as? KeyringError)?.kind == .missing }
        #expect(!FileManager.default.fileExists(atPath: file))
        for bytes in [[], [1, 2, 3], [UInt8](repeating: 0, count: 32), Array("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".utf8)] {
            try write(bytes, to: file)
            #expect { try SecretKeys.open(folder: path) } throws: { ($0 as? KeyringError)?.kind == .damaged }
        }
    }
}

/// A clock that a test turns.
final class TestClock: Sendable {
    private let moment: Mutex<Timestamp>

    init(_ start: Timestamp) {
        moment = Mutex(start)
    }

    var now: Timestamp { moment.withLock { $0 } }
    var wall: WallClock { WallClock { self.now } }

    func advance(seconds: Int64) {
        moment.withLock { $0 = $0.adding(seconds: seconds) }
    }
}

/// Raised once, seen by every task.
private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    var isRaised: Bool { value.load(ordering: .relaxed) }

    func raise() { value.store(true, ordering: .relaxed) }
}

extension Logger {
    static var silent: Logger {
        Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    }
}
