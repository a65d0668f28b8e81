package import GapuraFormats
package import GapuraStore
import GapuraTokens

/// Brings the user table of one old application in: whose local accounts they are, and passwords that sign in once.
///
/// Hashing happens before each transaction, in the pool that sign-ins use, and leaves them a thread. What is written is
/// written two hundred rows at a time: an import that is cut off goes on where it was when it is started again, and no
/// sign-in waits for it.
package struct LegacyImport: Sendable {
    private let store: Store
    private let passwords: PasswordHasher
    private let application: ApplicationID

    /// Rows a transaction.
    private static let portion = 200

    package init(store: Store, passwords: PasswordHasher, application: ApplicationID) {
        self.store = store
        self.passwords = passwords
        self.application = application
    }

    // MARK: Plan

    /// Reads the file and says what would become of each row. Nothing is written.
    package func plan(
        _ file: PersonnelFile, progress: @escaping @Sendable (Double) -> Void = { _ in }
    ) async throws -> LegacyPlan {
        let (rows, digest) = try await PersonnelThread.run { cancellation in
            var rows: [LegacyRow] = []
            let digest = try LegacyTable.read(file) { row in
                if rows.count.isMultiple(of: 1000) { try cancellation.check() }
                rows.append(row)
            }
            return (rows, digest)
        }
        let application = application
        let entries = try await store.read { tx in
            try LegacyComparison(tx: tx, application: application, digest: digest).compare(rows)
        }
        return LegacyPlan(
            fileName: file.name, digest: digest, entries: try await withoutGuesses(entries, progress: progress))
    }

    /// Refuses hashes of what anybody would try first.
    private func withoutGuesses(
        _ entries: [LegacyEntry], progress: @escaping @Sendable (Double) -> Void
    ) async throws -> [LegacyEntry] {
        // Quick hashes many at a time, slow ones one by one.
        let judged = try await inPool(entries, size: { $0.hash?.scheme.speed == .quick ? 1 : 50 }, progress) { entry in
            guard !entry.isUnchanged, let hash = entry.hash else { return entry }
            var entry = entry
            if let reason = hash.guessed(entry.guesses) { entry.refusePassword(reason) }
            return entry
        }
        return judged
    }

    // MARK: Apply

    /// Does what a plan says, and nothing to rows that changed hands since.
    /// - Parameter lifetime: seconds that old passwords are kept at most.
    /// - Returns: how many old passwords were stored.
    package func apply(
        _ plan: LegacyPlan, lifetime: Int64, by actor: Actor, at now: Timestamp,
        progress: @escaping @Sendable (Double) -> Void = { _ in }
    ) async throws -> Int {
        let wanted = plan.entries.filter { !$0.isUnchanged && $0.row.localID != nil && !$0.isForeign }
        var (place, stored) = (0, 0)
        while place < wanted.count {
            try Task.checkCancellation()
            let end = min(place + Self.portion, wanted.count)
            let part = Array(wanted[place..<end])
            let (start, total) = (Double(place), Double(wanted.count))
            let hashes = try await inPool(part, size: { _ in 50 }) { share in
                progress((start + share * Double(part.count)) / total)
            } _: { [passwords] entry in
                try entry.hash.map { try passwords.kept($0) }
            }
            stored += try await write(Array(zip(part, hashes)), plan, lifetime, actor, now)
            place = end
        }
        guard !wanted.isEmpty else { return 0 }
        let (application, count) = (application, stored)
        try await store.write { tx in
            try tx.record(
                .legacyImported, by: actor, subject: application.text,
                detail: [
                    "sha256": .string(plan.digest), "rows": .integer(Int64(plan.rows)),
                    "matched": .integer(Int64(plan.matched)), "queued": .integer(Int64(plan.queued)),
                    "refused": .integer(Int64(plan.refused)), "passwords": .integer(Int64(count)),
                ], at: now
            )
        }
        return stored
    }

    private func write(
        _ part: [(entry: LegacyEntry, hash: String?)], _ plan: LegacyPlan, _ lifetime: Int64, _ actor: Actor,
        _ now: Timestamp
    ) async throws -> Int {
        let application = application
        return try await store.write { tx in
            var locals: [LegacyAccount] = []
            var kept: [LegacyPassword] = []
            for (entry, hash) in part {
                guard let localID = entry.row.localID, try !entry.isOverruled(localID, of: application, tx) else {
                    continue
                }
                locals.append(entry.local(localID, of: application, plan.digest, now))
                guard let hash, let old = entry.hash, try entry.mayStillHaveOldPassword(tx) else { continue }
                kept.append(
                    LegacyPassword(
                        applicationID: application, localID: localID, accountID: entry.accountID,
                        scheme: old.scheme.rawValue, parameter: old.parameter, hash: hash, cost: Int64(old.cost),
                        work: old.work, importedAt: now, expiresAt: now.adding(seconds: lifetime)
                    ))
            }
            // What the file no longer vouches for goes, too.
            try tx.legacy.deletePasswords(locals.map(\.localID), of: application)
            try tx.legacy.put(locals)
            try tx.legacy.insert(kept)
            try tx.record(
                kept.compactMap { password in
                    password.accountID.map {
                        AuditEntry(
                            .legacyPasswordTaken, subject: $0.text,
                            detail: ["application": .string(application.text), "scheme": .string(password.scheme)])
                    }
                }, by: actor, at: now)
            return kept.count
        }
    }

    // MARK: The pool

    /// Runs work for each of many values in the pool of password hashes, in order, leaving one of its threads to
    /// sign-ins.
    ///
    /// - Parameter size: how many values of this sort make one job.
    private func inPool<Value: Sendable, Output: Sendable>(
        _ values: [Value], size: (Value) -> Int, _ progress: @escaping @Sendable (Double) -> Void,
        _ work: @escaping @Sendable (Value) throws -> Output
    ) async throws -> [Output] {
        // A job is at most `jobShare` of such shares long.
        let jobShare = 100
        var jobs: [Range<Int>] = []
        var (start, share) = (0, 0)
        for index in values.indices {
            share += size(values[index])
            if share >= jobShare {
                jobs.append(start..<index + 1)
                (start, share) = (index + 1, 0)
            }
        }
        if start < values.count { jobs.append(start..<values.count) }
        let width = max(1, passwords.threads - 1)
        var outputs: [Int: [Output]] = [:]
        let queue = jobs
        try await withThrowingTaskGroup(of: (Int, [Output]).self) { group in
            var next = 0
            func add() {
                guard next < queue.count else { return }
                let (number, part) = (next, Array(values[queue[next]]))
                group.addTask { (number, try await patiently { try await passwords.run { try part.map(work) } }) }
                next += 1
            }
            for _ in 0..<width { add() }
            while let (number, output) = try await group.next() {
                outputs[number] = output
                progress(Double(outputs.count) / Double(queue.count))
                add()
            }
        }
        return queue.indices.flatMap { outputs[$0] ?? [] }
    }

    /// Sign-ins go first: while the queue is full, an import waits.
    private func patiently<Output: Sendable>(_ work: () async throws -> Output) async throws -> Output {
        while true {
            do { return try await work() } catch is PasswordHasher.PasswordPoolFull {
                try await Task.sleep(for: .milliseconds(250))
            }
        }
    }
}

extension LegacyEntry {
    /// A row that has no place of its own: its local id is another row's too, or somebody else's.
    var isForeign: Bool {
        guard let reason else { return false }
        return [
            .localIDMissing, .localIDUnusable, .duplicateLocalID, .duplicatePerson, .otherLocalID, .numericIdentifier,
        ]
        .contains(reason)
    }

    func local(
        _ localID: String, of application: ApplicationID, _ digest: String, _ now: Timestamp
    ) -> LegacyAccount {
        LegacyAccount(
            applicationID: application, localID: localID, userName: row.userName, nip: row.nip, email: row.email,
            accountID: accountID, matchedBy: matchedBy, state: state, reason: reason?.rawValue, fileDigest: digest,
            importedAt: now
        )
    }

    /// Whether an operator said since the plan was made whose this local account is, or gave its owner another one: an
    /// operator's word stands.
    func isOverruled(_ localID: String, of application: ApplicationID, _ tx: Transaction) throws -> Bool {
        let now = try tx.legacy.find(localID, of: application)
        if let now, now.matchedBy == .byHand, now.accountID != accountID || matchedBy != .byHand { return true }
        guard let accountID, let other = try tx.legacy.localID(of: accountID, in: application) else { return false }
        return !other.isExactly(localID)
    }

    /// Whoever set a password of their own since the plan was made needs no old one.
    func mayStillHaveOldPassword(_ tx: Transaction) throws -> Bool {
        guard let accountID else { return true }
        return try tx.accounts.find(accountID)?.mayHaveOldPassword == true
    }
}

extension LegacyHash {
    /// Why a hash is refused whose password anybody would try first; nothing if it is none of those.
    ///
    /// The longer one takes, the fewer are tried; whatever is not tried here is refused when it is typed.
    func guessed(_ guesses: LegacyGuesses) -> LegacyReason? {
        let (personal, common): ([String], [String]) =
            switch scheme.speed {
            case .quick: (guesses.all, LegacyGuesses.common)
            case .iterated: (guesses.some, Array(LegacyGuesses.common.prefix(8)))
            case .slow: (guesses.few, [])
            }
        if personal.contains(where: isOf) { return .hashOfNIP }
        return common.contains(where: isOf) ? .commonPassword : nil
    }

    /// Whether it is the hash of a password.
    func isOf(_ password: String) -> Bool {
        let bytes = LegacyText.bytes(password)
        guard scheme.form == .argon2 else { return scheme.compute(bytes, parameter)?.isExactly(text) == true }
        return PasswordHasher.isArgon2(text, of: bytes, scheme)
    }
}

extension PasswordHasher {
    /// The form in which an old hash is stored: quick ones wrapped with today's parameters, slow ones as they are.
    func kept(_ hash: LegacyHash) throws -> String {
        hash.scheme.form == .wrapped ? try computeHash(Array(hash.text.utf8)) : hash.text
    }

    /// Work on the pool's threads.
    func run<Output: Sendable>(_ work: @escaping @Sendable () throws -> Output) async throws -> Output {
        try await pool.run(work)
    }
}
