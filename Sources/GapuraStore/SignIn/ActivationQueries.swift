package import GapuraFormats

extension Transaction {
    package var activation: ActivationQueries { ActivationQueries(tx: self) }
}

/// All SQL about `activation_codes`, and about who has not come yet.
package struct ActivationQueries {
    let tx: Transaction

    // MARK: Codes

    package func find(_ id: AccountID) throws -> ActivationRecord? {
        try tx.first(
            """
            SELECT account_id, digest, created_at, expires_at, used_at, issued_by, batch FROM activation_codes
            WHERE account_id = \(id)
            """
        ).map { row in
            ActivationRecord(
                accountID: try row.id(0), digest: try row.text(1), createdAt: try row.time(2),
                expiresAt: try row.time(3), usedAt: try row.optionalTime(4), issuedBy: try row.text(5),
                batch: try row.text(6))
        }
    }

    /// Writes new codes, many to a statement; the earlier code of an account is gone.
    package func put(_ records: [ActivationRecord]) throws {
        try tx.insert(
            into: "activation_codes (account_id, digest, created_at, expires_at, used_at, issued_by, batch)", records,
            conflict: """
                ON CONFLICT (account_id) DO UPDATE SET digest = excluded.digest, created_at = excluded.created_at,
                expires_at = excluded.expires_at, used_at = excluded.used_at, issued_by = excluded.issued_by, batch = excluded.batch
                """
        ) { row, record in
            row.add(record.accountID)
            row.add(record.digest)
            row.add(record.createdAt)
            row.add(record.expiresAt)
            row.add(record.usedAt)
            row.add(record.issuedBy)
            row.add(record.batch)
        }
    }

    /// Spends the code of an account. It may have become too old since it was typed: the link it led to says how long
    /// its bearer has. - Returns: whether this call was the one that did.
    package func consume(_ id: AccountID, at moment: Timestamp) throws -> Bool {
        try tx.run("UPDATE activation_codes SET used_at = \(moment) WHERE account_id = \(id) AND used_at IS NULL") == 1
    }

    /// Links that earlier codes led to are as worthless as those.
    package func consumeLinks(of accounts: some Collection<AccountID>, at moment: Timestamp) throws {
        _ = try tx.portions(of: accounts) { portion in
            try tx.run(
                """
                UPDATE one_time_links SET used_at = \(moment) WHERE account_id IN \(list: portion) AND purpose = 'activation'
                AND used_at IS NULL
                """)
            return []
        }
    }

    // MARK: Who has not come

    /// Of which accounts something is asked.
    package enum Scope: Sendable {
        case all
        /// Of people in the units at and below a path.
        case under(path: String)
        case accounts([AccountID])
    }

    /// Everybody without a password who may sign in, one by one, unit by unit.
    package func eachNewcomer(
        _ scope: Scope, states: [AccountState], at now: Timestamp, limit: Int64? = nil,
        _ body: (Newcomer) throws -> Void
    ) throws {
        try tx.stream(
            """
            SELECT \(fragment: AccountQueries.columns), people.name, people.front_title, people.back_title, people.phone,
            units.id, units.name, units.post_name, heads.name, heads.front_title, heads.back_title, agencies.name,
            (SELECT aliases.value FROM aliases WHERE aliases.person_id = people.id AND aliases.kind IN ('nip', 'ni_pppk')
            AND aliases.valid_to IS NULL ORDER BY aliases.valid_from DESC LIMIT 1),
            activation_codes.expires_at, activation_codes.used_at
            FROM accounts LEFT JOIN people ON people.id = accounts.person_id LEFT JOIN units ON units.id = people.unit_id
            LEFT JOIN units agencies ON agencies.id = units.agency_id LEFT JOIN people heads ON heads.pns_id = units.head_pns_id
            LEFT JOIN activation_codes ON activation_codes.account_id = accounts.id
            WHERE accounts.password_hash IS NULL AND accounts.state IN \(list: states.map(\.rawValue))
            AND \(fragment: Self.lasts(at: now)) AND \(fragment: Self.isIn(scope))
            ORDER BY COALESCE(units.path, '~'), accounts.id LIMIT \(limit ?? .max)
            """
        ) { try body(Self.newcomer($0, at: now)) }
    }

    /// How many people of each agency may sign in, and how many of them have no password.
    package func counts(_ scope: Scope, at now: Timestamp) throws -> [ArrivalCount] {
        try tx.rows(
            """
            SELECT agencies.id, agencies.name, COUNT(*), COUNT(CASE WHEN accounts.password_hash IS NULL THEN 1 END),
            COUNT(CASE WHEN accounts.password_hash IS NULL AND activation_codes.used_at IS NULL
                AND activation_codes.expires_at > \(now) THEN 1 END),
            COUNT(CASE WHEN accounts.password_hash IS NULL AND activation_codes.used_at IS NULL
                AND activation_codes.expires_at <= \(now) THEN 1 END)
            FROM accounts LEFT JOIN people ON people.id = accounts.person_id LEFT JOIN units ON units.id = people.unit_id
            LEFT JOIN units agencies ON agencies.id = units.agency_id
            LEFT JOIN activation_codes ON activation_codes.account_id = accounts.id
            WHERE accounts.state IN ('aktif', 'terbatas') AND \(fragment: Self.lasts(at: now)) AND \(fragment: Self.isIn(scope))
            GROUP BY agencies.id, agencies.name
            """
        ).map { row in
            ArrivalCount(
                agencyID: try row.optionalID(0), agency: try row.optionalText(1), accounts: try row.integer(2),
                pending: try row.integer(3), issued: try row.integer(4), expired: try row.integer(5))
        }
    }

    // MARK: Accounts that end

    /// Every account without a person that may sign in and has an end or a sponsor, with who answers for it.
    package func sponsored() throws -> [SponsoredAccount] {
        try tx.rows(
            """
            SELECT \(fragment: AccountQueries.columns), guardians.display_name, people.name, people.front_title, people.back_title,
            (SELECT aliases.value FROM aliases WHERE aliases.person_id = people.id AND aliases.kind IN ('nip', 'ni_pppk')
            AND aliases.valid_to IS NULL ORDER BY aliases.valid_from DESC LIMIT 1),
            (SELECT MIN(scheduled_changes.due_at) FROM scheduled_changes WHERE scheduled_changes.person_id = people.id
            AND scheduled_changes.kind = 'retired' AND scheduled_changes.state = 'waiting')
            FROM accounts LEFT JOIN accounts guardians ON guardians.id = accounts.sponsor_id
            LEFT JOIN people ON people.id = guardians.person_id
            WHERE accounts.id IN (\(fragment: Self.mayEnd)) AND accounts.person_id IS NULL
            AND accounts.state IN ('aktif', 'terbatas')
            """
        ).map { row in
            let start = AccountQueries.columnCount
            return SponsoredAccount(
                account: try AccountQueries.account(row),
                sponsorName: try row.optionalFullName(start + 1) ?? row.optionalText(start),
                sponsorNIP: try row.optionalText(start + 4), sponsorRetiresAt: try row.optionalTime(start + 5))
        }
    }

    /// Accounts that ended, or whose sponsor may not sign in any more, and that still have sessions or tokens.
    package func lapsed(at now: Timestamp, limit: Int64) throws -> [Account] {
        try tx.rows(
            """
            SELECT \(fragment: AccountQueries.columns) FROM accounts
            WHERE accounts.id IN (\(fragment: Self.mayEnd)) AND NOT (\(fragment: Self.lasts(at: now)))
            AND (EXISTS (SELECT 1 FROM sessions WHERE sessions.account_id = accounts.id AND sessions.ended_at IS NULL)
            OR EXISTS (SELECT 1 FROM token_families WHERE token_families.account_id = accounts.id
            AND token_families.revoked_at IS NULL AND token_families.ends_at > \(now)))
            LIMIT \(limit)
            """
        ).map(AccountQueries.account)
    }

    // MARK: Pieces

    /// The few accounts that can end by themselves, each kind by an index of its own.
    private static let mayEnd: Statement =
        """
        SELECT mortals.id FROM accounts mortals WHERE mortals.ends_at IS NOT NULL
        UNION SELECT mortals.id FROM accounts mortals WHERE mortals.sponsor_id IS NOT NULL
        """

    /// Whether an account has not ended, and its sponsor stands: what `Account.state(at:)` adds to the stored state.
    private static func lasts(at now: Timestamp) -> Statement {
        """
        (accounts.ends_at IS NULL OR accounts.ends_at > \(now)) AND NOT EXISTS (SELECT 1 FROM accounts sponsors
        WHERE sponsors.id = accounts.sponsor_id AND (sponsors.state NOT IN ('aktif', 'terbatas') OR sponsors.ends_at <= \(now)))
        """
    }

    private static func isIn(_ scope: Scope) -> Statement {
        switch scope {
        case .all: "1 = 1"
        // From the units to their people: `CROSS JOIN` keeps SQLite to that order.
        case .under(let path):
            """
            accounts.person_id IN (SELECT there.id FROM units homes CROSS JOIN people there
            WHERE \(fragment: UnitQueries.isUnder(path, "homes")) AND there.unit_id = homes.id)
            """
        case .accounts(let ids): "accounts.id IN \(list: ids)"
        }
    }

    private static func newcomer(_ row: Row, at now: Timestamp) throws -> Newcomer {
        let start = AccountQueries.columnCount
        let account = try AccountQueries.account(row)
        let place = try row.optionalText(start + 4).map { _ in
            Newcomer.Place(
                id: try row.id(start + 4), name: try row.text(start + 5), headPost: try row.optionalText(start + 6),
                headName: try row.optionalFullName(start + 7), agency: try row.optionalText(start + 10))
        }
        let code: Newcomer.Code =
            switch (try row.optionalTime(start + 12), try row.optionalTime(start + 13)) {
            case (let expiresAt?, nil): now < expiresAt ? .issued(until: expiresAt) : .expired(at: expiresAt)
            default: .none
            }
        return Newcomer(
            account: account, name: try row.optionalFullName(start) ?? account.displayName ?? "",
            nip: try row.optionalText(start + 11), phone: try row.optionalText(start + 3), place: place, code: code)
    }
}
