package import GapuraFormats

extension Transaction {
    package var registrations: RegistrationQueries { RegistrationQueries(tx: self) }
}

/// All SQL about rights to register clients.
package struct RegistrationQueries {
    let tx: Transaction

    private static let columns: Statement =
        "id, digest, application_id, settings, uses_left, created_by, created_at, expires_at, ended_at"

    package func insert(_ registration: Registration) throws {
        try tx.run(
            """
            INSERT INTO registrations (\(fragment: Self.columns)) VALUES (\(registration.id), \(registration.digest),
            \(registration.applicationID), \(registration.settings), \(registration.usesLeft), \(registration.createdBy),
            \(registration.createdAt), \(registration.expiresAt), \(registration.endedAt))
            """)
    }

    package func find(digest: String) throws -> Registration? {
        try tx.first("SELECT \(fragment: Self.columns) FROM registrations WHERE digest = \(digest)").map(Self.read)
    }

    package func find(_ id: RegistrationID) throws -> Registration? {
        try tx.first("SELECT \(fragment: Self.columns) FROM registrations WHERE id = \(id)").map(Self.read)
    }

    /// The right with which a client registered itself.
    package func find(ofClient id: ClientID) throws -> Registration? {
        try tx.first(
            """
            SELECT \(fragment: Self.columns) FROM registrations
            WHERE id = (SELECT registration_id FROM clients WHERE clients.id = \(id))
            """
        ).map(Self.read)
    }

    /// The latest first.
    package func list() throws -> [Registration] {
        try tx.rows("SELECT \(fragment: Self.columns) FROM registrations ORDER BY id DESC").map(Self.read)
    }

    /// Uses it for one more client. - Returns: false where it may not be used any more.
    package func use(_ id: RegistrationID, at moment: Timestamp) throws -> Bool {
        try tx.run(
            """
            UPDATE registrations SET uses_left = uses_left - 1 WHERE id = \(id) AND uses_left > 0 AND ended_at IS NULL
            AND expires_at > \(moment)
            """) == 1
    }

    /// - Returns: whether this call ended it.
    package func end(_ id: RegistrationID, at moment: Timestamp) throws -> Bool {
        try tx.run("UPDATE registrations SET ended_at = \(moment) WHERE id = \(id) AND ended_at IS NULL") == 1
    }

    private static func read(_ row: Row) throws -> Registration {
        Registration(
            id: try row.id(0), digest: try row.text(1), applicationID: try row.id(2), settings: try row.text(3),
            usesLeft: try row.integer(4), createdBy: try row.text(5), createdAt: try row.time(6),
            expiresAt: try row.time(7), endedAt: try row.optionalTime(8))
    }
}
