import GapuraDirectory
package import GapuraFormats
package import GapuraStore
import GapuraTokens
package import Logging
import NIOPosix
import ServiceLifecycle

/// Rotates signing keys that have signed long enough, drops retired ones whose time is over, and sees what another
/// process changed in the folder.
package struct KeyRotationJob: Service {
    private static let pause: Duration = .seconds(60)

    private let keyring: SigningKeyring
    private let store: Store
    /// 0 rotates by hand only.
    private let days: Int
    private let clock: WallClock
    private let logger: Logger

    package init(keyring: SigningKeyring, store: Store, days: Int, clock: WallClock, logger: Logger) {
        self.keyring = keyring
        self.store = store
        self.days = days
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        await periodically(every: Self.pause) { await look() }
    }

    /// Once, now.
    func look() async {
        let now = clock.now
        do {
            try await onThread { try keyring.refresh() }
            for algorithm in due(at: now) {
                try await rotate(algorithm, at: now)
            }
            try await onThread { try keyring.prune(now: now) }
        } catch {
            logger.error("keys.upkeep_failed", metadata: ["error": "\(error)"])
        }
    }

    private func due(at now: Timestamp) -> [SigningAlgorithm] {
        guard days > 0 else { return [] }
        let latest = now.adding(seconds: -Int64(clamping: days) * 86_400)
        return keyring.list().compactMap { key in
            guard key.state == .active, let since = key.activeSince, since <= latest else { return nil }
            return key.algorithm
        }
    }

    /// The audit comes first: without it there is no rotation, and a row for a rotation that then failed harms nobody.
    private func rotate(_ algorithm: SigningAlgorithm, at now: Timestamp) async throws {
        try await store.write { tx in
            try tx.record(
                .keysRotated, by: .system, detail: ["algorithm": .string(algorithm.rawValue), "reason": "schedule"],
                at: now)
        }
        _ = try await onThread { try keyring.rotate(algorithm, now: now) }
    }

    /// Making an RSA key takes a tenth of a second and more, and files block.
    private func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive { try work() }
    }
}
