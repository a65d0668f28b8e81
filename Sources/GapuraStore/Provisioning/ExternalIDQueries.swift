extension Transaction {
    package var externalIDs: ExternalIDQueries { ExternalIDQueries(tx: self) }
}

/// All SQL about the ids by which an application that delivers people knows them (`externalId` of RFC 7643 section 3.1).
/// They are each client's own, and never an id of ours (attack 236).
package struct ExternalIDQueries {
    let tx: Transaction

    package enum Kind: String, Sendable {
        case person
        case unit
    }

    package func find(_ kind: Kind, _ entityID: String, of client: ClientID) throws -> String? {
        try tx.first(
            """
            SELECT external_id FROM external_ids WHERE client_id = \(client) AND kind = \(kind.rawValue)
            AND entity_id = \(entityID)
            """
        )?.text(0)
    }

    /// Whose id it is.
    package func owner(_ kind: Kind, _ externalID: String, of client: ClientID) throws -> String? {
        try tx.first(
            """
            SELECT entity_id FROM external_ids WHERE client_id = \(client) AND kind = \(kind.rawValue)
            AND external_id = \(externalID)
            """
        )?.text(0)
    }

    /// Sets an id, or with nil takes it away.
    package func set(_ externalID: String?, _ kind: Kind, _ entityID: String, of client: ClientID) throws {
        try tx.run(
            """
            DELETE FROM external_ids WHERE client_id = \(client) AND kind = \(kind.rawValue) AND entity_id = \(entityID)
            """)
        guard let externalID else { return }
        try tx.run(
            """
            INSERT INTO external_ids (client_id, kind, external_id, entity_id)
            VALUES (\(client), \(kind.rawValue), \(externalID), \(entityID))
            """)
    }
}
