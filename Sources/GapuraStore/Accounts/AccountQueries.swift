package import GapuraFormats

extension Transaction {
    package var accounts: AccountQueries { AccountQueries(tx: self) }
}

/// All SQL about `accounts`.
package struct AccountQueries {
    let tx: Transaction

    static let columns: Statement =
        """
        accounts.id, accounts.person_id, accounts.sub, accounts.user_name, accounts.display_name, accounts.email, accounts.email_verified,
        accounts.state, accounts.state_by, accounts.role, accounts.sponsor_id, accounts.ends_at, accounts.password_hash,
        accounts.password_changed_at, accounts.created_at, accounts.updated_at
        """

    package func find(_ id: AccountID) throws -> Account? {
        try tx.first("SELECT \(fragment: Self.columns) FROM accounts WHERE id = \(id)").map(Self.account)
    }

    package func find(sub: String) throws -> Account? {
        try tx.first("SELECT \(fragment: Self.columns) FROM accounts WHERE sub = \(sub)").map(Self.account)
    }

    package func find(personID: PersonID) throws -> Account? {
        try tx.first("SELECT \(fragment: Self.columns) FROM accounts WHERE person_id = \(personID)").map(Self.account)
    }

    package func find(userName: String) throws -> Account? {
        try tx.first("SELECT \(fragment: Self.columns) FROM accounts WHERE user_name_key = \(nameKey(userName))").map(
            Self.account)
    }

    /// By any current NIP or NI PPPK; the digits only.
    package func find(nip: String) throws -> Account? {
        try tx.first(
            """
            SELECT \(fragment: Self.columns) FROM aliases JOIN accounts ON accounts.person_id = aliases.person_id
            WHERE aliases.value = \(nip) AND aliases.kind IN ('nip', 'ni_pppk') AND aliases.valid_to IS NULL
            """
        ).map(Self.account)
    }

    /// By an email that its owner has verified and nobody else has.
    package func find(verifiedEmail email: String) throws -> Account? {
        let rows = try tx.rows(
            "SELECT \(fragment: Self.columns) FROM accounts WHERE email_key = \(nameKey(email)) AND email_verified = 1 LIMIT 2"
        )
        guard rows.count == 1, let row = rows.first else { return nil }
        return try Self.account(row)
    }

    /// Every account, one by one.
    package func each(_ body: (Account) throws -> Void) throws {
        try tx.stream("SELECT \(fragment: Self.columns) FROM accounts") { try body(Self.account($0)) }
    }

    /// How many there are in each state.
    package func countByState() throws -> [(AccountState, Int64)] {
        try tx.rows("SELECT state, COUNT(*) FROM accounts GROUP BY state ORDER BY state").compactMap { row in
            guard let state = AccountState(rawValue: try row.text(0)) else { return nil }
            return (state, try row.integer(1))
        }
    }

    package func count(role: AdminRole) throws -> Int64 {
        try tx.first("SELECT COUNT(*) FROM accounts WHERE role = \(role.rawValue)")?.integer(0) ?? 0
    }

    package func insert(_ account: Account) throws {
        try tx.run(
            """
            INSERT INTO accounts (id, person_id, sub, user_name, user_name_key, display_name, email, email_key, email_verified, state, state_by,
            role, sponsor_id, ends_at, password_hash, password_changed_at, created_at, updated_at)
            VALUES (\(account.id), \(account.personID), \(account.sub), \(account.userName), \(account.userName.map(nameKey)),
            \(account.displayName), \(account.email), \(account.email.map(nameKey)), \(account.emailVerified), \(account.state.rawValue),
            \(account.stateBy.rawValue), \(account.role.rawValue), \(account.sponsorID), \(account.endsAt), \(account.passwordHash),
            \(account.passwordChangedAt), \(account.createdAt), \(account.updatedAt))
            """
        )
    }

    package func update(_ account: Account) throws {
        try tx.run(
            """
            UPDATE accounts SET user_name = \(account.userName), user_name_key = \(account.userName.map(nameKey)),
            display_name = \(account.displayName), email = \(account.email), email_key = \(account.email.map(nameKey)),
            email_verified = \(account.emailVerified), state = \(account.state.rawValue), state_by = \(account.stateBy.rawValue),
            role = \(account.role.rawValue), sponsor_id = \(account.sponsorID), ends_at = \(account.endsAt), updated_at = \(account.updatedAt)
            WHERE id = \(account.id)
            """
        )
    }

    package func updatePassword(_ id: AccountID, hash: String, at moment: Timestamp) throws {
        try tx.run(
            "UPDATE accounts SET password_hash = \(hash), password_changed_at = \(moment), updated_at = \(moment) WHERE id = \(id)"
        )
    }

    /// Replaces a hash by one with today's parameters, unless the password changed meanwhile.
    package func rehash(_ id: AccountID, from old: String, to new: String) throws {
        try tx.run("UPDATE accounts SET password_hash = \(new) WHERE id = \(id) AND password_hash = \(old)")
    }

    package func updateState(_ id: AccountID, _ state: AccountState, by source: StateSource, at moment: Timestamp)
        throws
    {
        try tx.run(
            "UPDATE accounts SET state = \(state.rawValue), state_by = \(source.rawValue), updated_at = \(moment) WHERE id = \(id)"
        )
    }

    static func account(_ row: Row) throws -> Account { try account(row, from: 0) }

    /// Reads the columns above, beginning at a position of a longer select list.
    static func account(_ row: Row, from start: Int) throws -> Account {
        guard let state = AccountState(rawValue: try row.text(start + 7)),
            let by = StateSource(rawValue: try row.text(start + 8)),
            let role = AdminRole(rawValue: try row.text(start + 9))
        else { throw StoreError.unreadable("accounts.state, state_by or role") }
        return Account(
            id: try row.id(start), personID: try row.optionalID(start + 1), sub: try row.text(start + 2),
            userName: try row.optionalText(start + 3), displayName: try row.optionalText(start + 4),
            email: try row.optionalText(start + 5), emailVerified: try row.bool(start + 6), state: state, stateBy: by,
            role: role,
            sponsorID: try row.optionalID(start + 10), endsAt: try row.optionalTime(start + 11),
            passwordHash: try row.optionalText(start + 12), passwordChangedAt: try row.optionalTime(start + 13),
            createdAt: try row.time(start + 14), updatedAt: try row.time(start + 15)
        )
    }
}
