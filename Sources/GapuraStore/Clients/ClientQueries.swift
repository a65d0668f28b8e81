import GapuraFormats

extension Transaction {
    package var clients: ClientQueries { ClientQueries(tx: self) }
}

/// All SQL about `clients`.
package struct ClientQueries {
    let tx: Transaction

    private static let columns: Statement =
        """
        clients.id, clients.application_id, clients.state, clients.secret_digest, clients.sealed_secret, clients.secret_changed_at,
        clients.settings, clients.backchannel_logout_uri, clients.created_at, clients.updated_at
        """

    package func find(_ id: ClientID) throws -> ClientRecord? {
        try tx.first("SELECT \(fragment: Self.columns) FROM clients WHERE id = \(id)").map(Self.client)
    }

    /// The client if it may act: it is active, and so is its application.
    package func findUsable(_ id: ClientID) throws -> ClientRecord? {
        try tx.first(
            """
            SELECT \(fragment: Self.columns) FROM clients JOIN applications ON applications.id = clients.application_id
            WHERE clients.id = \(id) AND clients.state = 'active' AND applications.state = 'aktif'
            """
        ).map(Self.client)
    }

    package func list() throws -> [ClientRecord] {
        try tx.rows("SELECT \(fragment: Self.columns) FROM clients ORDER BY id").map(Self.client)
    }

    /// Those that may act, and whose application may.
    package func listUsable() throws -> [ClientRecord] {
        try tx.rows(
            """
            SELECT \(fragment: Self.columns) FROM clients JOIN applications ON applications.id = clients.application_id
            WHERE clients.state = 'active' AND applications.state = 'aktif' ORDER BY clients.id
            """
        ).map(Self.client)
    }

    /// Those of these that an admin registered with an `initiate_login_uri`.
    package func listStartingSignIn() throws -> [ClientRecord] {
        let pattern = #"%"initiate_login_uri"%"#
        return try tx.rows(
            """
            SELECT \(fragment: Self.columns) FROM clients JOIN applications ON applications.id = clients.application_id
            WHERE clients.state = 'active' AND applications.state = 'aktif'
            AND clients.registration_id IS NULL AND clients.settings LIKE \(pattern)
            ORDER BY clients.id
            """
        ).map(Self.client)
    }

    package func list(of applicationID: ApplicationID) throws -> [ClientRecord] {
        try tx.rows("SELECT \(fragment: Self.columns) FROM clients WHERE application_id = \(applicationID) ORDER BY id")
            .map(Self.client)
    }

    // MARK: Clients that registered themselves

    /// A client whose own registration access token has that digest.
    package func find(_ id: ClientID, registration digest: String) throws -> ClientRecord? {
        try tx.first(
            "SELECT \(fragment: Self.columns) FROM clients WHERE id = \(id) AND registration_digest = \(digest)"
        ).map(Self.client)
    }

    package func setRegistration(of id: ClientID, by registration: RegistrationID, digest: String) throws {
        try tx.run(
            """
            UPDATE clients SET registration_id = \(registration), registration_digest = \(digest) WHERE id = \(id)
            """)
    }

    /// Nobody looks after the registration over the network any more.
    package func endRegistration(of id: ClientID) throws {
        try tx.run("UPDATE clients SET registration_digest = NULL WHERE id = \(id)")
    }

    package func insert(_ client: ClientRecord) throws {
        try tx.run(
            """
            INSERT INTO clients (id, application_id, state, secret_digest, sealed_secret, secret_changed_at, settings, backchannel_logout_uri, created_at, updated_at)
            VALUES (\(client.id), \(client.applicationID), \(client.state.rawValue), \(client.secretDigest), \(client.sealedSecret),
            \(client.secretChangedAt), \(client.settings), \(client.backchannelLogoutURI), \(client.createdAt), \(client.updatedAt))
            """
        )
    }

    package func update(_ client: ClientRecord) throws {
        try tx.run(
            """
            UPDATE clients SET state = \(client.state.rawValue), secret_digest = \(client.secretDigest), sealed_secret = \(client.sealedSecret),
            secret_changed_at = \(client.secretChangedAt), settings = \(client.settings),
            backchannel_logout_uri = \(client.backchannelLogoutURI), updated_at = \(client.updatedAt)
            WHERE id = \(client.id)
            """
        )
    }

    static func client(_ row: Row) throws -> ClientRecord {
        guard let state = ClientRecord.State(rawValue: try row.text(2)) else {
            throw StoreError.unreadable("clients.state")
        }
        return ClientRecord(
            id: ClientID(try row.text(0)), applicationID: try row.id(1), state: state,
            secretDigest: try row.optionalText(3),
            sealedSecret: try row.optionalText(4), secretChangedAt: try row.optionalTime(5), settings: try row.text(6),
            backchannelLogoutURI: try row.optionalText(7), createdAt: try row.time(8), updatedAt: try row.time(9)
        )
    }
}
