import GapuraFormats

/// A filter asks for what no column answers.
package struct ProvisioningFilterError: Error, Sendable, Equatable {
    /// For whoever wrote the filter.
    package let text: String
}

/// A filter of SCIM as a condition of SQL. Values are bound; what has no column is refused.
struct ProvisioningFilter {
    enum Table {
        case people
        case units
    }

    /// What an attribute is in the database.
    private enum Column {
        /// Compared as it is.
        case exact(Statement)
        /// Compared without case: the column holds `nameKey`.
        case key(Statement)
        case time(Statement)
        case truth(Statement)
        /// A subselect of texts: one of them.
        case list((Statement) -> Statement, value: Statement)
    }

    let table: Table
    let client: ClientID

    func condition(_ filter: SCIMFilter) throws(ProvisioningFilterError) -> Statement {
        switch filter {
        case .present(let name): return try present(column(name))
        case .compare(let name, let comparison, let value): return try compare(name, comparison, value)
        case .all(let terms): return try joined(terms, " AND ")
        case .any(let terms): return try joined(terms, " OR ")
        // What cannot be said of nothing is not so.
        case .not(let inner): return "(CASE WHEN \(fragment: try condition(inner)) THEN 1 ELSE 0 END) = 0"
        case .element(let name, let inner): return try condition(prefixed(inner, with: name))
        }
    }

    private func joined(_ terms: [SCIMFilter], _ word: StaticString) throws(ProvisioningFilterError) -> Statement {
        var all: Statement = ""
        for (index, term) in terms.enumerated() {
            let one = try condition(term)
            all = index == 0 ? "(\(fragment: one)" : "\(fragment: all)\(raw: word)\(fragment: one)"
        }
        return "\(fragment: all))"
    }

    /// `emails[value eq "x"]` asks about one element; of those attributes here there is one at most.
    private func prefixed(_ filter: SCIMFilter, with name: SCIMAttributeName) throws(ProvisioningFilterError)
        -> SCIMFilter
    {
        func inner(_ sub: SCIMAttributeName) throws(ProvisioningFilterError) -> SCIMAttributeName {
            guard sub.schema == nil, sub.sub == nil, name.sub == nil else { throw unknown(sub) }
            return SCIMAttributeName(schema: name.schema, name: name.name, sub: sub.name)
        }
        switch filter {
        case .present(let sub): return .present(try inner(sub))
        case .compare(let sub, let comparison, let value): return .compare(try inner(sub), comparison, value)
        case .all(let terms):
            var all: [SCIMFilter] = []
            for term in terms { all.append(try prefixed(term, with: name)) }
            return .all(all)
        case .any(let terms):
            var all: [SCIMFilter] = []
            for term in terms { all.append(try prefixed(term, with: name)) }
            return .any(all)
        case .not(let term): return .not(try prefixed(term, with: name))
        case .element(let sub, _): throw unknown(sub)
        }
    }

    // MARK: Comparing

    private func present(_ column: Column) -> Statement {
        switch column {
        case .exact(let column), .key(let column): "(\(fragment: column) IS NOT NULL AND \(fragment: column) <> '')"
        case .time(let column): "\(fragment: column) IS NOT NULL"
        case .truth: "1 = 1"
        case .list(let exists, let value): exists("\(fragment: value) IS NOT NULL")
        }
    }

    private func compare(_ name: SCIMAttributeName, _ comparison: SCIMFilter.Comparison, _ value: JSONValue)
        throws(ProvisioningFilterError) -> Statement
    {
        let column = try column(name)
        if value.isNull {
            switch comparison {
            case .equal: return "(CASE WHEN \(fragment: present(column)) THEN 1 ELSE 0 END) = 0"
            case .notEqual: return present(column)
            default: throw refused(name, comparison)
            }
        }
        switch column {
        case .exact(let column):
            guard let text = value.string else { throw wrong(name, "a string") }
            return try textual(column, comparison, text, name)
        case .key(let column):
            guard let text = value.string else { throw wrong(name, "a string") }
            return try textual(column, comparison, nameKey(text), name)
        case .list(let exists, let value_):
            guard let text = value.string else { throw wrong(name, "a string") }
            if comparison == .notEqual {
                return "NOT \(fragment: exists(try textual(value_, .equal, text, name)))"
            }
            return exists(try textual(value_, comparison, text, name))
        case .truth(let condition):
            guard let truth = value.bool else { throw wrong(name, "true or false") }
            switch comparison {
            case .equal, .notEqual:
                let wanted: Int64 = truth == (comparison == .equal) ? 1 : 0
                return "(CASE WHEN \(fragment: condition) THEN 1 ELSE 0 END) = \(wanted)"
            default: throw refused(name, comparison)
            }
        case .time(let column):
            guard let moment = value.string.flatMap(Timestamp.init(iso8601:)) else {
                throw wrong(name, "a moment such as 2026-12-31T16:00:00Z")
            }
            switch comparison {
            case .equal: return "\(fragment: column) = \(moment)"
            case .notEqual: return "\(fragment: column) <> \(moment)"
            case .greater: return "\(fragment: column) > \(moment)"
            case .greaterOrEqual: return "\(fragment: column) >= \(moment)"
            case .less: return "\(fragment: column) < \(moment)"
            case .lessOrEqual: return "\(fragment: column) <= \(moment)"
            case .contains, .startsWith, .endsWith: throw refused(name, comparison)
            }
        }
    }

    /// Without LIKE: nothing in a value is a wildcard, and both engines mean the same.
    private func textual(
        _ column: Statement, _ comparison: SCIMFilter.Comparison, _ text: String, _ name: SCIMAttributeName
    ) throws(ProvisioningFilterError) -> Statement {
        switch comparison {
        case .equal: return "\(fragment: column) = \(text)"
        case .notEqual: return "(\(fragment: column) IS NULL OR \(fragment: column) <> \(text))"
        case .contains: return "REPLACE(\(fragment: column), \(text), '') <> \(fragment: column)"
        case .startsWith:
            return "SUBSTR(\(fragment: column), 1, CAST(\(text.unicodeScalars.count) AS INTEGER)) = \(text)"
        case .endsWith:
            return """
                (LENGTH(\(fragment: column)) >= \(text.unicodeScalars.count) AND SUBSTR(\(fragment: column),
                CAST(LENGTH(\(fragment: column)) - \(text.unicodeScalars.count) + 1 AS INTEGER)) = \(text))
                """
        case .greater, .greaterOrEqual, .less, .lessOrEqual: throw refused(name, comparison)
        }
    }

    // MARK: Columns

    private static let core = ["user", "group"].map { "urn:ietf:params:scim:schemas:core:2.0:\($0):" }
    private static let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:"
    private static let own = ["pegawai", "unit"].map { "urn:gapura:scim:schemas:1.0:\($0):" }

    private func column(_ name: SCIMAttributeName) throws(ProvisioningFilterError) -> Column {
        var key = name.key
        for prefix in Self.core where key.utf8.starts(with: prefix.utf8) { key = String(key.dropFirst(prefix.count)) }
        for prefix in Self.own where key.utf8.starts(with: prefix.utf8) {
            key = "own:" + key.dropFirst(prefix.count)
        }
        if key.utf8.starts(with: Self.enterprise.utf8) { key = "enterprise:" + key.dropFirst(Self.enterprise.count) }
        guard let column = table == .people ? ofPerson(key) : ofUnit(key) else { throw unknown(name) }
        return column
    }

    private func ofPerson(_ key: String) -> Column? {
        switch key {
        case "id": .exact("people.id")
        case "externalid": external("person", "people.id")
        case "username", "own:nip", "enterprise:employeenumber": .list(Self.hasNumber, value: "aliases.value")
        case "displayname": .key("people.name_key")
        case "name.honorificprefix": .exact("people.front_title")
        case "name.honorificsuffix": .exact("people.back_title")
        case "title": .exact("people.post_name")
        case "usertype": .exact("people.employee_kind")
        case "active": .truth("accounts.state IN ('aktif', 'terbatas')")
        case "emails", "emails.value": .exact("people.email")
        case "phonenumbers", "phonenumbers.value": .exact("people.phone")
        case "groups", "groups.value": .exact("people.unit_id")
        case "meta.created": .time("people.created_at")
        case "meta.lastmodified": .time("people.updated_at")
        case "enterprise:department": .exact("units.name")
        case "enterprise:organization": .exact("agencies.name")
        case "own:pnsid": .exact("people.pns_id")
        case "own:status": .exact("people.status_code")
        case "own:grade": .exact("people.grade")
        case "own:postid": .exact("people.post_id")
        case "own:unitid": .exact("units.source_id")
        default: nil
        }
    }

    private func ofUnit(_ key: String) -> Column? {
        switch key {
        case "id": .exact("units.id")
        case "externalid": external("unit", "units.id")
        case "displayname": .exact("units.name")
        case "meta.created": .time("units.valid_from")
        case "members", "members.value": .list(Self.hasMember, value: "members.id")
        case "own:sourceid": .exact("units.source_id")
        case "own:kind": .exact("units.kind")
        case "own:parent": .exact("units.parent_id")
        default: nil
        }
    }

    private func external(_ kind: String, _ id: Statement) -> Column {
        let client = client
        return .list(
            { condition in
                """
                \(fragment: id) IN (SELECT external_ids.entity_id FROM external_ids WHERE external_ids.client_id = \(client)
                AND external_ids.kind = \(kind) AND \(fragment: condition))
                """
            }, value: "external_ids.external_id")
    }

    private static func hasNumber(_ condition: Statement) -> Statement {
        """
        people.id IN (SELECT aliases.person_id FROM aliases WHERE aliases.kind IN ('nip', 'ni_pppk')
        AND aliases.valid_to IS NULL AND \(fragment: condition))
        """
    }

    // Asked from the few to the many: who has this number, and not whether each person has it.

    private static func hasMember(_ condition: Statement) -> Statement {
        """
        units.id IN (SELECT members.unit_id FROM people members WHERE members.unit_id IS NOT NULL
        AND \(fragment: condition))
        """
    }

    // MARK: Words

    private func unknown(_ name: SCIMAttributeName) -> ProvisioningFilterError {
        ProvisioningFilterError(text: "The attribute \(name) cannot be filtered by.")
    }

    private func refused(_ name: SCIMAttributeName, _ comparison: SCIMFilter.Comparison) -> ProvisioningFilterError {
        ProvisioningFilterError(text: "\(name) cannot be compared by \(comparison.rawValue).")
    }

    private func wrong(_ name: SCIMAttributeName, _ form: String) -> ProvisioningFilterError {
        ProvisioningFilterError(text: "\(name) is compared with \(form).")
    }
}
