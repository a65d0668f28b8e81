import GapuraDirectory
import GapuraFormats
import GapuraStore

/// What the one who asks may do.
enum AuthorityOperations {
    static let all = [show]

    private static let show = Operation("authority.show", .scoped(.accountsRead)) { _, context in
        let now = context.now
        return try await context.store.read { tx, authority in
            let account = try authority.accountID.flatMap { try tx.accounts.find($0) }
            var json: JSONObject = [
                "actor": .string(authority.actor.text), "role": .text(account?.role.rawValue),
                "verbs": .array(authority.verbs.map(\.rawValue).sorted().map { .string($0) }),
            ]
            json["account"] = try account.map { .object(try AccountJSON.make($0, tx, at: now)) } ?? .null
            switch authority.reach {
            case .everything: json["reach"] = "everything"
            case .nothing: json["reach"] = "nothing"
            case .subtree(let unitID, _):
                json["reach"] = "unit"
                json["unit"] = .text(try tx.units.find(unitID)?.name)
                json["unit_id"] = .string(unitID.text)
            }
            return .object(json)
        }
    }
}
