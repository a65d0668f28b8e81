package import GapuraFormats

extension Transaction {
    package var applications: ApplicationQueries { ApplicationQueries(tx: self) }
}

/// All SQL about `applications`, their access rules and their use.
package struct ApplicationQueries {
    let tx: Transaction

    private static let columns: Statement =
        """
        applications.id, applications.slug, applications.name, applications.description, applications.url, applications.owner_unit_id,
        applications.contact, applications.state, applications.created_at, applications.updated_at
        """

    package func find(_ id: ApplicationID) throws -> ApplicationRecord? {
        try tx.first("SELECT \(fragment: Self.columns) FROM applications WHERE id = \(id)").map(Self.application)
    }

    package func find(slug: String) throws -> ApplicationRecord? {
        try tx.first("SELECT \(fragment: Self.columns) FROM applications WHERE slug = \(slug)").map(Self.application)
    }

    package func list() throws -> [ApplicationRecord] {
        try tx.rows("SELECT \(fragment: Self.columns) FROM applications ORDER BY slug").map(Self.application)
    }

    /// Active applications with their rules and this account's last use, in two statements however many there are.
    package func listTiles(for accountID: AccountID) throws -> [ApplicationTile] {
        var rules: [String: [AccessRule]] = [:]
        for row in try tx.rows("SELECT application_id, kind, value FROM access_rules") {
            rules[try row.text(0), default: []].append(try Self.rule(row, from: 1))
        }
        return try tx.rows(
            """
            SELECT \(fragment: Self.columns), application_uses.last_used_at FROM applications
            LEFT JOIN application_uses ON application_uses.application_id = applications.id AND application_uses.account_id = \(accountID)
            WHERE applications.state = 'aktif' ORDER BY applications.name
            """
        ).map { row in
            let application = try Self.application(row)
            return ApplicationTile(
                application: application, rules: rules[application.id.text] ?? [], lastUsedAt: try row.optionalTime(10)
            )
        }
    }

    /// Names of the agencies that own applications.
    package func ownerNames() throws -> [UnitID: String] {
        let rows = try tx.rows(
            "SELECT id, name FROM units WHERE id IN (SELECT owner_unit_id FROM applications WHERE owner_unit_id IS NOT NULL)"
        )
        return Dictionary(try rows.map { (try $0.id(0), try $0.text(1)) }, uniquingKeysWith: { first, _ in first })
    }

    package func insert(_ application: ApplicationRecord) throws {
        try tx.run(
            """
            INSERT INTO applications (id, slug, name, description, url, owner_unit_id, contact, state, created_at, updated_at)
            VALUES (\(application.id), \(application.slug), \(application.name), \(application.description), \(application.url),
            \(application.ownerUnitID), \(application.contact), \(application.state.rawValue), \(application.createdAt),
            \(application.updatedAt))
            """
        )
    }

    package func update(_ application: ApplicationRecord) throws {
        try tx.run(
            """
            UPDATE applications SET name = \(application.name), description = \(application.description), url = \(application.url),
            owner_unit_id = \(application.ownerUnitID), contact = \(application.contact), state = \(application.state.rawValue),
            updated_at = \(application.updatedAt) WHERE id = \(application.id)
            """
        )
    }

    // MARK: Access rules

    package func rules(of id: ApplicationID) throws -> [AccessRule] {
        try tx.rows("SELECT kind, value FROM access_rules WHERE application_id = \(id) ORDER BY kind, value")
            .map { try Self.rule($0, from: 0) }
    }

    package func replaceRules(of id: ApplicationID, with rules: [AccessRule]) throws {
        try tx.run("DELETE FROM access_rules WHERE application_id = \(id)")
        for rule in Set(rules) {
            try tx.run(
                "INSERT INTO access_rules (application_id, kind, value) VALUES (\(id), \(rule.kind.rawValue), \(rule.value))"
            )
        }
    }

    // MARK: Use

    /// Notes that an account was signed in to an application.
    package func recordUse(of id: ApplicationID, by accountID: AccountID, at moment: Timestamp) throws {
        try tx.run(
            """
            INSERT INTO application_uses (application_id, account_id, first_used_at, last_used_at, times)
            VALUES (\(id), \(accountID), \(moment), \(moment), 1)
            ON CONFLICT (application_id, account_id) DO UPDATE SET last_used_at = \(moment), times = application_uses.times + 1
            """
        )
    }

    /// When anybody last signed in to an application.
    package func lastUse(of id: ApplicationID) throws -> Timestamp? {
        try tx.first("SELECT MAX(last_used_at) FROM application_uses WHERE application_id = \(id)")?.optionalTime(0)
    }

    static func application(_ row: Row) throws -> ApplicationRecord {
        guard let state = ApplicationState(rawValue: try row.text(7)) else {
            throw StoreError.unreadable("applications.state")
        }
        return ApplicationRecord(
            id: try row.id(0), slug: try row.text(1), name: try row.text(2), description: try row.optionalText(3),
            url: try row.optionalText(4), ownerUnitID: try row.optionalID(5), contact: try row.optionalText(6),
            state: state,
            createdAt: try row.time(8), updatedAt: try row.time(9)
        )
    }

    private static func rule(_ row: Row, from start: Int) throws -> AccessRule {
        guard let kind = AccessRule.Kind(rawValue: try row.text(start)) else {
            throw StoreError.unreadable("access_rules.kind")
        }
        return AccessRule(kind: kind, value: try row.text(start + 1))
    }
}
