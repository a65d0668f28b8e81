package import GapuraFormats
package import GapuraStore
package import Logging
import ServiceLifecycle

/// Removes rows that nothing can need any more, every five minutes.
package struct UpkeepJob: Service {
    private static let pause: Duration = .seconds(300)

    private let store: Store
    private let historyDays: Int
    private let clock: WallClock
    private let logger: Logger

    package init(store: Store, historyDays: Int, clock: WallClock, logger: Logger) {
        self.store = store
        self.historyDays = historyDays
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        await periodically(every: Self.pause) { await tidy() }
    }

    /// Once, now.
    func tidy() async {
        let now = clock.now
        let old = now.adding(seconds: -Int64(clamping: max(0, historyDays)) * 86_400)
        do {
            let gone = try await store.write { try $0.upkeep.deleteExpired(at: now, keepingSessionsSince: old) }
            if gone > 0 { logger.debug("upkeep.removed", metadata: ["rows": "\(gone)"]) }
        } catch {
            logger.warning("upkeep.failed", metadata: ["error": "\(error)"])
        }
    }
}
