package import GapuraFormats
package import GapuraTokens
package import Logging

/// What opens and changes a keyring, for asynchronous code. Making an RSA key takes hundreds of milliseconds and files
/// block: both happen on the keyring's own thread, one change at a time, however many registrations ask at once. On
/// that thread, and in synchronous tests, the compiler takes the functions of the same names that block.
extension SigningKeyring {
    /// Loads the keys, and makes them at the first start. Wrong rights, a missing file and a damaged one are errors,
    /// and never repaired by new keys.
    package static func open(
        folder: String, clock: WallClock, logger: Logger, retention: KeyRetention = KeyRetention()
    ) async throws -> SigningKeyring {
        try await SerialThread("gapura.keys").run {
            try open(folder: folder, clock: clock, logger: logger, retention: retention)
        }
    }

    /// Makes a key for an asymmetric algorithm that has none.
    package func ensure(_ algorithm: SigningAlgorithm) async throws {
        // Nearly always: then nobody waits for a key of another algorithm.
        if has(algorithm) { return }
        try await thread.run { try self.ensure(algorithm) }
    }

    /// See the synchronous function: what may fail of a rotation, before it is said to have happened.
    package func prepareRotation(_ algorithm: SigningAlgorithm, now: Timestamp) async throws {
        try await thread.run { try self.prepareRotation(algorithm, now: now) }
    }

    /// Makes the next key of an algorithm the active one.
    ///
    /// - Returns: its keys as they are now.
    /// - Throws: `KeyringError` `early` where verifiers may not know the next key yet.
    @discardableResult
    package func rotate(_ algorithm: SigningAlgorithm, now: Timestamp) async throws -> [KeyInfo] {
        try await thread.run { try self.rotate(algorithm, now: now) }
    }

    /// Takes a key that somebody else may know out of the set at once: its tokens are dead from now on (an emergency;
    /// else `rotate`).
    ///
    /// - Returns: the keys of its algorithm that remain.
    @discardableResult
    package func revoke(kid: String, now: Timestamp) async throws -> [KeyInfo] {
        try await thread.run { try self.revoke(kid: kid, now: now) }
    }

    /// Takes retired keys whose time is over out of the set, and their files off the disk.
    package func prune(now: Timestamp) async throws {
        try await thread.run { try self.prune(now: now) }
    }

    /// Reads the folder again if another process changed it. Costs one `lstat` if not.
    package func refresh() async throws {
        try await thread.run { try self.refresh() }
    }
}
