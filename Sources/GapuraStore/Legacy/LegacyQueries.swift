package import GapuraFormats

extension Transaction {
    package var legacy: LegacyQueries { LegacyQueries(tx: self) }
}

/// All SQL about `legacy_accounts` and `legacy_passwords`.
package struct LegacyQueries {
    let tx: Transaction

    private static let accountColumns: Statement =
        """
        application_id, local_id, user_name, nip, email, account_id, matched_by, state, reason, file_digest, imported_at, used_at
        """

    private static let passwordColumns: Statement =
        """
        application_id, local_id, account_id, scheme, parameter, hash, cost, work, imported_at, expires_at
        """

    // MARK: Local accounts

    package func find(_ localID: String, of application: ApplicationID) throws -> LegacyAccount? {
        try tx.first(
            """
            SELECT \(fragment: Self.accountColumns) FROM legacy_accounts
            WHERE application_id = \(application) AND local_id = \(localID)
            """
        ).map(Self.account)
    }

    /// Every local account of an application, one by one.
    package func each(of application: ApplicationID, _ body: (LegacyAccount) throws -> Void) throws {
        try tx.stream(
            "SELECT \(fragment: Self.accountColumns) FROM legacy_accounts WHERE application_id = \(application)"
        ) { try body(Self.account($0)) }
    }

    /// What waits for a person, of one application or of all.
    package func listQueue(of application: ApplicationID?, limit: Int64) throws -> [LegacyAccount] {
        let one: Statement = application.map { "AND application_id = \($0)" } ?? ""
        return try tx.rows(
            """
            SELECT \(fragment: Self.accountColumns) FROM legacy_accounts WHERE state = 'queued' \(fragment: one)
            ORDER BY application_id, local_id LIMIT \(limit)
            """
        ).map(Self.account)
    }

    package func counts() throws -> [LegacyCount] {
        try tx.rows(
            """
            SELECT legacy_accounts.application_id, legacy_accounts.state, COUNT(*), COUNT(legacy_passwords.local_id)
            FROM legacy_accounts LEFT JOIN legacy_passwords ON legacy_passwords.application_id = legacy_accounts.application_id
            AND legacy_passwords.local_id = legacy_accounts.local_id
            GROUP BY legacy_accounts.application_id, legacy_accounts.state
            ORDER BY legacy_accounts.application_id, legacy_accounts.state
            """
        ).map { row in
            LegacyCount(
                applicationID: try row.id(0), state: try row.value(1), accounts: try row.integer(2),
                passwords: try row.integer(3))
        }
    }

    /// The id by which the application of a client knew an account; that application's alone.
    package func localID(of account: AccountID, for client: ClientID) throws -> String? {
        try tx.first(
            """
            SELECT legacy_accounts.local_id FROM clients
            JOIN legacy_accounts ON legacy_accounts.application_id = clients.application_id
            WHERE clients.id = \(client) AND legacy_accounts.account_id = \(account)
            """
        ).map { try $0.text(0) }
    }

    /// The local account that an account has in an application.
    package func localID(of account: AccountID, in application: ApplicationID) throws -> String? {
        try tx.first(
            "SELECT local_id FROM legacy_accounts WHERE account_id = \(account) AND application_id = \(application)"
        )?.text(0)
    }

    /// Writes local accounts, those that are known too.
    package func put(_ accounts: [LegacyAccount]) throws {
        try tx.insert(
            into: "legacy_accounts (\(fragment: Self.accountColumns))", accounts,
            conflict: """
                ON CONFLICT (application_id, local_id) DO UPDATE SET user_name = excluded.user_name, nip = excluded.nip,
                email = excluded.email, account_id = excluded.account_id, matched_by = excluded.matched_by,
                state = excluded.state, reason = excluded.reason, file_digest = excluded.file_digest,
                imported_at = excluded.imported_at
                """
        ) { row, account in
            row.add(account.applicationID)
            row.add(account.localID)
            row.add(account.userName)
            row.add(account.nip)
            row.add(account.email)
            row.add(account.accountID)
            row.add(account.matchedBy?.rawValue)
            row.add(account.state.rawValue)
            row.add(account.reason)
            row.add(account.fileDigest)
            row.add(account.importedAt)
            row.add(account.usedAt)
        }
    }

    // MARK: Passwords

    /// The heaviest slow hash that anybody here has; nothing if nobody has an old password at all.
    package func heaviest() throws -> (cost: Int64, work: Int64)? {
        // Two subselects: of one `SELECT` with both, SQLite would read the whole table.
        guard
            let row = try tx.first(
                "SELECT (SELECT MAX(cost) FROM legacy_passwords), (SELECT MAX(work) FROM legacy_passwords)"),
            let cost = try row.optionalInteger(0), let work = try row.optionalInteger(1)
        else { return nil }
        return (cost, work)
    }

    /// The newest old passwords of an account.
    package func passwords(of account: AccountID, at moment: Timestamp, limit: Int64) throws -> [LegacyPassword] {
        try tx.rows(
            """
            SELECT \(fragment: Self.passwordColumns) FROM legacy_passwords
            WHERE account_id = \(account) AND expires_at > \(moment)
            ORDER BY imported_at DESC, application_id, local_id LIMIT \(limit)
            """
        ).map(Self.password)
    }

    package func findPassword(_ localID: String, of application: ApplicationID) throws -> LegacyPassword? {
        try tx.first(
            """
            SELECT \(fragment: Self.passwordColumns) FROM legacy_passwords
            WHERE application_id = \(application) AND local_id = \(localID)
            """
        ).map(Self.password)
    }

    package func insert(_ passwords: [LegacyPassword]) throws {
        try tx.insert(into: "legacy_passwords (\(fragment: Self.passwordColumns))", passwords) { row, password in
            row.add(password.applicationID)
            row.add(password.localID)
            row.add(password.accountID)
            row.add(password.scheme)
            row.add(password.parameter)
            row.add(password.hash)
            row.add(password.cost)
            row.add(password.work)
            row.add(password.importedAt)
            row.add(password.expiresAt)
        }
    }

    /// Takes away the passwords of local accounts.
    package func deletePasswords(_ localIDs: some Collection<String>, of application: ApplicationID) throws {
        _ = try tx.portions(of: localIDs) { portion in
            try tx.run(
                "DELETE FROM legacy_passwords WHERE application_id = \(application) AND local_id IN \(list: portion)")
            return []
        }
    }

    /// - Returns: how many there were.
    @discardableResult
    package func deletePasswords(of application: ApplicationID) throws -> Int {
        try tx.run("DELETE FROM legacy_passwords WHERE application_id = \(application)")
    }

    /// An account that has a password of ours needs no old one.
    package func deletePasswords(of account: AccountID) throws {
        try tx.run("DELETE FROM legacy_passwords WHERE account_id = \(account)")
    }

    /// Spends an old password. - Returns: whether this call was the one that did.
    package func consume(_ password: LegacyPassword, of account: AccountID, at moment: Timestamp) throws -> Bool {
        let isSpent =
            try tx.run(
                """
                DELETE FROM legacy_passwords WHERE application_id = \(password.applicationID)
                AND local_id = \(password.localID) AND account_id = \(account) AND hash = \(password.hash)
                AND expires_at > \(moment)
                """
            ) == 1
        guard isSpent else { return false }
        try tx.run(
            """
            UPDATE legacy_accounts SET used_at = \(moment)
            WHERE application_id = \(password.applicationID) AND local_id = \(password.localID)
            """
        )
        return true
    }

    /// Says whose the password of a local account is.
    package func assign(_ localID: String, of application: ApplicationID, to account: AccountID) throws {
        try tx.run(
            """
            UPDATE legacy_passwords SET account_id = \(account)
            WHERE application_id = \(application) AND local_id = \(localID)
            """
        )
    }

    static func account(_ row: Row) throws -> LegacyAccount {
        LegacyAccount(
            applicationID: try row.id(0), localID: try row.text(1), userName: try row.optionalText(2),
            nip: try row.optionalText(3), email: try row.optionalText(4), accountID: try row.optionalID(5),
            matchedBy: try row.optionalText(6).map { text in
                guard let match = LegacyAccount.Match(rawValue: text) else {
                    throw StoreError.unreadable("legacy_accounts.matched_by")
                }
                return match
            }, state: try row.value(7), reason: try row.optionalText(8), fileDigest: try row.text(9),
            importedAt: try row.time(10), usedAt: try row.optionalTime(11)
        )
    }

    static func password(_ row: Row) throws -> LegacyPassword {
        LegacyPassword(
            applicationID: try row.id(0), localID: try row.text(1), accountID: try row.optionalID(2),
            scheme: try row.text(3), parameter: try row.text(4), hash: try row.text(5), cost: try row.integer(6),
            work: try row.integer(7), importedAt: try row.time(8), expiresAt: try row.time(9)
        )
    }
}
