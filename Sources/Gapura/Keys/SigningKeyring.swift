package import GapuraFormats
package import GapuraTokens
package import Logging
import Synchronization

/// The keys that sign our tokens: files in `keys/`, loaded once.
///
/// Each algorithm has an active key and a `next` one that is published beside it, so that verifiers know a key before
/// it signs. A rotation makes `next` active, keeps the old key published until its last token is dead, and makes a new
/// `next`.
///
/// Protects the current snapshot. Readers take it under a mutex that is held for the copy of one reference; changes are
/// made on disk first, under the folder's lock, and start from what is on disk, so that a command beside a running
/// server loses nothing. Changes block: asynchronous code gets those of `SigningKeyring+Thread`.
package final class SigningKeyring: Sendable {
    /// What a first start makes. Other asymmetric algorithms follow when a client asks for them, see `ensure`.
    package static let firstAlgorithms: [SigningAlgorithm] = [.rs256, .es256, .edDSA]

    /// Makes a key; tests bring their own.
    typealias Maker = @Sendable (SigningAlgorithm) throws -> SigningKey

    private struct State {
        var snapshot: KeyringSnapshot
        var stamp: FileStamp?
    }

    /// Where changes run that asynchronous code asks for, one after the other.
    let thread = SerialThread("gapura.keys")
    private let folder: KeysFolder
    private let clock: WallClock
    private let logger: Logger
    private let retention: KeyRetention
    private let make: Maker
    private let state: Mutex<State>

    private init(
        folder: KeysFolder, clock: WallClock, logger: Logger, retention: KeyRetention, make: @escaping Maker,
        snapshot: KeyringSnapshot, stamp: FileStamp?
    ) {
        self.folder = folder
        self.clock = clock
        self.logger = logger
        self.retention = retention
        self.make = make
        state = Mutex(State(snapshot: snapshot, stamp: stamp))
    }

    /// Loads the keys, and makes them at the first start. Wrong rights, a missing file and a damaged one are errors,
    /// and never repaired by new keys.
    static func open(
        folder path: String, clock: WallClock, logger: Logger, retention: KeyRetention = KeyRetention(),
        make: @escaping Maker = { try SigningKey.generate($0) }
    ) throws -> SigningKeyring {
        let folder = try KeysFolder(path)
        let stamp = folder.stamp(KeysFolder.ring)
        let keyring = SigningKeyring(
            folder: folder, clock: clock, logger: logger, retention: retention, make: make,
            snapshot: try KeyringSnapshot(load(folder) ?? []), stamp: stamp
        )
        if stamp == nil || isIncomplete(keyring.snapshot.keys) {
            try keyring.change { keys, now in
                if keys.isEmpty {
                    try SecretKeys.makeMaster(in: folder)
                }
                let wanted = keys.isEmpty ? Self.firstAlgorithms : keys.map(\.info.algorithm)
                try keyring.complete(&keys, Set(wanted), at: now)
            }
        }
        keyring.warnAboutStrangers()
        return keyring
    }

    // MARK: Readers

    /// The key that signs now. No I/O.
    package func signingKey(for algorithm: SigningAlgorithm) throws -> SigningKey {
        guard let key = snapshot.signingKey(algorithm) else {
            throw KeyringError(.noKey, "no signing key for \(algorithm.rawValue)")
        }
        return key
    }

    /// A published key by its name; the retired ones too. No I/O.
    package func verificationKey(kid: String) -> VerificationKey? {
        snapshot.verificationKey(kid)
    }

    /// The JWK set, as it is sent.
    package var published: (bytes: [UInt8], etag: String) {
        let snapshot = snapshot
        return (snapshot.bytes, snapshot.etag)
    }

    /// Algorithms that there is an active key for.
    package var algorithms: [SigningAlgorithm] { snapshot.algorithms }

    /// All published keys: active, next, retired.
    package func list() -> [KeyInfo] {
        snapshot.keys.map(\.info)
    }

    private var snapshot: KeyringSnapshot {
        state.withLock { $0.snapshot }
    }

    // MARK: Changes. They write to disk and make keys: not for an event loop, nor for Swift's pool.

    /// Whether there is a key of that algorithm. No I/O.
    func has(_ algorithm: SigningAlgorithm) -> Bool { snapshot.signingKey(algorithm) != nil }

    /// Makes a key for an asymmetric algorithm that has none.
    func ensure(_ algorithm: SigningAlgorithm) throws {
        if has(algorithm) { return }
        try change { keys, now in
            try self.complete(&keys, [algorithm], at: now)
        }
        logger.notice("keys.made", metadata: ["algorithm": "\(algorithm.rawValue)"])
    }

    /// Makes the key that will be the next one after a rotation, unless it is there: what may fail for want of room
    /// comes before anything is said to have happened, and what an attempt leaves that ends here, the next one uses.
    /// - Throws: `KeyringError` `early` where verifiers may not know the key yet that would sign. Where there was none,
    ///   because somebody took it out of the folder, it is made all the same: else nothing could ever be rotated.
    func prepareRotation(_ algorithm: SigningAlgorithm, now: Timestamp) throws {
        let from: Timestamp? = try change(at: now) { keys, now in
            let next = keys.filter { $0.info.algorithm == algorithm && $0.info.state == .next }
            if !next.isEmpty { try self.checkNext(keys, algorithm, at: now) }
            guard keys.contains(where: { $0.info.algorithm == algorithm }) else { throw Self.missing(algorithm) }
            if next.count < 2 { keys.append(try self.makeKey(algorithm, .next, at: now)) }
            return next.isEmpty ? now.adding(seconds: self.retention.notice) : nil
        }
        if let from { throw Self.early(algorithm, from: from) }
    }

    /// Makes the next key of an algorithm the active one.
    ///
    /// - Returns: its keys as they are now.
    /// - Throws: `KeyringError` `early` where verifiers may not know the next key yet.
    @discardableResult
    func rotate(_ algorithm: SigningAlgorithm, now: Timestamp) throws -> [KeyInfo] {
        try change(at: now) { keys, now in
            try self.checkNext(keys, algorithm, at: now)
            try self.rotate(&keys, algorithm, at: now)
        }
        let infos = list().filter { $0.algorithm == algorithm }
        for info in infos where info.state == .active {
            logger.notice(
                "keys.rotated", metadata: ["algorithm": "\(info.algorithm.rawValue)", "kid": "\(info.kid)"])
        }
        return infos
    }

    /// Takes a key that somebody else may know out of the set at once: its tokens are dead from now on (an emergency;
    /// else `rotate`). Where it signed, the next key follows however long it was published.
    ///
    /// - Returns: the keys of its algorithm that remain.
    @discardableResult
    func revoke(kid: String, now: Timestamp) throws -> [KeyInfo] {
        let algorithm = try change(at: now) { keys, now in
            guard let known = keys.first(where: { $0.info.kid.isExactly(kid) })?.info else {
                throw KeyringError(.noKey, "no published key has that kid")
            }
            if known.state == .active {
                try self.rotate(&keys, known.algorithm, at: now)
            }
            keys.removeAll { $0.info.kid.isExactly(kid) }
            try self.complete(&keys, [known.algorithm], at: now)
            return known.algorithm
        }
        logger.warning("keys.revoked", metadata: ["algorithm": "\(algorithm.rawValue)", "kid": "\(kid)"])
        return list().filter { $0.algorithm == algorithm }
    }

    /// Takes retired keys whose time is over out of the set, and their files off the disk.
    func prune(now: Timestamp) throws {
        guard snapshot.keys.contains(where: { Self.isOver($0.info, at: now) }) else { return }
        try change(at: now) { _, _ in }
    }

    /// Reads the folder again if another process changed it. Costs one `lstat` if not.
    func refresh() throws {
        let stamp = folder.stamp(KeysFolder.ring)
        guard stamp != state.withLock({ $0.stamp }) else { return }
        guard let keys = try Self.load(folder) else {
            throw KeyringError(
                .missing, "\(folder.file(KeysFolder.ring)): missing; \(KeyringError.restore)")
        }
        let snapshot = try KeyringSnapshot(keys)
        state.withLock { $0 = State(snapshot: snapshot, stamp: stamp) }
    }

    /// One change: what is on disk, changed, written to disk, shown to readers.
    @discardableResult
    private func change<Result>(
        at now: Timestamp? = nil, _ body: (inout [RingKey], Timestamp) throws -> Result
    ) throws -> Result {
        let now = now ?? clock.now
        return try folder.exclusively {
            let before = try Self.load(folder) ?? []
            var keys = before
            let result = try body(&keys, now)
            keys.removeAll { Self.isOver($0.info, at: now) }
            try thin(&keys, at: now)
            let snapshot = try KeyringSnapshot(keys)
            let known = Set(before.map(\.info.fileName))
            try write(snapshot.keys, new: keys.filter { !known.contains($0.info.fileName) })
            let stamp = folder.stamp(KeysFolder.ring)
            state.withLock { $0 = State(snapshot: snapshot, stamp: stamp) }
            let kept = Set(keys.map(\.info.fileName))
            for name in known where !kept.contains(name) {
                try folder.remove(name)
            }
            return result
        }
    }

    /// The files of new keys, and then the list that names them.
    private func write(_ keys: [RingKey], new: [RingKey]) throws {
        let stamp = folder.stamp(KeysFolder.ring)
        do {
            for key in new { try folder.write(Array(try key.key.pem().utf8), to: key.info.fileName) }
            try folder.write(Self.document(keys), to: KeysFolder.ring)
        } catch {
            // Else each attempt on a full disk would leave a key that nothing names. A list that took its place names
            // them, even if the disk did not confirm it.
            if stamp == folder.stamp(KeysFolder.ring) {
                // What stays is warned about at the next start; the error that matters is the first.
                for key in new { try? folder.remove(key.info.fileName) }
            }
            throw error
        }
    }

    // MARK: Life of keys

    /// Whether the next key of an algorithm may sign: verifiers that keep the set have seen it by now. Also where the
    /// clock was set back by far: waiting for the old time to come round again could take years. By a little it is
    /// another rotation, or another node, that made the key while this one was on its way here.
    private func checkNext(_ keys: [RingKey], _ algorithm: SigningAlgorithm, at now: Timestamp) throws {
        let own = keys.filter { $0.info.algorithm == algorithm }
        guard !own.isEmpty else { throw Self.missing(algorithm) }
        // Without one, a new key would sign at once.
        let madeAt = own.filter { $0.info.state == .next }.map(\.info.madeAt).min() ?? now
        let from = madeAt.adding(seconds: retention.notice)
        guard now >= from || now < madeAt.adding(seconds: -retention.notice) else {
            throw Self.early(algorithm, from: from)
        }
    }

    private static func missing(_ algorithm: SigningAlgorithm) -> KeyringError {
        KeyringError(.noKey, "no signing key for \(algorithm.rawValue)")
    }

    private static func early(_ algorithm: SigningAlgorithm, from: Timestamp) -> KeyringError {
        KeyringError(.early, "\(algorithm.rawValue): from \(TimeText.iso8601(from))")
    }

    private func rotate(_ keys: inout [RingKey], _ algorithm: SigningAlgorithm, at now: Timestamp) throws {
        try complete(&keys, [algorithm], at: now)
        let longest = keys.filter { $0.info.algorithm == algorithm && $0.info.state == .next }
            .min { $0.info.madeAt < $1.info.madeAt }
        for position in keys.indices where keys[position].info.algorithm == algorithm {
            switch keys[position].info.state {
            case .next:
                // Of two that were made ready, the one that is published longest.
                guard longest?.info.kid.isExactly(keys[position].info.kid) == true else { break }
                keys[position].info.state = .active
                keys[position].info.activeSince = now
            case .active:
                keys[position].info.state = .retired
                keys[position].info.retiredAt = now
                keys[position].info.publishedUntil = now.adding(seconds: retention.seconds)
            case .retired:
                break
            }
        }
        try complete(&keys, [algorithm], at: now)
    }

    /// Whether an algorithm lacks its active key or its next one.
    private static func isIncomplete(_ keys: [RingKey]) -> Bool {
        Set(keys.map(\.info.algorithm)).contains { algorithm in
            let states = keys.filter { $0.info.algorithm == algorithm }.map(\.info.state)
            return !states.contains(.active) || !states.contains(.next)
        }
    }

    /// Makes what an algorithm lacks: an active key, and a next one.
    private func complete(_ keys: inout [RingKey], _ algorithms: Set<SigningAlgorithm>, at now: Timestamp) throws {
        for algorithm in SigningAlgorithm.allCases where algorithms.contains(algorithm) {
            guard !algorithm.isSymmetric else {
                throw KeyringError(
                    .noKey, "\(algorithm.rawValue) signs with a secret of the client, not with a key of ours")
            }
            for state in [KeyInfo.State.active, .next] {
                guard !keys.contains(where: { $0.info.algorithm == algorithm && $0.info.state == state }) else {
                    continue
                }
                keys.append(try makeKey(algorithm, state, at: now))
            }
        }
    }

    private func makeKey(_ algorithm: SigningAlgorithm, _ state: KeyInfo.State, at now: Timestamp) throws -> RingKey {
        var key = try make(algorithm)
        // One thumbprint of 64 begins with `-`, and whoever types it in an emergency is told of an unknown option.
        while key.kid?.hasPrefix("-") == true { key = try make(algorithm) }
        guard let kid = key.kid else { throw KeyringError(.noKey, "a new key without a name") }
        let info = KeyInfo(
            kid: kid, algorithm: algorithm, state: state, madeAt: now, activeSince: state == .active ? now : nil)
        return RingKey(info: info, key: key)
    }

    /// Keeps the set as small as verifiers accept: when rotations come fast, the keys that retired first go early, but
    /// none before its tokens are dead.
    private func thin(_ keys: inout [RingKey], at now: Timestamp) throws {
        guard keys.count > retention.maximumKeys else { return }
        let removable =
            keys.compactMap { key in key.info.retiredAt.map { (kid: key.info.kid, at: $0) } }
            .filter { $0.at.adding(seconds: retention.minimum) <= now }
            .sorted { $0.at < $1.at }
            .prefix(keys.count - retention.maximumKeys)
        keys.removeAll { key in removable.contains { $0.kid.isExactly(key.info.kid) } }
        guard keys.count <= retention.maximumKeys else {
            throw KeyringError(
                .crowded, "\(keys.count) published keys would be too many: rotations follow each other too fast")
        }
    }

    private static func isOver(_ info: KeyInfo, at now: Timestamp) -> Bool {
        guard info.state == .retired, let end = info.publishedUntil else { return false }
        return end <= now
    }

    // MARK: On disk

    private static func document(_ keys: [RingKey]) -> [UInt8] {
        // One key per line, for whoever looks into it.
        let lines = keys.map { "  " + $0.info.jsonValue.encodedText() }
        return Array("{\"version\": 1, \"keys\": [\n\(lines.joined(separator: ",\n"))\n]}\n".utf8)
    }

    /// The keys that `keyring.json` names; nil at a first start.
    private static func load(_ folder: KeysFolder) throws -> [RingKey]? {
        let names = try folder.names()
        let ring = folder.file(KeysFolder.ring)
        guard let bytes = try folder.read(KeysFolder.ring) else {
            guard !names.contains(where: { $0.hasSuffix(".pem") }) else {
                throw KeyringError(
                    .missing, "\(ring): missing, but there are keys; \(KeyringError.restore)")
            }
            return nil
        }
        guard let document = try? StrictJSON.parse(bytes), document["version"]?.integer == 1,
            let values = document["keys"]?.array
        else {
            throw KeyringError(.damaged, "\(ring): not readable; \(KeyringError.restore)")
        }
        return try values.map { value in
            guard let info = KeyInfo(value) else {
                throw KeyringError(
                    .damaged, "\(ring): a key in it is not readable; \(KeyringError.restore)")
            }
            return RingKey(info: info, key: try load(info, from: folder))
        }
    }

    private static func load(_ info: KeyInfo, from folder: KeysFolder) throws -> SigningKey {
        let path = folder.file(info.fileName)
        guard let bytes = try folder.read(info.fileName) else {
            throw KeyringError(
                .missing, "\(path): missing, but \(KeysFolder.ring) names it; \(KeyringError.restore)")
        }
        // The name of a key is its thumbprint, so that a file with another key in it shows.
        guard let key = try? SigningKey(pem: String(decoding: bytes, as: UTF8.self), algorithm: info.algorithm),
            key.kid?.isExactly(info.kid) == true
        else {
            throw KeyringError(.damaged, "\(path): not the key \(info.kid); \(KeyringError.restore)")
        }
        return key
    }

    private func warnAboutStrangers() {
        let known = Set(snapshot.keys.map(\.info.fileName))
        // It was listed a moment ago; a warning is not worth an error.
        for name in (try? folder.names()) ?? [] where name.hasSuffix(".pem") && !known.contains(name) {
            logger.warning("keys.unknown_file", metadata: ["path": "\(folder.file(name))"])
        }
    }
}
