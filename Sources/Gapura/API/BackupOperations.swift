import GapuraDirectory
import GapuraFormats
import GapuraStore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Backups: one file with the whole database, taken while the gateway works. The keys are no part of it: whoever has
/// both has everything.
enum BackupOperations {
    static let all = [write]

    /// The file gets its name only once it has been restored on trial and found whole.
    private static let write = Operation("backup.write", ["file"]) { arguments, context in
        let path = try arguments.text("file")
        let draft = path + ".partial"
        for existing in [path, draft] where access(existing, F_OK) == 0 {
            throw OperationError(
                .conflict, "\(existing) exists; a backup never overwrites. Choose another name, or move it away.",
                id: "\(existing) sudah ada; cadangan tidak pernah menimpa. Pilih nama lain atau pindahkan."
            )
        }
        let before = try await context.store.read { try $0.audit.head().seq }
        do {
            context.progress(0.05, "copying")
            try await context.store.backup(to: draft)
            context.progress(0.5, "restoring on trial")
            let trial = try await BackupTrial.run(draft)
            let after = try await context.store.read { try $0.audit.head().seq }
            guard trial.problems.isEmpty, (before...after).contains(trial.auditEvents) else {
                let problems = trial.problems.first ?? "it does not end where the audit did"
                throw OperationError(
                    .failed,
                    "The backup is not whole and was removed: \(problems). Look at the disk and at `gapura doctor`.",
                    id: "Cadangan tidak utuh dan dihapus: \(problems). Periksa diska dan `gapura doctor`."
                )
            }
            try BackupFile.publish(draft, as: path)
            try await record(trial, context)
            return .object(
                trial.json.adding("file", .string(path)).adding("keys_folder", .string(context.settings.keysFolder)))
        } catch {
            unlink(draft)
            throw error
        }
    }

    private static func record(_ trial: BackupTrial, _ context: OperationContext) async throws {
        let (now, actor) = (context.now, context.actor)
        try await context.store.write { tx in
            try tx.record(.backupWritten, by: actor, detail: ["audit_events": .integer(trial.auditEvents)], at: now)
        }
    }
}

/// The last step of writing a backup.
enum BackupFile {
    /// Gives a finished file its name, and never takes the name from another file.
    ///
    /// The name is taken with an empty file first, which fails where there is one, and the draft replaces that: FAT and
    /// SMB have no hard links, and Swift's Glibc does not know `renameat2`.
    static func publish(_ draft: String, as path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure(path, errno) }
        close(descriptor)
        guard rename(draft, path) == 0 else {
            let code = errno
            unlink(path)
            throw failure(path, code)
        }
    }

    private static func failure(_ path: String, _ code: Int32) -> OperationError {
        let why = String(cString: strerror(code))
        return OperationError(
            code == EEXIST ? .conflict : .refused, "\(path) cannot be written: \(why).",
            id: "\(path) tidak dapat ditulis: \(why).")
    }
}

/// A backup restored into a database that is thrown away: what is in it, and what is wrong with it.
struct BackupTrial: Sendable {
    let problems: [String]
    let rows: [String: Int64]
    let auditEvents: Int64
    let auditHead: String

    var json: JSONObject {
        [
            "audit_events": .integer(auditEvents), "audit_head": .string(auditHead),
            "rows": .object(JSONObject(rows.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) })),
        ]
    }

    static func run(_ file: String) async throws -> BackupTrial {
        let path = file + ".trial"
        defer { for suffix in ["", "-wal", "-shm", "-journal", ".lock", ".new"] { unlink(path + suffix) } }
        try await Store.restore(from: file, into: .sqlite(path: path))
        let store = try await Store.open(.sqlite(path: path))
        do {
            let trial = try await look(at: store)
            await store.close()
            return trial
        } catch {
            await store.close()
            throw error
        }
    }

    static func look(at store: Store) async throws -> BackupTrial {
        var problems = try await store.integrityProblems()
        let counter = RowCounter()
        try await store.exportTables { table, _, _ in counter.add(table) }
        let (broken, head) = try await store.read { tx in (try AuditChain.firstBreak(in: tx), try tx.audit.head()) }
        if let broken { problems.append("the audit chain is broken at \(broken)") }
        return BackupTrial(problems: problems, rows: counter.rows, auditEvents: head.seq, auditHead: head.hash)
    }
}
