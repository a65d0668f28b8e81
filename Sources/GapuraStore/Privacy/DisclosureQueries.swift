package import GapuraFormats

/// A set of claims that a client could learn about somebody, and when.
package struct Disclosure: Sendable, Equatable {
    package var clientID: ClientID
    package var applicationName: String
    /// Names of claims, separated by spaces, always in the same order.
    package var claims: String
    package var firstAt: Timestamp
    package var lastAt: Timestamp
    /// Token answers, not readings of userinfo.
    package var times: Int64
}

extension Transaction {
    package var disclosures: DisclosureQueries { DisclosureQueries(tx: self) }
}

/// All SQL about `disclosures`: one row for each account, client and set of claims, however often they are given.
package struct DisclosureQueries {
    let tx: Transaction

    package func record(_ claims: String, about account: AccountID, to client: ClientID, at moment: Timestamp) throws {
        try tx.run(
            """
            INSERT INTO disclosures (account_id, client_id, claims, first_at, last_at, times)
            VALUES (\(account), \(client), \(claims), \(moment), \(moment), 1)
            ON CONFLICT (account_id, client_id, claims) DO UPDATE SET last_at = \(moment), times = disclosures.times + 1
            """
        )
    }

    /// What was given about an account, the latest first.
    package func list(about account: AccountID, limit: Int64 = 10_000) throws -> [Disclosure] {
        try tx.rows(
            """
            SELECT disclosures.client_id, applications.name, disclosures.claims, disclosures.first_at, disclosures.last_at,
            disclosures.times FROM disclosures JOIN clients ON clients.id = disclosures.client_id
            JOIN applications ON applications.id = clients.application_id WHERE disclosures.account_id = \(account)
            ORDER BY disclosures.last_at DESC, disclosures.client_id, disclosures.claims LIMIT \(limit)
            """
        ).map { row in
            Disclosure(
                clientID: ClientID(try row.text(0)), applicationName: try row.text(1), claims: try row.text(2),
                firstAt: try row.time(3), lastAt: try row.time(4), times: try row.integer(5))
        }
    }
}
