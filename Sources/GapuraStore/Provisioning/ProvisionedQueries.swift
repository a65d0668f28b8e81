package import GapuraFormats

extension Transaction {
    package var provisioned: ProvisionedQueries { ProvisionedQueries(tx: self) }
}

/// A person as an application that delivers people sees one.
package struct ProvisionedPerson: Sendable {
    package let person: Person
    /// The NIP or NI PPPK of today.
    package let nip: String?
    package let state: AccountState?
    package let unit: Unit?
    package let agency: Unit?
    package let externalID: String?
}

/// A unit as such an application sees one.
package struct ProvisionedUnit: Sendable {
    package let unit: Unit
    package let externalID: String?
}

/// All SQL of SCIM's lists: filters become conditions with bound values.
package struct ProvisionedQueries {
    let tx: Transaction

    // MARK: People

    private static let from: Statement =
        """
        FROM people LEFT JOIN accounts ON accounts.person_id = people.id LEFT JOIN units ON units.id = people.unit_id
        LEFT JOIN units agencies ON agencies.id = units.agency_id
        """

    /// - Throws: `ProvisioningFilterError`.
    package func countPeople(_ filter: SCIMFilter?, of client: ClientID) throws -> Int64 {
        let condition = try condition(filter, .people, client)
        return try tx.first("SELECT COUNT(*) \(fragment: Self.from(condition)) WHERE \(fragment: condition)")?.integer(
            0)
            ?? 0
    }

    /// What a condition needs: tables that it does not name are joined for nothing, a hundred thousand times.
    private static func from(_ condition: Statement) -> Statement {
        ["accounts.", "units.", "agencies."].contains { condition.text.utf8.firstRange(of: $0.utf8) != nil }
            ? from : "FROM people"
    }

    /// In the order in which people were made.
    /// - Throws: `ProvisioningFilterError`.
    package func people(_ filter: SCIMFilter?, of client: ClientID, from offset: Int64, limit: Int64) throws
        -> [ProvisionedPerson]
    {
        try tx.rows(
            Self.select(try condition(filter, .people, client), of: client, from: offset, limit: limit)
        ).map(Self.person)
    }

    private static func select(_ condition: Statement, of client: ClientID, from offset: Int64, limit: Int64)
        -> Statement
    {
        """
        SELECT \(fragment: PersonQueries.prefixedColumns), \(fragment: UnitQueries.prefixedColumns),
        \(fragment: UnitQueries.agencyColumns), accounts.state,
        (SELECT aliases.value FROM aliases WHERE aliases.person_id = people.id AND aliases.kind IN ('nip', 'ni_pppk')
        AND aliases.valid_to IS NULL ORDER BY aliases.valid_from DESC LIMIT 1),
        (SELECT external_ids.external_id FROM external_ids WHERE external_ids.client_id = \(client)
        AND external_ids.kind = 'person' AND external_ids.entity_id = people.id)
        \(fragment: from) WHERE people.id IN (SELECT people.id \(fragment: from(condition)) WHERE \(fragment: condition)
        ORDER BY people.id LIMIT \(limit) OFFSET \(offset)) ORDER BY people.id
        """
    }

    private static func person(_ row: Row) throws -> ProvisionedPerson {
        ProvisionedPerson(
            person: try PersonQueries.person(row), nip: try row.optionalText(45),
            state: try row.optionalText(44) == nil ? nil : row.value(44),
            unit: try UnitQueries.optionalUnit(row, from: 20), agency: try UnitQueries.optionalUnit(row, from: 32),
            externalID: try row.optionalText(46))
    }

    package func person(_ id: PersonID, of client: ClientID) throws -> ProvisionedPerson? {
        try people([id], of: client).first
    }

    // MARK: Units

    package func countUnits(_ filter: SCIMFilter?, of client: ClientID) throws -> Int64 {
        let condition = try condition(filter, .units, client)
        return try tx.first("SELECT COUNT(*) FROM units WHERE units.valid_to IS NULL AND \(fragment: condition)")?
            .integer(0) ?? 0
    }

    /// Current units, parents before children.
    package func units(_ filter: SCIMFilter?, of client: ClientID, from offset: Int64, limit: Int64) throws
        -> [ProvisionedUnit]
    {
        let condition = try condition(filter, .units, client)
        return try tx.rows(
            """
            SELECT \(fragment: UnitQueries.prefixedColumns),
            (SELECT external_ids.external_id FROM external_ids WHERE external_ids.client_id = \(client)
            AND external_ids.kind = 'unit' AND external_ids.entity_id = units.id)
            FROM units WHERE units.valid_to IS NULL AND \(fragment: condition)
            ORDER BY units.path LIMIT \(limit) OFFSET \(offset)
            """
        ).map { row in
            ProvisionedUnit(unit: try UnitQueries.unit(row, from: 0), externalID: try row.optionalText(12))
        }
    }

    package func unit(_ id: UnitID, of client: ClientID) throws -> ProvisionedUnit? {
        let filter = SCIMFilter.compare(SCIMAttributeName(name: "id"), .equal, .string(id.text))
        return try units(filter, of: client, from: 0, limit: 1).first
    }

    /// Who works in each of some units itself, by id and name, in the order of ids.
    package func members(of units: some Collection<UnitID>, limit: Int64) throws
        -> [UnitID: [(id: PersonID, name: String)]]
    {
        var members: [UnitID: [(id: PersonID, name: String)]] = [:]
        let rows = try tx.portions(of: units) { portion in
            try tx.rows(
                """
                SELECT id, name, front_title, back_title, unit_id FROM people WHERE unit_id IN \(list: portion)
                ORDER BY id LIMIT \(limit)
                """)
        }
        for row in rows {
            members[try row.id(4), default: []].append((try row.id(0), try row.optionalFullName(1) ?? ""))
        }
        return members
    }

    /// Some people.
    package func people(_ ids: some Collection<PersonID>, of client: ClientID) throws -> [ProvisionedPerson] {
        try tx.portions(of: ids) { portion in
            try tx.rows(
                Self.select("people.id IN \(list: portion)", of: client, from: 0, limit: Int64(portion.count)))
        }.map(Self.person)
    }

    private func condition(_ filter: SCIMFilter?, _ table: ProvisioningFilter.Table, _ client: ClientID) throws
        -> Statement
    {
        try filter.map { try ProvisioningFilter(table: table, client: client).condition($0) } ?? "1 = 1"
    }
}
