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
            guard try await store.read({ try !$0.unitDrafts.due(at: now).isEmpty }) else { return }
            let applied = try await store.write { try UnitDraftDirectory($0, by: .system, at: now).applyDue() }
            for draft in applied { logger.notice("unit_draft.applied", metadata: ["draft": "\(draft.id)"]) }
        } catch {
            logger.error("unit_draft.failed", metadata: ["error": "\(error)"])
        }
    }
}
