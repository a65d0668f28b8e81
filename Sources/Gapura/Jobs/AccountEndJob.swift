package import GapuraDirectory
package import GapuraFormats
package import GapuraStore
package import Logging
import ServiceLifecycle

/// Signs accounts out whose end has come or whose sponsor left, every minute: they can do nothing from that moment on
/// anyhow, and their applications hear of it a minute later at most.
package struct AccountEndJob: Service {
    private static let pause: Duration = .seconds(60)

    private let store: Store
    private let doorbell: LogoutDoorbell
    private let clock: WallClock
    private let logger: Logger

    package init(store: Store, doorbell: LogoutDoorbell, clock: WallClock, logger: Logger) {
        self.store = store
        self.doorbell = doorbell
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        await periodically(every: Self.pause) { await look() }
    }

    /// Once, now.
    func look() async {
        do {
            let count = try await AccountEnds.act(in: store, at: clock.now)
            guard count > 0 else { return }
            logger.notice("accounts.ended", metadata: ["accounts": "\(count)"])
            doorbell.ring()
        } catch {
            logger.warning("accounts.end_failed", metadata: ["error": "\(error)"])
        }
    }
}
