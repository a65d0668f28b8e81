package import GapuraFormats

/// Which accounts a list holds. Whatever is nil does not narrow.
package struct AccountFilter: Sendable {
    /// The path of a unit: only accounts that belong to it or to a unit below (`AccountQueries.homePath`).
    package var path: String?
    package var state: AccountState?
    package var role: AdminRole?
    /// Stands in a name, a user name or an email address, or begins an NIP.
    package var search: String?
    /// The last account of the page before; lists are in the order of ids.
    package var after: AccountID?
    package var limit: Int64?

    package init(
        path: String? = nil, state: AccountState? = nil, role: AdminRole? = nil, search: String? = nil,
        after: AccountID? = nil, limit: Int64? = nil
    ) {
        self.path = path
        self.state = state
        self.role = role
        self.search = search
        self.after = after
        self.limit = limit
    }
}

/// An account with what a list shows of its person.
package struct ListedAccount: Sendable {
    package let account: Account
    /// With titles.
    package let name: String?
    package let nip: String?
    package let unit: String?
    package let agency: String?
    package let roleUnit: String?
}

/// Lists of accounts. How far whoever asks may see stands in the `WHERE` of every statement, of counts too (attack 190).
extension AccountQueries {
    /// One by one, in the order of ids, each with names from the same statement.
    package func each(_ filter: AccountFilter, at now: Timestamp, _ body: (ListedAccount) throws -> Void) throws {
        let next = Self.columnCount
        // A page of many is found sooner by looking at everybody in order than by collecting the many first.
        let isCrowded =
            try filter.search == nil && filter.state == nil && filter.role == nil
            && filter.limit.map { $0 < 1000 } == true
            && filter.path.map(isCrowded(under:)) ?? false
        var condition = Self.matches(filter, at: now, path: isCrowded ? Self.isMember : Self.isListedMember)
        if let after = filter.after { condition = "\(fragment: condition) AND accounts.id > \(after)" }
        try tx.stream(
            """
            SELECT \(fragment: Self.columns), people.name, people.front_title, people.back_title, units.name, agencies.name,
            (SELECT aliases.value FROM aliases WHERE aliases.person_id = accounts.person_id AND aliases.kind IN ('nip', 'ni_pppk')
            AND aliases.valid_to IS NULL ORDER BY aliases.valid_from DESC LIMIT 1),
            (SELECT role_units.name FROM units role_units WHERE role_units.id = accounts.role_unit_id)
            FROM accounts LEFT JOIN people ON people.id = accounts.person_id LEFT JOIN units ON units.id = people.unit_id
            LEFT JOIN units agencies ON agencies.id = units.agency_id
            WHERE \(fragment: condition) ORDER BY accounts.id LIMIT \(filter.limit ?? .max)
            """
        ) { row in
            let account = try Self.account(row)
            try body(
                ListedAccount(
                    account: account, name: try row.optionalFullName(next) ?? account.displayName,
                    nip: try row.optionalText(next + 5),
                    unit: try row.optionalText(next + 3), agency: try row.optionalText(next + 4),
                    roleUnit: try row.optionalText(next + 6)))
        }
    }

    /// How many there are, whatever `after` and `limit` say.
    package func count(_ filter: AccountFilter, at now: Timestamp) throws -> Int64 {
        try tx.first(
            """
            SELECT COUNT(*) FROM accounts LEFT JOIN people ON people.id = accounts.person_id
            WHERE \(fragment: Self.matches(filter, at: now, path: Self.isListedMember))
            """
        )?.integer(0) ?? 0
    }

    /// Whether a subtree has so many people that a page of them is everywhere.
    private func isCrowded(under path: String) throws -> Bool {
        let count = try tx.first(
            """
            SELECT COUNT(*) FROM (SELECT 1 FROM units homes CROSS JOIN people there
            WHERE \(fragment: UnitQueries.isUnder(path, "homes")) AND there.unit_id = homes.id LIMIT 5000) crowd
            """
        )?.integer(0)
        return count == 5000
    }

    /// The accounts that belong to a unit or to one below it.
    package func ids(under path: String) throws -> Set<AccountID> {
        Set(try tx.rows(Self.members(under: path)).map { try $0.id(0) })
    }

    // MARK: Pieces

    /// - Parameter isMember: how membership in the filter's subtree is asked for.
    private static func matches(_ filter: AccountFilter, at now: Timestamp, path isMember: (String) -> Statement)
        -> Statement
    {
        var condition: Statement = "1 = 1"
        if let path = filter.path { condition = "\(fragment: condition) AND \(fragment: isMember(path))" }
        if let role = filter.role { condition = "\(fragment: condition) AND accounts.role = \(role.rawValue)" }
        if let state = filter.state {
            condition = "\(fragment: condition) AND \(fragment: stateNow(now)) = \(state.rawValue)"
        }
        if let search = filter.search { condition = "\(fragment: condition) AND \(fragment: found(search))" }
        return condition
    }

    /// By a person's unit, and of an account without a person by the unit of whoever answers for it.
    ///
    /// Compared as equal text and not as a range: ranges depend on how a database sorts.
    ///
    /// `CROSS JOIN` because SQLite keeps to its order: from the few units to their people, and not the other way.
    private static func members(under path: String) -> Statement {
        """
        SELECT own.id FROM units homes CROSS JOIN people there CROSS JOIN accounts own
        WHERE \(fragment: UnitQueries.isUnder(path, "homes")) AND there.unit_id = homes.id AND own.person_id = there.id
        UNION ALL SELECT lent.id FROM accounts lent CROSS JOIN accounts guardians CROSS JOIN people there CROSS JOIN units homes
        WHERE lent.sponsor_id IS NOT NULL AND lent.person_id IS NULL AND guardians.id = lent.sponsor_id
        AND there.id = guardians.person_id AND homes.id = there.unit_id AND \(fragment: UnitQueries.isUnder(path, "homes"))
        """
    }

    private static func isListedMember(_ path: String) -> Statement {
        "accounts.id IN (\(fragment: members(under: path)))"
    }

    /// The same of one account after the other.
    private static func isMember(_ path: String) -> Statement {
        """
        SUBSTR((SELECT homes.path FROM people there JOIN units homes ON homes.id = there.unit_id
        WHERE there.id = COALESCE(accounts.person_id,
        (SELECT guardians.person_id FROM accounts guardians WHERE guardians.id = accounts.sponsor_id))),
        1, CAST(\(path.utf8.count) AS INTEGER)) = \(path)
        """
    }

    /// `Account.state(at:)` as the database says it.
    private static func stateNow(_ now: Timestamp) -> Statement {
        """
        CASE WHEN accounts.ends_at <= \(now) THEN 'nonaktif'
        WHEN accounts.state IN ('aktif', 'terbatas') AND EXISTS (SELECT 1 FROM accounts sponsors WHERE sponsors.id = accounts.sponsor_id
        AND (sponsors.state NOT IN ('aktif', 'terbatas') OR sponsors.ends_at <= \(now))) THEN 'ditangguhkan'
        ELSE accounts.state END
        """
    }

    /// Digits begin an NIP; anything else stands in a name. `REPLACE` takes no wildcards (attack 331).
    private static func found(_ search: String) -> Statement {
        let key = nameKey(search)
        let digits = key.utf8
        if (1...18).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) {
            let (first, last) = (padded(key, "0"), padded(key, "9"))
            return """
                accounts.person_id IN (SELECT aliases.person_id FROM aliases WHERE aliases.value BETWEEN \(first) AND \(last)
                AND aliases.kind IN ('nip', 'ni_pppk') AND aliases.valid_to IS NULL)
                """
        }
        return """
            (REPLACE(people.name_key, \(key), '') <> people.name_key OR REPLACE(accounts.user_name_key, \(key), '') <> accounts.user_name_key
            OR REPLACE(accounts.email_key, \(key), '') <> accounts.email_key
            OR REPLACE(LOWER(accounts.display_name), \(key), '') <> LOWER(accounts.display_name))
            """
    }

    /// Every NIP and NI PPPK has 18 digits.
    private static func padded(_ digits: String, _ digit: String) -> String {
        digits + String(repeating: digit, count: 18 - digits.utf8.count)
    }
}
