import GapuraDirectory
package import GapuraFormats
package import GapuraStore
package import Logging
import ServiceLifecycle

/// Applies drafts of the organisation tree on their day, within a minute of its beginning. Whoever comes second, on
/// another node too, finds nothing to do.
package struct UnitDraftJob: Service {
    private static let pause: Duration = .seconds(60)

    private let store: Store
    private let clock: WallClock
    private let logger: Logger

    package init(store: Store, clock: WallClock, logger: Logger) {
        self.store = store
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
            for draft in try await store.read({ try $0.unitDrafts.due(at: now) }) { await apply(draft.id, now) }
        } catch {
            logger.error("unit_draft.failed", metadata: ["error": "\(error)"])
        }
    }

    /// Each in a transaction of its own: one that cannot be applied holds up none of the others. It is tried again each
    /// minute, and `gapura doctor` says that it is overdue.
    private func apply(_ draft: ID<UnitDraft>, _ now: Timestamp) async {
        do {
            let isApplied = try await store.write { tx in
                try UnitDraftDirectory(tx, by: .system, at: now).applyDue(draft)
            }
            if isApplied { logger.notice("unit_draft.applied", metadata: ["draft": "\(draft)"]) }
        } catch {
            logger.error("unit_draft.failed", metadata: ["draft": "\(draft)", "error": "\(error)"])
        }
    }
}
