import GapuraDirectory
import GapuraFormats
package import GapuraStore

/// The first start of a gateway: one superadmin, once.
///
/// That it has been done is a fact the database keeps for ever: nothing that happens to accounts opens it again (attack
/// 164). `account.link` issues a further link.
package enum SetUpOperation {
    static let all = [setUp]

    static let metaKey = "set_up_at"
    static let userName = "admin"

    private static let setUp = Operation("setup", .console) { _, context in
        let now = context.now
        let lifetime = context.settings.setUpLinkLifetime
        let actor = context.actor
        let kids = context.services.keyring.list().filter { $0.state == .active }.map { JSONValue.string($0.kid) }
        let secret = try await context.store.write { tx -> String? in
            guard try tx.upkeep.meta(metaKey) == nil else { return nil }
            let directory = AccountDirectory(tx, by: actor, at: now)
            let (account, _) = try directory.add(
                userName: userName, displayName: "Admin Gapura", email: nil, role: .superadmin, endsAt: nil
            )
            let secret = try directory.issueLink(for: account, purpose: .setUp, lifetime: lifetime)
            try tx.upkeep.setMeta(metaKey, TimeText.iso8601(now))
            try tx.record(.keysMade, by: actor, detail: ["active": .array(kids)], at: now)
            try tx.record(.setUp, by: actor, subject: account.id.text, at: now)
            return secret
        }
        var result: JSONObject = ["user_name": .string(userName), "new": .bool(secret != nil)]
        if let secret {
            result["link"] = .string(LinkAddress.make(secret, context.settings))
            result["link_expires_at"] = .time(now.adding(seconds: lifetime))
        }
        return .object(result)
    }

    /// Whether `setup` has run on this database.
    package static func isDone(_ tx: Transaction) throws -> Bool { try tx.upkeep.meta(metaKey) != nil }
}
