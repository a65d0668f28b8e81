import GapuraDirectory
import GapuraFormats
import GapuraStore

/// What people allowed applications that are not the city's own.
enum ConsentOperations {
    static let all = [list, revoke]

    private static let list = Operation("consent.list", ["name"], .scoped(.accountsRead)) { arguments, context in
        let name = try arguments.text("name")
        let now = context.now
        return try await context.store.read { tx, authority in
            let account = try authority.account(name, for: .accountsRead, in: tx, at: now)
            return [
                "consents": .array(
                    try tx.consents.list(of: account.id, at: now).map { consent in
                        [
                            "application": .string(consent.applicationName),
                            "client_id": .string(consent.clientID.text),
                            "items": .array(consent.items.map(JSONValue.string)), "given_at": .time(consent.givenAt),
                            "expires_at": .time(consent.expiresAt),
                        ]
                    })
            ]
        }
    }

    private static let revoke = Operation("consent.revoke", ["name", "client_id"], .scoped(.accountsChange)) {
        arguments, context in
        let (name, client) = (try arguments.text("name"), ClientID(try arguments.text("client_id")))
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx, authority in
            let account = try authority.account(name, for: .accountsChange, in: tx, at: now)
            let isRevoked = try ConsentDirectory.revoke(of: account, for: client, by: actor, in: tx, at: now)
            return ["id": .string(account.id.text), "client_id": .string(client.text), "revoked": .bool(isRevoked)]
        }
    }
}
