package import GapuraFormats

/// A person's NIK as it is stored: nobody reads or finds it without the keys in `keys/`.
package struct SealedIdentity: Sendable, Equatable {
    package var personID: PersonID
    /// AES-256-GCM, bound to the person.
    package var sealed: String
    /// HMAC-SHA256 under another key.
    package var lookup: String
    package var changedAt: Timestamp

    package init(personID: PersonID, sealed: String, lookup: String, changedAt: Timestamp) {
        self.personID = personID
        self.sealed = sealed
        self.lookup = lookup
        self.changedAt = changedAt
    }
}

extension Transaction {
    package var identities: IdentityQueries { IdentityQueries(tx: self) }
}

/// All SQL about `identity_numbers`.
package struct IdentityQueries {
    let tx: Transaction

    private static let columns: Statement = "person_id, sealed, lookup, changed_at"

    package func find(_ person: PersonID) throws -> SealedIdentity? {
        try tx.first("SELECT \(fragment: Self.columns) FROM identity_numbers WHERE person_id = \(person)")
            .map(Self.identity)
    }

    /// Whose number has this keyed hash: one person, unless the data has a mistake.
    package func find(lookup: String) throws -> [SealedIdentity] {
        try tx.rows(
            "SELECT \(fragment: Self.columns) FROM identity_numbers WHERE lookup = \(lookup) ORDER BY person_id"
        ).map(Self.identity)
    }

    /// Every keyed hash and whose it is, one by one.
    package func eachLookup(_ body: (PersonID, String) throws -> Void) throws {
        try tx.stream("SELECT person_id, lookup FROM identity_numbers") { try body($0.id(0), $0.text(1)) }
    }

    package func list(of people: some Collection<PersonID>) throws -> [SealedIdentity] {
        try tx.portions(of: people) { portion in
            try tx.rows("SELECT \(fragment: Self.columns) FROM identity_numbers WHERE person_id IN \(list: portion)")
        }.map(Self.identity)
    }

    package func list(lookups: some Collection<String>) throws -> [SealedIdentity] {
        try tx.portions(of: lookups) { portion in
            try tx.rows("SELECT \(fragment: Self.columns) FROM identity_numbers WHERE lookup IN \(list: portion)")
        }.map(Self.identity)
    }

    /// Some of them, to try whether the keys at hand open them.
    package func sample(_ limit: Int64) throws -> [SealedIdentity] {
        try tx.rows("SELECT \(fragment: Self.columns) FROM identity_numbers ORDER BY person_id LIMIT \(limit)")
            .map(Self.identity)
    }

    package func count() throws -> Int64 {
        try tx.first("SELECT COUNT(*) FROM identity_numbers")?.integer(0) ?? 0
    }

    /// Writes them, new or known, many to a statement.
    package func put(_ identities: [SealedIdentity]) throws {
        try tx.insert(
            into: "identity_numbers (\(fragment: Self.columns))", identities,
            conflict: """
                ON CONFLICT (person_id) DO UPDATE SET sealed = excluded.sealed, lookup = excluded.lookup,
                changed_at = excluded.changed_at
                """
        ) { row, identity in
            row.add(identity.personID)
            row.add(identity.sealed)
            row.add(identity.lookup)
            row.add(identity.changedAt)
        }
    }

    private static func identity(_ row: Row) throws -> SealedIdentity {
        SealedIdentity(
            personID: try row.id(0), sealed: try row.text(1), lookup: try row.text(2), changedAt: try row.time(3))
    }
}
