package import GapuraFormats

extension Transaction {
    package var accounts: AccountQueries { AccountQueries(tx: self) }
}

/// All SQL about `accounts`.
package struct AccountQueries {
    let tx: Transaction

    /// With what it depends on of its sponsor, so that every look at an account is a look at both.
    static let columns: Statement =
        """
        accounts.id, accounts.person_id, accounts.sub, accounts.user_name, accounts.display_name, accounts.email, accounts.email_verified,
        accounts.state, accounts.state_by, accounts.role, accounts.sponsor_id, accounts.ends_at, accounts.password_hash,
        accounts.password_changed_at, accounts.created_at, accounts.updated_at,
        (SELECT sponsors.state FROM accounts sponsors WHERE sponsors.id = accounts.sponsor_id),
        (SELECT sponsors.ends_at FROM accounts sponsors WHERE sponsors.id = accounts.sponsor_id),
        accounts.role_unit_id
        """
    /// How many columns that is.
    static let columnCount = 19

    package func find(_ id: AccountID) throws -> Account? {
        try tx.first("SELECT \(fragment: Self.columns) FROM accounts WHERE id = \(id)").map(Self.account)
    }

    package func find(personID: PersonID) throws -> Account? {
        try tx.first("SELECT \(fragment: Self.columns) FROM accounts WHERE person_id = \(personID)").map(Self.account)
    }

    package func find(userName: String) throws -> Account? {
        try tx.first("SELECT \(fragment: Self.columns) FROM accounts WHERE user_name_key = \(nameKey(userName))").map(
            Self.account)
    }

    package func list(_ ids: some Collection<AccountID>) throws -> [Account] {
        try tx.portions(of: ids) { portion in
            try tx.rows("SELECT \(fragment: Self.columns) FROM accounts WHERE id IN \(list: portion)")
        }.map(Self.account)
    }

    package func list(personIDs: some Collection<PersonID>) throws -> [Account] {
        try tx.portions(of: personIDs) { portion in
            try tx.rows("SELECT \(fragment: Self.columns) FROM accounts WHERE person_id IN \(list: portion)")
        }.map(Self.account)
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

    /// By an email that its owner has verified and nobody shares.
    package func find(verifiedEmail email: String) throws -> Account? {
        let rows = try tx.rows(
            "SELECT \(fragment: Self.columns) FROM accounts WHERE email_key = \(nameKey(email)) AND email_verified = 1 LIMIT 2"
        )
        guard rows.count == 1, let row = rows.first else { return nil }
        return try Self.account(row)
    }

    /// Whether anybody else has an email address verified.
    package func isVerified(email: String, besides id: AccountID) throws -> Bool {
        let key = nameKey(email)
        return try tx.first(
            "SELECT 1 FROM accounts WHERE email_key = \(key) AND email_verified = 1 AND id <> \(id) LIMIT 1") != nil
    }

    /// The path of the unit an account belongs to: its person's, or of an account without a person that of whoever
    /// answers for it. Nothing where neither works in a unit.
    package func homePath(of id: AccountID) throws -> String? {
        try tx.first(
            """
            SELECT units.path FROM accounts LEFT JOIN accounts guardians ON guardians.id = accounts.sponsor_id
            JOIN people ON people.id = COALESCE(accounts.person_id, guardians.person_id)
            JOIN units ON units.id = people.unit_id WHERE accounts.id = \(id)
            """
        ).map { try $0.text(0) }
    }

    /// Every account, one by one.
    package func each(_ body: (Account) throws -> Void) throws {
        try tx.stream("SELECT \(fragment: Self.columns) FROM accounts") { try body(Self.account($0)) }
    }

    /// How many people have an account that may sign in.
    package func countOfPeopleWhoMaySignIn() throws -> Int64 {
        try tx.first("SELECT COUNT(*) FROM accounts WHERE person_id IS NOT NULL AND state IN ('aktif', 'terbatas')")?
            .integer(0) ?? 0
    }

    /// Everybody with a role, whatever their state.
    package func list(role: AdminRole) throws -> [Account] {
        try tx.rows("SELECT \(fragment: Self.columns) FROM accounts WHERE role = \(role.rawValue) ORDER BY accounts.id")
            .map(Self.account)
    }

    package func insert(_ account: Account) throws { try insert([account]) }

    package func insert(_ accounts: [Account]) throws {
        let table: Statement = """
            accounts (id, person_id, sub, user_name, user_name_key, display_name, email, email_key, email_verified, state, state_by,
            role, role_unit_id, sponsor_id, ends_at, password_hash, password_changed_at, created_at, updated_at)
            """
        try tx.insert(into: table, accounts) { row, account in
            row.add(account.id)
            row.add(account.personID)
            row.add(account.sub)
            row.add(account.userName)
            row.add(account.userName.map(nameKey))
            row.add(account.displayName)
            row.add(account.email)
            row.add(account.email.map(nameKey))
            row.add(account.emailVerified)
            row.add(account.state.rawValue)
            row.add(account.stateBy.rawValue)
            row.add(account.role.rawValue)
            row.add(account.roleUnitID)
            row.add(account.sponsorID)
            row.add(account.endsAt)
            row.add(account.passwordHash)
            row.add(account.passwordChangedAt)
            row.add(account.createdAt)
            row.add(account.updatedAt)
        }
    }

    package func update(_ account: Account) throws {
        try tx.run(
            """
            UPDATE accounts SET user_name = \(account.userName), user_name_key = \(account.userName.map(nameKey)),
            display_name = \(account.displayName), email = \(account.email), email_key = \(account.email.map(nameKey)),
            email_verified = \(account.emailVerified), state = \(account.state.rawValue), state_by = \(account.stateBy.rawValue),
            role = \(account.role.rawValue), role_unit_id = \(account.roleUnitID), sponsor_id = \(account.sponsorID), ends_at = \(account.endsAt), updated_at = \(account.updatedAt)
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

    /// The same state for many.
    package func updateStates(
        _ ids: some Collection<AccountID>, _ state: AccountState, by source: StateSource, at moment: Timestamp
    ) throws {
        _ = try tx.portions(of: ids) { portion in
            try tx.run(
                """
                UPDATE accounts SET state = \(state.rawValue), state_by = \(source.rawValue), updated_at = \(moment)
                WHERE id IN \(list: portion)
                """)
            return []
        }
    }

    static func account(_ row: Row) throws -> Account { try account(row, from: 0) }

    /// Reads the columns above, beginning at a position of a longer select list.
    static func account(_ row: Row, from start: Int) throws -> Account {
        guard let state = AccountState(rawValue: try row.text(start + 7)),
            let by = StateSource(rawValue: try row.text(start + 8)),
            let role = AdminRole(rawValue: try row.text(start + 9))
        else { throw StoreError.unreadable("accounts.state, state_by or role") }
        var account = Account(
            id: try row.id(start), personID: try row.optionalID(start + 1), sub: try row.text(start + 2),
            userName: try row.optionalText(start + 3), displayName: try row.optionalText(start + 4),
            email: try row.optionalText(start + 5), emailVerified: try row.bool(start + 6), state: state, stateBy: by,
            role: role, roleUnitID: try row.optionalID(start + 18),
            sponsorID: try row.optionalID(start + 10), endsAt: try row.optionalTime(start + 11),
            passwordHash: try row.optionalText(start + 12), passwordChangedAt: try row.optionalTime(start + 13),
            createdAt: try row.time(start + 14), updatedAt: try row.time(start + 15)
        )
        if try row.optionalText(start + 16) != nil {
            account.sponsor = Account.Sponsor(
                state: try row.value(start + 16), endsAt: try row.optionalTime(start + 17))
        }
        return account
    }
}
