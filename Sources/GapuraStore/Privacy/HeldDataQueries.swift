package import GapuraFormats

/// By what the tables know somebody. Contract staff have no person, and people who never got an account none of that.
package struct HeldSubject: Sendable {
    package var person: Person?
    package var account: Account?

    package init(person: Person?, account: Account?) {
        self.person = person
        self.account = account
    }
}

/// The rows of one table about somebody, without secrets.
package struct HeldTable: Sendable {
    package let name: String
    package let rows: [[(column: String, value: SQLValue)]]
}

extension Transaction {
    package var heldData: HeldDataQueries { HeldDataQueries(tx: self) }
}

/// All SQL that reads or removes everything about one person: the list below is the one place that says where people
/// stand in this database.
package struct HeldDataQueries {
    let tx: Transaction

    /// How a table knows whose its rows are.
    enum Owner {
        case person
        case account
        case sub
        case pnsID
    }

    struct Table {
        /// In the file; a table may occur under two names.
        let name: String
        let table: String
        let owner: Owner
        /// With one `?` where the owner's id goes.
        let condition: String
        /// What is told; secrets and their digests are not.
        let columns: String
    }

    static let tables: [Table] = [
        Table(
            name: "person", table: "people", owner: .person, condition: "id = ?",
            columns: """
                id, pns_id, name, front_title, back_title, employee_kind, status_code, status_name, grade, post_kind, post_id,
                post_name, post_since, unit_id, works_here, email, phone, needs_review, created_at, updated_at
                """),
        Table(
            name: "aliases", table: "aliases", owner: .person, condition: "person_id = ?",
            columns: "id, kind, value, valid_from, valid_to"),
        Table(
            name: "identity_numbers", table: "identity_numbers", owner: .person, condition: "person_id = ?",
            columns: "changed_at"),
        Table(
            name: "account", table: "accounts", owner: .account, condition: "id = ?",
            columns: """
                id, person_id, sub, user_name, display_name, email, email_verified, state, state_by, role, role_unit_id, sponsor_id,
                ends_at,
                password_changed_at, created_at, updated_at
                """),
        Table(
            name: "sponsored_accounts", table: "accounts", owner: .account, condition: "sponsor_id = ?",
            columns: "id, ends_at, created_at"),
        Table(
            name: "one_time_links", table: "one_time_links", owner: .account, condition: "account_id = ?",
            columns: "purpose, created_at, expires_at, used_at"),
        Table(
            name: "activation_codes", table: "activation_codes", owner: .account, condition: "account_id = ?",
            columns: "created_at, expires_at, used_at, issued_by, batch"),
        Table(
            name: "devices", table: "devices", owner: .account, condition: "account_id = ?",
            columns: "network, created_at, last_seen_at"),
        Table(
            name: "sessions", table: "sessions", owner: .account, condition: "account_id = ?",
            columns: """
                id, auth_time, amr, acr, user_agent, address, created_at, last_seen_at, idle_ends_at, ends_at, ended_at, end_reason
                """),
        Table(
            name: "client_sessions", table: "client_sessions", owner: .account,
            condition: "session_id IN (SELECT id FROM sessions WHERE account_id = ?)",
            columns: "sid, session_id, client_id, created_at, last_used_at"),
        Table(
            name: "token_families", table: "token_families", owner: .account, condition: "account_id = ?",
            columns: """
                id, client_id, session_id, sid, scope, auth_time, amr, acr, offline, created_at, ends_at, revoked_at, revoke_reason
                """),
        Table(
            name: "logout_deliveries", table: "logout_deliveries", owner: .sub, condition: "account_sub = ?",
            columns: "id, session_id, client_id, sid, uri, created_at, tries, state, answered_at, status, problem"),
        Table(
            name: "application_uses", table: "application_uses", owner: .account, condition: "account_id = ?",
            columns: "application_id, first_used_at, last_used_at, times"),
        Table(
            name: "consents", table: "consents", owner: .account, condition: "account_id = ?",
            columns: "client_id, item, given_at, expires_at"),
        Table(
            name: "disclosures", table: "disclosures", owner: .account, condition: "account_id = ?",
            columns: "client_id, claims, first_at, last_at, times"),
        Table(
            name: "grants", table: "grants", owner: .account, condition: "subject_kind = 'account' AND subject = ?",
            columns: """
                id, application_id, role, unit_id, valid_from, valid_to, letter_number, given_by, given_at, ended_at, ended_by, end_reason
                """),
        Table(
            name: "appointments", table: "appointments", owner: .person, condition: "person_id = ?",
            columns: """
                id, unit_id, kind, post_name, letter_number, valid_from, valid_to, letter_to, recorded_at, recorded_by, ended_at, ended_by
                """),
        Table(
            name: "manager", table: "manager_overrides", owner: .person, condition: "person_id = ?",
            columns: "manager_id, set_at, set_by"),
        Table(
            name: "manager_of", table: "manager_overrides", owner: .person, condition: "manager_id = ?",
            columns: "person_id, set_at, set_by"),
        Table(
            name: "external_ids", table: "external_ids", owner: .person, condition: "kind = 'person' AND entity_id = ?",
            columns: "client_id, external_id"),
        Table(
            name: "scheduled_changes", table: "scheduled_changes", owner: .person, condition: "person_id = ?",
            columns: "id, kind, load_id, valid_from, due_at, state, state_before, decided_at"),
        Table(
            name: "recycle_bin", table: "recycle_bin", owner: .account, condition: "account_id = ?",
            columns: "load_id, reason, state_before, entered_at, until"),
        Table(
            name: "load_changes", table: "load_changes", owner: .person,
            condition: "entity = 'person' AND entity_id = ?", columns: "load_id, old_values, new_values"),
        Table(
            name: "account_load_changes", table: "load_changes", owner: .account,
            condition: "entity = 'account' AND entity_id = ?", columns: "load_id, old_values, new_values"),
        Table(
            name: "load_findings", table: "load_findings", owner: .pnsID, condition: "pns_id = ?",
            columns: "load_id, row_number, outcome, reason"),
        Table(
            name: "units_led", table: "units", owner: .pnsID, condition: "head_pns_id = ?",
            columns: "id, source_id, name"),
        Table(
            name: "draft_units_led", table: "unit_draft_rows", owner: .pnsID, condition: "head_pns_id = ?",
            columns: "draft_id, row_number"),
        Table(
            name: "legacy_accounts", table: "legacy_accounts", owner: .account, condition: "account_id = ?",
            columns: "application_id, local_id, user_name, nip, email, matched_by, state, reason, imported_at, used_at"),
        Table(
            name: "legacy_passwords", table: "legacy_passwords", owner: .account, condition: "account_id = ?",
            columns: "application_id, local_id, scheme, imported_at, expires_at"),
    ]

    /// Everything about somebody, table by table; empty tables too, so that it shows what there could be.
    package func list(_ subject: HeldSubject) throws -> [HeldTable] {
        try Self.tables.map { table in
            guard let key = Self.key(subject, table.owner) else { return HeldTable(name: table.name, rows: []) }
            let names = table.columns.split(whereSeparator: { $0 == "," || $0 == " " || $0 == "\n" }).map(String.init)
            let rows = try tx.rows(Self.select(table.columns, table, key))
            return HeldTable(name: table.name, rows: rows.map { row in zip(names, row.values).map { ($0, $1) } })
        }
    }

    /// How many rows each table has about somebody.
    package func counts(_ subject: HeldSubject) throws -> [(name: String, rows: Int64)] {
        try Self.tables.compactMap { table in
            guard let key = Self.key(subject, table.owner) else { return nil }
            let count = try tx.first(Self.select("COUNT(*)", table, key))?.integer(0) ?? 0
            return count > 0 ? (table.name, count) : nil
        }
    }

    private static func key(_ subject: HeldSubject, _ owner: Owner) -> String? {
        switch owner {
        case .person: subject.person?.id.text
        case .account: subject.account?.id.text
        case .sub: subject.account?.sub
        case .pnsID: subject.person?.pnsID
        }
    }

    private static func select(_ columns: String, _ table: Table, _ key: String) -> Statement {
        let parts = table.condition.split(separator: "?", omittingEmptySubsequences: false)
        let before = Statement(trusted: "SELECT \(columns) FROM \(table.table) WHERE \(parts.first ?? "")")
        let after = Statement(trusted: String(parts.count > 1 ? parts[1] : ""))
        return "\(fragment: before)\(key)\(fragment: after)"
    }

    // MARK: Removing

    /// Removes what is somebody's, and empties what must stay because other rows or the audit name its id. The account
    /// keeps its `sub`, so that nobody else ever gets it.
    /// - Parameter placeholder: stands where a name is needed.
    package func erase(_ subject: HeldSubject, placeholder: String, at moment: Timestamp) throws {
        // Answers that are kept to be given again for a day may tell of anybody, and are sealed.
        try tx.run("DELETE FROM api_answers")
        if let account = subject.account { try erase(account, placeholder, moment) }
        if let person = subject.person { try erase(person, placeholder, moment) }
    }

    private func erase(_ account: Account, _ placeholder: String, _ moment: Timestamp) throws {
        let id = account.id
        let families: Statement = "SELECT id FROM token_families WHERE account_id = \(id)"
        try tx.run("DELETE FROM codes WHERE family_id IN (\(fragment: families))")
        try tx.run("DELETE FROM refresh_tokens WHERE family_id IN (\(fragment: families))")
        try tx.run("DELETE FROM access_tokens WHERE family_id IN (\(fragment: families))")
        try tx.run("DELETE FROM token_families WHERE account_id = \(id)")
        try tx.run("DELETE FROM client_sessions WHERE session_id IN (SELECT id FROM sessions WHERE account_id = \(id))")
        try tx.run("DELETE FROM sessions WHERE account_id = \(id)")
        try tx.run("DELETE FROM one_time_links WHERE account_id = \(id)")
        try tx.run("DELETE FROM activation_codes WHERE account_id = \(id)")
        try tx.run("DELETE FROM devices WHERE account_id = \(id)")
        try tx.run("DELETE FROM application_uses WHERE account_id = \(id)")
        try tx.run("DELETE FROM disclosures WHERE account_id = \(id)")
        try tx.run("DELETE FROM consents WHERE account_id = \(id)")
        try tx.run("DELETE FROM recycle_bin WHERE account_id = \(id)")
        try tx.run("DELETE FROM load_changes WHERE entity = 'account' AND entity_id = \(id)")
        // With the row of the local account: a password may be its owner's and not say so.
        let local: Statement = "SELECT application_id, local_id FROM legacy_accounts WHERE account_id = \(id)"
        try tx.run(
            """
            DELETE FROM legacy_passwords WHERE account_id = \(id) OR (application_id, local_id) IN (\(fragment: local))
            """)
        try tx.run("DELETE FROM legacy_accounts WHERE account_id = \(id)")
        try tx.run(
            """
            UPDATE accounts SET user_name = NULL, user_name_key = NULL, display_name = \(placeholder), email = NULL, email_key = NULL,
            email_verified = 0, password_hash = NULL, password_changed_at = NULL, updated_at = \(moment) WHERE id = \(id)
            """
        )
    }

    private func erase(_ person: Person, _ placeholder: String, _ moment: Timestamp) throws {
        let id = person.id
        try tx.run("DELETE FROM identity_numbers WHERE person_id = \(id)")
        try tx.run("DELETE FROM manager_overrides WHERE person_id = \(id) OR manager_id = \(id)")
        // What a load changed of the person, in its words before and after.
        try tx.run(
            """
            DELETE FROM load_changes WHERE entity = 'person' AND entity_id = \(id)
            OR entity = 'alias' AND entity_id IN (SELECT id FROM aliases WHERE person_id = \(id))
            OR entity = 'schedule' AND entity_id IN (SELECT id FROM scheduled_changes WHERE person_id = \(id))
            """
        )
        try tx.run("DELETE FROM scheduled_changes WHERE person_id = \(id)")
        try tx.run("DELETE FROM external_ids WHERE kind = 'person' AND entity_id = \(id)")
        // Local accounts that nobody was matched to, and that carry the person's number.
        let local: Statement =
            """
            SELECT application_id, local_id FROM legacy_accounts WHERE account_id IS NULL
            AND nip IN (SELECT value FROM aliases WHERE person_id = \(id))
            """
        try tx.run("DELETE FROM legacy_passwords WHERE (application_id, local_id) IN (\(fragment: local))")
        try tx.run("DELETE FROM legacy_accounts WHERE (application_id, local_id) IN (\(fragment: local))")
        // One that was matched to somebody else by hand is theirs; only the number is this person's.
        try tx.run(
            "UPDATE legacy_accounts SET nip = NULL WHERE nip IN (SELECT value FROM aliases WHERE person_id = \(id))")
        try tx.run("DELETE FROM aliases WHERE person_id = \(id)")
        if let pnsID = person.pnsID {
            try tx.run("UPDATE load_findings SET pns_id = NULL WHERE pns_id = \(pnsID)")
            try tx.run("UPDATE units SET head_pns_id = NULL WHERE head_pns_id = \(pnsID)")
            try tx.run("UPDATE unit_draft_rows SET head_pns_id = NULL WHERE head_pns_id = \(pnsID)")
        }
        try tx.run(
            """
            UPDATE people SET pns_id = NULL, name = \(placeholder), name_key = \(nameKey(placeholder)), front_title = NULL,
            back_title = NULL, status_code = NULL, status_name = NULL, grade = NULL, post_kind = NULL, post_id = NULL, post_name = NULL, post_since = NULL, unit_id = NULL,
            works_here = 0, email = NULL, phone = NULL, needs_review = 0, updated_at = \(moment) WHERE id = \(id)
            """
        )
    }
}
