package import GapuraFormats
package import GapuraStore
package import Logging
package import Metrics
import ServiceLifecycle
import Synchronization

/// Tells applications that sessions ended (OpenID Connect Back-Channel Logout 1.0 section 2.5): sends what waits in the
/// sign-out ledger.
///
/// The person's own sign-out never waits for this (attack 263): it writes lines into the ledger and rings. A line is
/// claimed by a lease, so that with two nodes one sends it, and a node that dies leaves it to the other.
package struct LogoutDeliveryJob: Service {
    /// Deliveries under way at once.
    static let parallel = 16
    /// Of these to one application, and as many lines at most are claimed at once: so two applications that hang, each
    /// with less than twice its share, leave room for the others.
    static let share = 4
    /// Seconds that a claimed line is ours; more than a delivery takes.
    static let lease: Int64 = 60
    /// Seconds to wait after each try; after the last one the line has failed.
    static let pauses: [Int64] = [2, 10, 60, 600, 3600, 6 * 3600]
    /// However quiet it is: another node may have died with lines of its own.
    private static let longestWait: Int64 = 30
    /// Seconds after a database that failed.
    private static let shortestRest = 2
    private static let longestRest = 30

    private let store: Store
    private let outgoing: OutgoingHTTP
    private let signer: LogoutTokenSigner
    private let doorbell: LogoutDoorbell
    private let clock: WallClock
    private let logger: Logger
    private let metrics: any MetricsFactory

    package init(
        store: Store, outgoing: OutgoingHTTP, signer: @escaping LogoutTokenSigner, doorbell: LogoutDoorbell,
        clock: WallClock, logger: Logger,
        metrics: any MetricsFactory = MetricsSystem.factory
    ) {
        self.store = store
        self.outgoing = outgoing
        self.signer = signer
        self.doorbell = doorbell
        self.clock = clock
        self.logger = logger
        self.metrics = metrics
    }

    /// Runs until shutdown; deliveries under way are then finished (5 s at most).
    package func run() async throws {
        await withGracefulShutdownHandler {
            await deliverUntilShutdown()
        } onGracefulShutdown: {
            doorbell.ring()
        }
    }

    private func deliverUntilShutdown() async {
        let running = Running()
        var wait = Self.shortestRest
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled, !Task.isShuttingDownGracefully {
                let (free, full) = running.room
                let found = free > 0 ? await claim(min(free, Self.share), except: full) : []
                let claimed = found ?? []
                for delivery in claimed {
                    running.start(delivery.clientID)
                    group.addTask {
                        await deliver(delivery)
                        // Lines may wait for this.
                        if running.finish(delivery.clientID) { doorbell.ring() }
                    }
                }
                if found == nil {
                    // A database that cannot be written to gets rest.
                    await doorbell.wait(atMost: .seconds(wait))
                    wait = min(wait * 2, Self.longestRest)
                } else {
                    wait = Self.shortestRest
                    if claimed.isEmpty {
                        await doorbell.wait(atMost: free > 0 ? await pause(except: full) : .seconds(Self.longestWait))
                    }
                }
            }
        }
    }

    /// The deliveries under way.
    private final class Running: Sendable {
        private let counts = Mutex<[ClientID: Int]>([:])

        /// How many more there may be, and which applications have their share.
        var room: (free: Int, full: [ClientID]) {
            counts.withLock { counts in
                (parallel - counts.values.reduce(0, +), counts.filter { $0.value >= share }.map(\.key))
            }
        }

        func start(_ client: ClientID) {
            counts.withLock { $0[client, default: 0] += 1 }
        }

        /// - Returns: whether there was no room before, for any application or for this one.
        func finish(_ client: ClientID) -> Bool {
            counts.withLock { counts in
                let (all, own) = (counts.values.reduce(0, +), counts[client] ?? 0)
                counts[client] = own > 1 ? own - 1 : nil
                return all == parallel || own == share
            }
        }
    }

    /// Lines that are due, now ours for the lease; nothing where the database failed.
    private func claim(_ limit: Int, except full: [ClientID]) async -> [LogoutDelivery]? {
        let now = clock.now
        do {
            // Reading first: the usual answer is "nothing", and no write waits for that.
            guard let due = try await store.read({ try $0.logout.nextDue(except: full) }), due <= now else { return [] }
            return try await store.write { tx in
                try tx.logout.claimDue(
                    at: now, lease: now.adding(seconds: Self.lease), limit: Int64(limit), except: full)
            }
        } catch {
            logger.warning("logout.ledger_failed", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// How long to wait for a ring, where there is room for all applications but these.
    private func pause(except full: [ClientID]) async -> Duration {
        do {
            guard let due = try await store.read({ try $0.logout.nextDue(except: full) }) else {
                return .seconds(Self.longestWait)
            }
            let milliseconds = due.adding(milliseconds: -clock.now.milliseconds).milliseconds
            return .milliseconds(min(max(milliseconds, 20), Self.longestWait * 1000))
        } catch {
            // `claim` logs it; the ledger keeps, and the database may be back in a moment.
            return .seconds(2)
        }
    }

    // MARK: One delivery

    private func deliver(_ delivery: LogoutDelivery) async {
        var done = delivery
        do {
            let token = try await signer(delivery)
            let answer = try await outgoing.post(delivery.uri, form: [("logout_token", token)], timeout: 5)
            judge(answer.status, &done)
        } catch let error as UndeliverableLogout {
            fail(&done, error.reason)
        } catch let error as OutgoingError {
            tryAgain(&done, error.kind.rawValue)
            logger.debug("logout.not_delivered", metadata: ["delivery": "\(delivery.id)", "error": "\(error)"])
        } catch {
            tryAgain(&done, "no logout token")
            logger.warning(
                "logout.token_not_made", metadata: ["delivery": "\(delivery.id)", "error": "\(error)"])
        }
        await finish(done)
    }

    private func judge(_ status: Int, _ delivery: inout LogoutDelivery) {
        delivery.status = Int64(status)
        switch status {
        case 200, 204:
            delivery.state = .answered
            delivery.answeredAt = clock.now
            delivery.nextTryAt = nil
            delivery.problem = nil
        case 400:
            // Section 2.8: the token was not good, or the sign-out failed there; the same again changes nothing.
            fail(&delivery, "refused by the application")
        default:
            tryAgain(&delivery, "answered \(status)")
        }
    }

    private func tryAgain(_ delivery: inout LogoutDelivery, _ problem: String) {
        let tries = Int(clamping: delivery.tries)
        guard (1...Self.pauses.count).contains(tries) else { return fail(&delivery, "given up: \(problem)") }
        delivery.problem = problem
        delivery.nextTryAt = clock.now.adding(seconds: Self.pauses[tries - 1])
    }

    private func fail(_ delivery: inout LogoutDelivery, _ problem: String) {
        delivery.state = .failed
        delivery.problem = problem
        delivery.nextTryAt = nil
    }

    private func finish(_ delivery: LogoutDelivery) async {
        do {
            try await store.write { try $0.logout.update(delivery) }
        } catch {
            // The lease runs out, and the application hears of it twice: better than never.
            logger.warning(
                "logout.ledger_not_written", metadata: ["delivery": "\(delivery.id)", "error": "\(error)"])
        }
        Counter(label: "gapura_logout_deliveries", dimensions: [("state", delivery.state.rawValue)], factory: metrics)
            .increment()
        if delivery.state == .failed {
            logger.notice(
                "logout.given_up",
                metadata: [
                    "delivery": "\(delivery.id)", "client": "\(delivery.clientID)", "tries": "\(delivery.tries)",
                    "problem": "\(delivery.problem ?? "-")",
                ]
            )
        }
    }
}
