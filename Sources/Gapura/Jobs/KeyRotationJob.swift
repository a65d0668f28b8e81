import GapuraDirectory
package import GapuraFormats
package import GapuraStore
import GapuraTokens
package import Logging
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

    /// Once, now. What does not succeed is told, and tried again at the next look.
    func look() async {
        let now = clock.now
        do {
            try await keyring.refresh()
            await rotate(due(at: now), at: now)
            try await keyring.prune(now: now)
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

    private func rotate(_ algorithms: [SigningAlgorithm], at now: Timestamp) async {
        let failures = await keyring.rotate(algorithms, now: now) { algorithm in
            try await store.write { tx in
                try tx.record(
                    .keysRotated, by: .system,
                    detail: ["algorithm": .string(algorithm.rawValue), "reason": "schedule"], at: now)
            }
        }
        for failure in failures {
            logger.log(
                level: failure.isEarly ? .notice : .error,
                failure.isEarly ? "keys.rotation_early" : "keys.rotation_failed",
                metadata: ["algorithm": "\(failure.algorithm.rawValue)", "error": "\(failure.error)"])
        }
    }
}
