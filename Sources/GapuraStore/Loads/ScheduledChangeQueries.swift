package import GapuraFormats

extension Transaction {
    package var schedule: ScheduledChangeQueries { ScheduledChangeQueries(tx: self) }
    package var bin: BinQueries { BinQueries(tx: self) }
}

/// All SQL about `scheduled_changes`.
package struct ScheduledChangeQueries {
    let tx: Transaction

    private static let columns: Statement =
        "id, person_id, kind, load_id, valid_from, due_at, state, state_before, decided_at"

    /// Writes them, new or known, many to a statement.
    package func put(_ changes: [ScheduledChange]) throws {
        try tx.insert(
            into: "scheduled_changes (\(fragment: Self.columns))", changes,
            conflict: """
                ON CONFLICT (id) DO UPDATE SET valid_from = excluded.valid_from, due_at = excluded.due_at, state = excluded.state,
                state_before = excluded.state_before, decided_at = excluded.decided_at
                """
        ) { row, change in
            row.add(change.id)
            row.add(change.personID)
            row.add(change.kind.rawValue)
            row.add(change.loadID)
            row.add(change.validFrom)
            row.add(change.dueAt)
            row.add(change.state.rawValue)
            row.add(change.stateBefore?.rawValue)
            row.add(change.decidedAt)
        }
    }

    /// All that were not cancelled, one by one.
    package func eachOpen(_ body: (ScheduledChange) throws -> Void) throws {
        try tx.stream("SELECT \(fragment: Self.columns) FROM scheduled_changes WHERE state <> 'cancelled' ORDER BY id")
        {
            try body(Self.change($0))
        }
    }

    /// Who was missing in a load and waits for the end of the grace.
    package func waitingAbsences(limit: Int64) throws -> [PersonID] {
        try tx.rows(
            """
            SELECT person_id FROM scheduled_changes WHERE kind = 'vanished' AND state = 'waiting' ORDER BY id LIMIT \(limit)
            """
        ).map { try $0.id(0) }
    }

    /// Those of some people that were not cancelled, oldest first.
    package func listOpen(of people: some Collection<PersonID>) throws -> [ScheduledChange] {
        try tx.portions(of: people) { portion in
            try tx.rows(
                """
                SELECT \(fragment: Self.columns) FROM scheduled_changes
                WHERE person_id IN \(list: portion) AND state <> 'cancelled'
                """)
        }.map(Self.change).sorted { $0.id < $1.id }
    }

    package func list(_ ids: some Collection<ID<ScheduledChange>>) throws -> [ScheduledChange] {
        try tx.portions(of: ids) { portion in
            try tx.rows("SELECT \(fragment: Self.columns) FROM scheduled_changes WHERE id IN \(list: portion)")
        }.map(Self.change)
    }

    package func list(of person: PersonID) throws -> [ScheduledChange] {
        try tx.rows(
            "SELECT \(fragment: Self.columns) FROM scheduled_changes WHERE person_id = \(person) ORDER BY id"
        ).map(Self.change)
    }

    /// When the next one is due.
    package func nextDue() throws -> Timestamp? {
        try tx.first("SELECT MIN(due_at) FROM scheduled_changes WHERE state = 'waiting'")?.optionalTime(0)
    }

    package func due(at moment: Timestamp, limit: Int64) throws -> [ScheduledChange] {
        try tx.rows(
            """
            SELECT \(fragment: Self.columns) FROM scheduled_changes WHERE state = 'waiting' AND due_at <= \(moment)
            ORDER BY due_at, id LIMIT \(limit)
            """
        ).map(Self.change)
    }

    static func change(_ row: Row) throws -> ScheduledChange {
        ScheduledChange(
            id: try row.id(0), personID: try row.id(1), kind: try row.value(2), loadID: try row.id(3),
            validFrom: try row.time(4), dueAt: try row.time(5), state: try row.value(6),
            stateBefore: try row.optionalText(7) == nil ? nil : row.value(7), decidedAt: try row.optionalTime(8)
        )
    }
}

/// All SQL about `recycle_bin`.
package struct BinQueries {
    let tx: Transaction

    /// What stands in the bin about an account, for people.
    package struct Listed: Sendable {
        package let entry: BinEntry
        package let state: AccountState
        package let pnsID: String?
        package let name: String?
    }

    package func put(_ entries: [BinEntry]) throws {
        try tx.insert(
            into: "recycle_bin (account_id, load_id, reason, state_before, entered_at, until)", entries,
            conflict: """
                ON CONFLICT (account_id) DO UPDATE SET load_id = excluded.load_id, reason = excluded.reason,
                state_before = excluded.state_before, entered_at = excluded.entered_at, until = excluded.until
                """
        ) { row, entry in
            row.add(entry.accountID)
            row.add(entry.loadID)
            row.add(entry.reason.rawValue)
            row.add(entry.stateBefore.rawValue)
            row.add(entry.enteredAt)
            row.add(entry.until)
        }
    }

    package func remove(_ accounts: some Collection<AccountID>) throws {
        _ = try tx.portions(of: accounts) { portion in
            try tx.run("DELETE FROM recycle_bin WHERE account_id IN \(list: portion)")
            return []
        }
    }

    /// Who is in it at a moment, those that leave it first in front. An account that an admin put back is not.
    package func list(at moment: Timestamp, limit: Int64) throws -> [Listed] {
        try tx.rows(
            """
            SELECT recycle_bin.account_id, recycle_bin.load_id, recycle_bin.reason, recycle_bin.state_before, recycle_bin.entered_at,
            recycle_bin.until, accounts.state, people.pns_id, people.name FROM recycle_bin
            JOIN accounts ON accounts.id = recycle_bin.account_id LEFT JOIN people ON people.id = accounts.person_id
            WHERE recycle_bin.until > \(moment) AND accounts.state NOT IN ('aktif', 'terbatas')
            ORDER BY recycle_bin.until, recycle_bin.account_id LIMIT \(limit)
            """
        ).map { row in
            Listed(
                entry: BinEntry(
                    accountID: try row.id(0), loadID: try row.id(1), reason: try row.value(2),
                    stateBefore: try row.value(3), enteredAt: try row.time(4), until: try row.time(5)),
                state: try row.value(6), pnsID: try row.optionalText(7), name: try row.optionalText(8))
        }
    }
}
