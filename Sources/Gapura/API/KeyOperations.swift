import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
import NIOPosix

/// The signing keys.
enum KeyOperations {
    static let all = [list, rotate, revoke]

    private static let list = Operation("keys.list", .console) { _, context in
        let keyring = context.services.keyring
        try await onThread { try keyring.refresh() }
        let clients = try await clients(context.services.store)
        return [
            "keys": .array(
                keyring.list().map { key in
                    let users = (clients[key.algorithm] ?? []).map(JSONValue.string)
                    return .object((make(key).object ?? [:]).adding("clients", .array(users)))
                })
        ]
    }

    /// The audit comes first, as in `KeyRotationJob`: without it there is no rotation.
    private static let rotate = Operation("keys.rotate", ["algorithm"], .console) { arguments, context in
        let name = try arguments.optionalText("algorithm")
        let algorithm = name.flatMap { SigningAlgorithm(name: $0) }
        guard name == nil || algorithm.map({ !$0.isSymmetric }) ?? false else {
            throw OperationError(
                .invalid, "algorithm must be one of the asymmetric ones, such as RS256.",
                id: "algorithm harus algoritma asimetris, misalnya RS256."
            )
        }
        let (now, actor) = (context.now, context.actor)
        let which = algorithm?.rawValue ?? "all"
        try await context.store.write { tx in
            try tx.record(.keysRotated, by: actor, detail: ["algorithm": .string(which), "reason": "command"], at: now)
        }
        let keyring = context.services.keyring
        let keys = try await onThread { try keyring.rotate(algorithm, now: now) }
        return ["keys": .array(keys.map(make))]
    }

    /// Without `confirmed` it only says what would break. The audit comes first here too.
    private static let revoke = Operation("keys.revoke", ["kid", "confirmed"], .console) { arguments, context in
        let kid = try arguments.text("kid")
        let isConfirmed = try arguments.flag("confirmed")
        let (now, actor, keyring) = (context.now, context.actor, context.services.keyring)
        try await onThread { try keyring.refresh() }
        guard let key = keyring.list().first(where: { $0.kid.isExactly(kid) }) else {
            throw OperationError(
                .notFound, "No published key has that kid; see `gapura keys list`.",
                id: "Tidak ada kunci dengan kid itu; lihat `gapura keys list`."
            )
        }
        let clients = try await clients(context.services.store)[key.algorithm] ?? []
        var json: JSONObject = [
            "kid": .string(key.kid), "algorithm": .string(key.algorithm.rawValue), "state": .string(key.state.rawValue),
            "clients": .integer(Int64(clients.count)), "client_ids": .array(clients.map(JSONValue.string)),
            "revoked": false,
        ]
        guard isConfirmed else { return .object(json) }
        try await context.store.write { tx in
            try tx.record(
                .keysRevoked, by: actor,
                detail: ["kid": .string(key.kid), "algorithm": .string(key.algorithm.rawValue)], at: now)
        }
        let keys = try await onThread { try keyring.revoke(kid: kid, now: now) }
        json["revoked"] = true
        json["keys"] = .array(keys.map(make))
        return .object(json)
    }

    // MARK: Steps

    /// Which clients get something that is signed with each algorithm: ID tokens, access tokens that are JWTs, userinfo.
    private static func clients(_ store: Store) async throws -> [SigningAlgorithm: [String]] {
        try await store.read { tx in
            var users: [SigningAlgorithm: [String]] = [:]
            for record in try tx.clients.list() {
                let metadata = try ClientJSON.settings(record)
                var members = ["id_token_signed_response_alg", "userinfo_signed_response_alg"]
                if metadata["access_token_format"]?.string != "opaque" {
                    members.append("access_token_signed_response_alg")
                }
                let algorithms = Set(members.compactMap { metadata[$0]?.string.flatMap { SigningAlgorithm(name: $0) } })
                for algorithm in algorithms { users[algorithm, default: []].append(record.id.text) }
            }
            return users
        }
    }

    /// Making an RSA key takes a tenth of a second and more, and files block: neither belongs in the cooperative pool.
    private static func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value
    {
        try await NIOThreadPool.singleton.runIfActive { try work() }
    }

    private static func make(_ key: KeyInfo) -> JSONValue {
        [
            "kid": .string(key.kid), "algorithm": .string(key.algorithm.rawValue), "state": .string(key.state.rawValue),
            "made_at": .time(key.madeAt), "active_since": .time(key.activeSince), "retired_at": .time(key.retiredAt),
            "published_until": .time(key.publishedUntil),
        ]
    }
}
