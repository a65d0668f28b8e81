package import GapuraFormats

extension Transaction {
    package var consents: ConsentQueries { ConsentQueries(tx: self) }
}

/// All SQL about `consents`: one row for each thing that somebody allowed a client.
package struct ConsentQueries {
    let tx: Transaction

    /// Remembers that somebody allowed some things until a moment.
    package func give(
        _ items: [String], by account: AccountID, to client: ClientID, at moment: Timestamp, until end: Timestamp
    ) throws {
        try tx.insert(
            into: "consents (account_id, client_id, item, given_at, expires_at)", items,
            conflict: """
                ON CONFLICT (account_id, client_id, item) DO UPDATE SET given_at = excluded.given_at,
                expires_at = excluded.expires_at
                """
        ) { row, item in
            row.add(account)
            row.add(client)
            row.add(item)
            row.add(moment)
            row.add(end)
        }
    }

    /// What a client is allowed at a moment, each until when.
    package func items(of account: AccountID, for client: ClientID, at moment: Timestamp) throws
        -> [ExactText: Timestamp]
    {
        let rows = try tx.rows(
            """
            SELECT item, expires_at FROM consents WHERE account_id = \(account) AND client_id = \(client)
            AND expires_at > \(moment)
            """)
        return Dictionary(
            try rows.map { (ExactText(try $0.text(0)), try $0.time(1)) }, uniquingKeysWith: { first, _ in first })
    }

    /// What somebody allowed, the latest client first.
    package func list(of account: AccountID, at moment: Timestamp) throws -> [Consent] {
        var found: [Consent] = []
        let rows = try tx.rows(
            """
            SELECT consents.client_id, applications.name, consents.item, consents.given_at, consents.expires_at
            FROM consents JOIN clients ON clients.id = consents.client_id
            JOIN applications ON applications.id = clients.application_id
            WHERE consents.account_id = \(account) AND consents.expires_at > \(moment)
            ORDER BY consents.client_id, consents.item
            """)
        for row in rows {
            let (id, item) = (ClientID(try row.text(0)), try row.text(2))
            let (given, end) = (try row.time(3), try row.time(4))
            if var last = found.last, last.clientID == id {
                last.items.append(item)
                last.givenAt = max(last.givenAt, given)
                last.expiresAt = min(last.expiresAt, end)
                found[found.count - 1] = last
            } else {
                found.append(
                    Consent(
                        clientID: id, applicationName: try row.text(1), items: [item], givenAt: given, expiresAt: end))
            }
        }
        return found.sorted { $0.givenAt > $1.givenAt }
    }

    /// Takes back what somebody allowed a client. - Returns: whether there was anything.
    package func revoke(of account: AccountID, for client: ClientID) throws -> Bool {
        try tx.run("DELETE FROM consents WHERE account_id = \(account) AND client_id = \(client)") > 0
    }
}
