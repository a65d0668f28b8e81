import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

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
    private static let write = Operation("backup.write", ["file"], .console) { arguments, context in
        let path = try arguments.text("file")
        try NewFile.checkFree(path)
        // A name of this call alone, so that of several at once none takes another's draft away.
        let draft = "\(path).\(SecureRandom.text(9)).partial"
        let before = try await context.store.read { try $0.audit.head().seq }
        do {
            context.progress(0.05, "copying")
            try await context.services.store.backup(to: draft)
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
            // No backup without its audit row, and no name taken for one that failed. A process that dies between these
            // leaves an empty file, which `restore` knows for what it is.
            let file = try NewFile(path)
            try await record(trial, context)
            try file.finish(with: draft)
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
