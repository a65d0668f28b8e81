package import GapuraFormats

extension Transaction {
    package var people: PersonQueries { PersonQueries(tx: self) }
}

/// All SQL about `people` and `aliases`.
package struct PersonQueries {
    let tx: Transaction

    private static let columns: Statement =
        """
        id, pns_id, name, front_title, back_title, employee_kind, status_code, status_name, grade, post_kind, post_id, post_name, post_since,
        unit_id, works_here, email, phone, needs_review, created_at, updated_at
        """

    package func find(_ id: PersonID) throws -> Person? {
        try tx.first("SELECT \(fragment: Self.columns) FROM people WHERE id = \(id)").map(Self.person)
    }

    package func find(pnsID: String) throws -> Person? {
        try tx.first("SELECT \(fragment: Self.columns) FROM people WHERE pns_id = \(pnsID)").map(Self.person)
    }

    /// The person who is known by this NIP or NI PPPK today.
    package func find(nip: String) throws -> Person? {
        try tx.first(
            "SELECT person_id FROM aliases WHERE value = \(nip) AND kind IN ('nip', 'ni_pppk') AND valid_to IS NULL"
        )
        .flatMap { try find($0.id(0)) }
    }

    /// Everyone, one by one.
    package func each(_ body: (Person) throws -> Void) throws {
        try tx.stream("SELECT \(fragment: Self.columns) FROM people") { try body(Self.person($0)) }
    }

    package func count() throws -> Int64 {
        try tx.first("SELECT COUNT(*) FROM people")?.integer(0) ?? 0
    }

    package func insert(_ person: Person) throws {
        try tx.run(
            """
            INSERT INTO people (\(fragment: Self.columns)) VALUES (\(person.id), \(person.pnsID), \(person.name), \(person.frontTitle),
            \(person.backTitle), \(person.employeeKind.rawValue), \(person.statusCode), \(person.statusName), \(person.grade), \(person.postKind),
            \(person.postID), \(person.postName), \(person.postSince), \(person.unitID), \(person.worksHere), \(person.email), \(person.phone),
            \(person.needsReview), \(person.createdAt), \(person.updatedAt))
            """
        )
    }

    package func update(_ person: Person) throws {
        try tx.run(
            """
            UPDATE people SET pns_id = \(person.pnsID), name = \(person.name), front_title = \(person.frontTitle), back_title = \(person.backTitle),
            employee_kind = \(person.employeeKind.rawValue), status_code = \(person.statusCode), status_name = \(person.statusName),
            grade = \(person.grade), post_kind = \(person.postKind), post_id = \(person.postID), post_name = \(person.postName),
            post_since = \(person.postSince), unit_id = \(person.unitID), works_here = \(person.worksHere), email = \(person.email),
            phone = \(person.phone), needs_review = \(person.needsReview), updated_at = \(person.updatedAt)
            WHERE id = \(person.id)
            """
        )
    }

    // MARK: Aliases

    private static let aliasColumns: Statement = "id, person_id, kind, value, valid_from, valid_to"

    /// The numbers a person is known by, past ones included, oldest first.
    package func aliases(of id: PersonID) throws -> [PersonAlias] {
        try tx.rows(
            "SELECT \(fragment: Self.aliasColumns) FROM aliases WHERE person_id = \(id) ORDER BY valid_from, id"
        ).map(Self.alias)
    }

    /// The NIP or NI PPPK of today.
    package func currentNIP(of id: PersonID) throws -> String? {
        try tx.first(
            """
            SELECT value FROM aliases WHERE person_id = \(id) AND kind IN ('nip', 'ni_pppk') AND valid_to IS NULL
            ORDER BY valid_from DESC LIMIT 1
            """
        )?.text(0)
    }

    /// Every current alias of everybody, one by one.
    package func eachCurrentAlias(_ body: (PersonAlias) throws -> Void) throws {
        try tx.stream("SELECT \(fragment: Self.aliasColumns) FROM aliases WHERE valid_to IS NULL") {
            try body(Self.alias($0))
        }
    }

    package func insert(_ alias: PersonAlias) throws {
        try tx.run(
            """
            INSERT INTO aliases (\(fragment: Self.aliasColumns)) VALUES (\(alias.id), \(alias.personID), \(alias.kind.rawValue), \(alias.value),
            \(alias.validFrom), \(alias.validTo))
            """
        )
    }

    /// Ends an alias; it stays known, with its dates.
    package func end(_ id: AliasID, at moment: Timestamp) throws {
        try tx.run("UPDATE aliases SET valid_to = \(moment) WHERE id = \(id) AND valid_to IS NULL")
    }

    static func alias(_ row: Row) throws -> PersonAlias {
        guard let kind = PersonAlias.Kind(rawValue: try row.text(2)) else {
            throw StoreError.unreadable("aliases.kind")
        }
        return PersonAlias(
            id: try row.id(0), personID: try row.id(1), kind: kind, value: try row.text(3), validFrom: try row.time(4),
            validTo: try row.optionalTime(5)
        )
    }

    static func person(_ row: Row) throws -> Person {
        guard let kind = EmployeeKind(rawValue: try row.text(5)) else {
            throw StoreError.unreadable("people.employee_kind")
        }
        return Person(
            id: try row.id(0), pnsID: try row.optionalText(1), name: try row.text(2),
            frontTitle: try row.optionalText(3),
            backTitle: try row.optionalText(4), employeeKind: kind, statusCode: try row.optionalText(6),
            statusName: try row.optionalText(7),
            grade: try row.optionalText(8), postKind: try row.optionalText(9), postID: try row.optionalText(10),
            postName: try row.optionalText(11), postSince: try row.optionalTime(12), unitID: try row.optionalID(13),
            worksHere: try row.bool(14), email: try row.optionalText(15), phone: try row.optionalText(16),
            needsReview: try row.bool(17),
            createdAt: try row.time(18), updatedAt: try row.time(19)
        )
    }
}
