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
        try DataFolder.prepare(settings.dataFolder)
        let location = try DatabaseLocation(settings.database)
        try requireAbsence(location)
        do {
            try await Store.restore(from: file, into: location)
        } catch let error as StoreError where error.kind == .foreign || error.kind == .corrupt {
            removeEmpty(location)
            throw OperationError(
                .refused,
                "\(file) was not restored: \(error.message). Give a whole backup of gapura and an empty database.",
                id:
                    "\(file) tidak dipulihkan. Berikan cadangan gapura yang utuh dan basis data yang kosong. (\(error.message))"
            )
        } catch let error as StoreError where error.kind == .locked {
            // Somebody else has made a database there meanwhile: it is theirs.
            throw error
        } catch {
            removeEmpty(location)
            throw error
        }
        let store = try await Store.open(location)
        do {
            let result = try await open(store, settings, by: actor, at: clock.now)
            await store.close()
            return result
        } catch {
            await store.close()
            throw error
        }
    }

    private static func open(_ store: Store, _ settings: GatewaySettings, by actor: Actor, at now: Timestamp)
        async throws -> JSONObject
    {
        let found = try await BackupTrial.look(at: store)
        let lastChange = try await store.write { tx in
            let lastChange = try tx.audit.lastTime()
            try tx.upkeep.endEverything(at: now)
            try tx.upkeep.setMeta("restored_at", TimeText.iso8601(now))
            try tx.record(.backupRestored, by: actor, detail: ["audit_events": .integer(found.auditEvents)], at: now)
            return lastChange
        }
        var result = found.json
        result["problems"] = .array(found.problems.map { .string($0) })
        result["last_change"] = .time(lastChange)
        result["keys_found"] = .bool(SigningKeyring.exists(folder: settings.keysFolder))
        result["clients_without_secret"] = .array(try await clientsWithoutSecret(store, settings).map { .string($0) })
        return result
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

    private static func requireAbsence(_ location: DatabaseLocation) throws {
        guard case .sqlite(let path) = location, access(path, F_OK) == 0 else { return }
        throw OperationError(
            .refused,
            "There is a database at \(path); a restore never overwrites. Move it away first (with \(path)-wal, if that is there).",
            id:
                "Sudah ada basis data di \(path); pemulihan tidak pernah menimpa. Pindahkan dahulu (beserta \(path)-wal jika ada)."
        )
    }

    /// What a failed restore made is empty and must not be in the way of the next one.
    private static func removeEmpty(_ location: DatabaseLocation) {
        guard case .sqlite(let path) = location else { return }
        for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
    }
}
