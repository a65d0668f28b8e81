package import GapuraDirectory
package import GapuraFormats
package import GapuraStore
package import Logging
import ServiceLifecycle

/// Lets retirements act at 00:00 city time of their day, and suspends who stayed away longer than the grace. It looks
/// every minute: whoever retires at midnight is signed out a minute later at most.
package struct PersonnelScheduleJob: Service {
    private static let pause: Duration = .seconds(60)

    private let schedule: PersonnelSchedule
    private let doorbell: LogoutDoorbell
    private let clock: WallClock
    private let logger: Logger

    package init(store: Store, binDays: Int, doorbell: LogoutDoorbell, clock: WallClock, logger: Logger) {
        schedule = PersonnelSchedule(store: store, binDays: Int64(binDays))
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
            let outcome = try await schedule.act(at: clock.now)
            guard outcome.decided > 0 else { return }
            logger.notice(
                "personnel.acted",
                metadata: ["changes": "\(outcome.decided)", "accounts": "\(outcome.accounts)"])
            // Applications hear of the sessions that ended at once.
            doorbell.ring()
        } catch {
            logger.warning("personnel.schedule_failed", metadata: ["error": "\(error)"])
        }
    }
}
