package import GapuraFormats

extension Transaction {
    package var people: PersonQueries { PersonQueries(tx: self) }
}

extension Row {
    /// A name with its titles, of three columns; nothing where there is nobody.
    func optionalFullName(_ start: Int) throws -> String? {
        guard var text = try optionalText(start) else { return nil }
        if let front = try optionalText(start + 1) { text = "\(front) \(text)" }
        if let back = try optionalText(start + 2) { text += ", \(back)" }
        return text
    }
}

/// All SQL about `people` and `aliases`.
package struct PersonQueries {
    let tx: Transaction

    private static let columns: Statement =
        """
        id, pns_id, name, front_title, back_title, employee_kind, status_code, status_name, grade, post_kind, post_id, post_name, post_since,
        unit_id, works_here, email, phone, needs_review, created_at, updated_at
        """

    static let prefixedColumns: Statement =
        """
        people.id, people.pns_id, people.name, people.front_title, people.back_title, people.employee_kind, people.status_code,
        people.status_name, people.grade, people.post_kind, people.post_id, people.post_name, people.post_since, people.unit_id,
        people.works_here, people.email, people.phone, people.needs_review, people.created_at, people.updated_at
        """

    package func find(_ id: PersonID) throws -> Person? {
        try tx.first("SELECT \(fragment: Self.columns) FROM people WHERE id = \(id)").map(Self.person)
    }

    /// A person with the unit they work in and its agency.
    package func findPlaced(_ id: PersonID) throws -> (person: Person, unit: Unit?, agency: Unit?)? {
        try tx.first(
            """
            SELECT \(fragment: Self.prefixedColumns), \(fragment: UnitQueries.prefixedColumns), \(fragment: UnitQueries.agencyColumns)
            FROM people LEFT JOIN units ON units.id = people.unit_id LEFT JOIN units agencies ON agencies.id = units.agency_id
            WHERE people.id = \(id)
            """
        ).map { row in
            (
                try Self.person(row), try UnitQueries.optionalUnit(row, from: 20),
                try UnitQueries.optionalUnit(row, from: 32)
            )
        }
    }

    package func find(pnsID: String) throws -> Person? {
        try tx.first("SELECT \(fragment: Self.columns) FROM people WHERE pns_id = \(pnsID)").map(Self.person)
    }

    package func list(_ ids: some Collection<PersonID>) throws -> [Person] {
        try tx.portions(of: ids) { portion in
            try tx.rows("SELECT \(fragment: Self.columns) FROM people WHERE id IN \(list: portion)")
        }.map(Self.person)
    }

    /// Who works in a unit or below.
    package func ids(under path: String, limit: Int64) throws -> [PersonID] {
        try tx.rows(
            """
            SELECT people.id FROM units JOIN people ON people.unit_id = units.id
            WHERE \(fragment: UnitQueries.isUnder(path, "units")) ORDER BY people.id LIMIT \(limit)
            """
        ).map { try $0.id(0) }
    }

    package func list(pnsIDs: some Collection<String>) throws -> [Person] {
        try tx.portions(of: pnsIDs) { portion in
            try tx.rows("SELECT \(fragment: Self.columns) FROM people WHERE pns_id IN \(list: portion)")
        }.map(Self.person)
    }

    /// Whether anybody is in a unit today, besides some people and those who were made at a moment.
    package func isAnybody(in unit: UnitID, besides people: Set<PersonID>, madeAt moment: Timestamp) throws -> Bool {
        try tx.rows("SELECT id FROM people WHERE unit_id = \(unit) AND created_at <> \(moment)").contains { row in
            !people.contains(try row.id(0))
        }
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

    package func insert(_ person: Person) throws { try insert([person]) }

    package func insert(_ people: [Person]) throws {
        try tx.insert(into: "people (\(fragment: Self.columns), name_key)", people, Self.fill)
    }

    package func update(_ person: Person) throws { try update([person]) }

    /// Writes people who are known, many to a statement: an `INSERT` that is never one.
    package func update(_ people: [Person]) throws {
        try tx.insert(
            into: "people (\(fragment: Self.columns), name_key)", people,
            conflict: """
                ON CONFLICT (id) DO UPDATE SET pns_id = excluded.pns_id, name = excluded.name, front_title = excluded.front_title,
                back_title = excluded.back_title, employee_kind = excluded.employee_kind, status_code = excluded.status_code,
                status_name = excluded.status_name, grade = excluded.grade, post_kind = excluded.post_kind, post_id = excluded.post_id,
                post_name = excluded.post_name, post_since = excluded.post_since, unit_id = excluded.unit_id,
                works_here = excluded.works_here, email = excluded.email, phone = excluded.phone,
                needs_review = excluded.needs_review, updated_at = excluded.updated_at, name_key = excluded.name_key
                """, Self.fill)
    }

    private static func fill(_ row: inout RowValues, _ person: Person) {
        row.add(person.id)
        row.add(person.pnsID)
        row.add(person.name)
        row.add(person.frontTitle)
        row.add(person.backTitle)
        row.add(person.employeeKind.rawValue)
        row.add(person.statusCode)
        row.add(person.statusName)
        row.add(person.grade)
        row.add(person.postKind)
        row.add(person.postID)
        row.add(person.postName)
        row.add(person.postSince)
        row.add(person.unitID)
        row.add(person.worksHere)
        row.add(person.email)
        row.add(person.phone)
        row.add(person.needsReview)
        row.add(person.createdAt)
        row.add(person.updatedAt)
        row.add(nameKey(person.name))
    }

    // MARK: Aliases

    private static let aliasColumns: Statement = "id, person_id, kind, value, valid_from, valid_to"

    /// The numbers a person is known by, past ones included, oldest first.
    package func aliases(of id: PersonID) throws -> [PersonAlias] {
        try tx.rows(
            "SELECT \(fragment: Self.aliasColumns) FROM aliases WHERE person_id = \(id) ORDER BY valid_from, id"
        ).map(Self.alias)
    }

    /// Everybody who was ever known by an NIP or NI PPPK, with the dates.
    package func aliases(withNumber number: String) throws -> [PersonAlias] {
        try tx.rows(
            "SELECT \(fragment: Self.aliasColumns) FROM aliases WHERE value = \(number) AND kind IN ('nip', 'ni_pppk')"
        ).map(Self.alias)
    }

    /// Every NIP and NI PPPK that anybody has or had, one by one.
    package func eachNumber(_ body: (PersonAlias) throws -> Void) throws {
        try tx.stream("SELECT \(fragment: Self.aliasColumns) FROM aliases WHERE kind IN ('nip', 'ni_pppk')") {
            try body(Self.alias($0))
        }
    }

    /// The NIP or NI PPPK of today.
    package func currentNIP(of id: PersonID) throws -> String? {
        // The latest by far of one or two rows: a sorter of the engine's costs more than the look-up.
        try tx.rows(
            """
            SELECT value, valid_from FROM aliases WHERE person_id = \(id) AND kind IN ('nip', 'ni_pppk') AND valid_to IS NULL
            """
        ).map { (value: try $0.text(0), since: try $0.time(1)) }.max { $0.since < $1.since }?.value
    }

    /// Every current alias of everybody, one by one.
    package func eachCurrentAlias(_ body: (PersonAlias) throws -> Void) throws {
        try tx.stream("SELECT \(fragment: Self.aliasColumns) FROM aliases WHERE valid_to IS NULL") {
            try body(Self.alias($0))
        }
    }

    package func insert(_ alias: PersonAlias) throws { try insert([alias]) }

    package func insert(_ aliases: [PersonAlias]) throws {
        try tx.insert(into: "aliases (\(fragment: Self.aliasColumns))", aliases) { row, alias in
            row.add(alias.id)
            row.add(alias.personID)
            row.add(alias.kind.rawValue)
            row.add(alias.value)
            row.add(alias.validFrom)
            row.add(alias.validTo)
        }
    }

    package func aliases(_ ids: some Collection<AliasID>) throws -> [PersonAlias] {
        try tx.portions(of: ids) { portion in
            try tx.rows("SELECT \(fragment: Self.aliasColumns) FROM aliases WHERE id IN \(list: portion)")
        }.map(Self.alias)
    }

    /// The NIP and NI PPPK of today of many people.
    package func currentNumbers(of people: some Collection<PersonID>) throws -> [PersonAlias] {
        try tx.portions(of: people) { portion in
            try tx.rows(
                """
                SELECT \(fragment: Self.aliasColumns) FROM aliases WHERE person_id IN \(list: portion)
                AND kind IN ('nip', 'ni_pppk') AND valid_to IS NULL
                """)
        }.map(Self.alias)
    }

    /// Who is known by one of these numbers today.
    package func current(numbers: some Collection<String>) throws -> [PersonAlias] {
        try tx.portions(of: numbers) { portion in
            try tx.rows(
                """
                SELECT \(fragment: Self.aliasColumns) FROM aliases WHERE value IN \(list: portion)
                AND kind IN ('nip', 'ni_pppk') AND valid_to IS NULL
                """)
        }.map(Self.alias)
    }

    /// Ends aliases; they stay known, with their dates.
    package func end(_ ids: some Collection<AliasID>, at moment: Timestamp) throws {
        _ = try tx.portions(of: ids) { portion in
            try tx.run("UPDATE aliases SET valid_to = \(moment) WHERE id IN \(list: portion) AND valid_to IS NULL")
            return []
        }
    }

    /// Takes the end of aliases back.
    package func reopen(_ ids: some Collection<AliasID>) throws {
        _ = try tx.portions(of: ids) { portion in
            try tx.run("UPDATE aliases SET valid_to = NULL WHERE id IN \(list: portion)")
            return []
        }
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
