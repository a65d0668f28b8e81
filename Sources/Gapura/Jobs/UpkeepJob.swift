import GapuraDirectory
package import GapuraFormats
package import GapuraStore
package import Logging
import ServiceLifecycle

/// Removes rows that nothing can need any more, every five minutes; and once a day those of the audit that are older
/// than the setting says and in a file.
package struct UpkeepJob: Service {
    private static let pause: Duration = .seconds(300)
    private static let portion: Int64 = 2000

    private let store: Store
    private let historyDays: Int
    private let loadDays: Int
    private let auditDays: Int
    private let dataFolder: String?
    private let clock: WallClock
    private let logger: Logger

    /// - Parameter dataFolder: where a refresh keeps answers that nobody applied.
    package init(
        store: Store, historyDays: Int, loadDays: Int = 0, auditDays: Int = 0, dataFolder: String? = nil,
        clock: WallClock, logger: Logger
    ) {
        self.store = store
        self.historyDays = historyDays
        self.loadDays = loadDays
        self.auditDays = auditDays
        self.dataFolder = dataFolder
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        await periodically(every: Self.pause) { await tidy() }
    }

    /// Once, now.
    /// - Parameter between: what a test does after each portion.
    func tidy(between: @Sendable () async -> Void = {}) async {
        let now = clock.now
        if let dataFolder { SIASNProgressFile.removeOld(folder: dataFolder, now: now) }
        let old = now.adding(seconds: -Int64(clamping: max(0, historyDays)) * 86_400)
        do {
            let gone = try await removeExpired(now, keepingSessionsSince: old, between)
            if gone > 0 { logger.debug("upkeep.removed", metadata: ["rows": "\(gone)"]) }
        } catch {
            logger.warning("upkeep.failed", metadata: ["error": "\(error)"])
        }
        do {
            try await purgeLoads(now)
        } catch {
            logger.warning("upkeep.loads_not_purged", metadata: ["error": "\(error)"])
        }
        guard auditDays > 0 else { return }
        do {
            try await purgeAudit(now)
        } catch {
            logger.warning("upkeep.audit_not_purged", metadata: ["error": "\(error)"])
        }
    }

    /// Some rows at once, so that no sign-in waits for it. - Returns: how many went.
    private func removeExpired(
        _ now: Timestamp, keepingSessionsSince old: Timestamp, _ between: @Sendable () async -> Void
    ) async throws -> Int64 {
        var (gone, step) = (Int64(0), Self.portion)
        while step == Self.portion, !Self.isEnding {
            step = try await store.write { tx in
                try tx.upkeep.deleteExpired(at: now, keepingSessionsSince: old, limit: Self.portion)
            }
            gone += step
            await between()
        }
        return gone
    }

    /// Whether the next portion is for another time: a shutdown does not wait for all of them.
    private static var isEnding: Bool { Task.isCancelled || Task.isShuttingDownGracefully }

    /// The same of what loads kept.
    private func purgeLoads(_ now: Timestamp) async throws {
        guard loadDays > 0 else { return }
        let before = now.adding(seconds: -Int64(clamping: loadDays) * 86_400)
        var (gone, step) = (Int64(0), Self.portion)
        while step == Self.portion, !Self.isEnding {
            step = Int64(
                try await store.write { try $0.upkeep.deleteLoadDetails(before: before, limit: Self.portion) })
            gone += step
        }
        if gone > 0 { logger.info("upkeep.loads_purged", metadata: ["rows": "\(gone)"]) }
    }

    /// A day's rows at once: each purge is a row of its own.
    private func purgeAudit(_ now: Timestamp) async throws {
        let store = store
        let before = now.adding(seconds: -Int64(clamping: auditDays) * 86_400)
        guard let first = try await store.read({ try $0.audit.firstTime() }), first < before.adding(seconds: -86_400)
        else { return }
        var (gone, hasMore) = (0, true)
        while hasMore, !Self.isEnding {
            let step = try await store.write { try AuditPurge.step(before: before, by: .system, in: $0, at: now) }
            (gone, hasMore) = (gone + step.rows, step.hasMore)
        }
        if gone > 0 { logger.info("upkeep.audit_purged", metadata: ["rows": "\(gone)"]) }
    }
}
