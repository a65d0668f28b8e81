package import GapuraDirectory
package import GapuraFormats
import GapuraStore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Puts a backup into an empty database. Runs in a command only: a running gateway has its database open.
///
/// Whatever was signed in, given out or pending when the backup was taken is dead afterwards: what was revoked since
/// must not live again (attack 340).
package enum BackupRestore {
    package static func run(
        _ file: String, _ settings: GatewaySettings, by actor: Actor, clock: WallClock = .system
    ) async throws -> JSONObject {
        guard access(file, R_OK) == 0 else {
            let why = String(cString: strerror(errno))
            throw OperationError(
                errno == ENOENT ? .notFound : .refused, "The backup \(file) cannot be read: \(why).",
                id: "Cadangan \(file) tidak dapat dibaca: \(why)."
            )
        }
        var status = stat()
        if stat(file, &status) == 0, status.st_size == 0 {
            throw OperationError(
                .refused, "\(file) is empty: its backup was interrupted. Restore another one, and remove this file.",
                id: "\(file) kosong: pencadangannya terputus. Pulihkan cadangan lain dan hapus berkas ini."
            )
        }
        try DataFolder.prepare(settings.dataFolder)
        let location = try DatabaseLocation(settings.database)
        let now = clock.now
        let backup: Restored
        do {
            backup = try await Store.restore(from: file, into: location) { tx in try end(tx, by: actor, at: now) }
        } catch let error as StoreError where error.kind == .foreign || error.kind == .corrupt {
            throw OperationError(
                .refused,
                "\(file) was not restored: \(error.message). A restore takes a whole backup of gapura and never overwrites: if there is a database, move it away first (with its -wal file).",
                id:
                    "\(file) tidak dipulihkan. Pemulihan memerlukan cadangan gapura yang utuh dan tidak pernah menimpa: jika sudah ada basis data, pindahkan dahulu (beserta berkas -wal). (\(error.message))"
            )
        }
        let store = try await Store.open(location)
        do {
            let result = try await look(at: store, backup, settings)
            await store.close()
            return result
        } catch {
            await store.close()
            throw error
        }
    }

    /// How far the backup went.
    private struct Restored: Sendable {
        let auditEvents: Int64
        let auditHead: String
        let lastChange: Timestamp?
    }

    /// The step without which nobody may use what was restored.
    private static func end(_ tx: Transaction, by actor: Actor, at now: Timestamp) throws -> Restored {
        let head = try tx.audit.head()
        let lastChange = try tx.audit.lastTime()
        try tx.upkeep.endEverything(at: now)
        try tx.upkeep.setMeta("restored_at", TimeText.iso8601(now))
        try tx.record(.backupRestored, by: actor, detail: ["audit_events": .integer(head.seq)], at: now)
        return Restored(auditEvents: head.seq, auditHead: head.hash, lastChange: lastChange)
    }

    private static func look(at store: Store, _ backup: Restored, _ settings: GatewaySettings) async throws
        -> JSONObject
    {
        let found = try await BackupTrial.look(at: store)
        var result = found.json
        result["audit_events"] = .integer(backup.auditEvents)
        result["audit_head"] = .string(backup.auditHead)
        result["problems"] = .array(found.problems.map { .string($0) })
        result["last_change"] = .time(backup.lastChange)
        result["keys_found"] = .bool(SigningKeyring.exists(folder: settings.keysFolder))
        result["clients_without_secret"] = .array(try await clientsWithoutSecret(store, settings).map { .string($0) })
        result["unreadable_niks"] = .integer(try await unreadableNIKs(store, settings))
        return result
    }

    /// NIKs that were sealed with other keys than those at hand.
    private static func unreadableNIKs(_ store: Store, _ settings: GatewaySettings) async throws -> Int64 {
        let (count, sample) = try await store.read { tx in (try tx.identities.count(), try tx.identities.sample(100)) }
        guard count > 0 else { return 0 }
        guard SigningKeyring.exists(folder: settings.keysFolder) else { return count }
        let vault = try SecretKeys.open(folder: settings.keysFolder).identities
        // One key seals all: either it opens them, or it is another one.
        return sample.allSatisfy { vault.open($0) != nil } ? 0 : count
    }

    /// Clients whose secret must compute and was sealed with other keys than those at hand: they need a new one.
    private static func clientsWithoutSecret(_ store: Store, _ settings: GatewaySettings) async throws -> [String] {
        let sealed = try await store.read { tx in
            try tx.clients.list().compactMap { client in client.sealedSecret.map { (client.id.text, $0) } }
        }
        guard !sealed.isEmpty else { return [] }
        guard SigningKeyring.exists(folder: settings.keysFolder) else { return sealed.map(\.0) }
        let secrets = try SecretKeys.open(folder: settings.keysFolder)
        // The reason does not matter: either the key opens it, or a new secret is needed.
        return sealed.filter { (try? secrets.unseal($0.1, for: $0.0)) == nil }.map(\.0)
    }
}
