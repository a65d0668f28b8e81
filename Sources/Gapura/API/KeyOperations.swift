import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// The signing keys.
enum KeyOperations {
    static let all = [list, rotate, revoke]

    private static let list = Operation("keys.list", .console) { _, context in
        let keyring = context.services.keyring
        try await keyring.refresh()
        let clients = try await clients(context.services.store)
        return [
            "keys": .array(
                keyring.list().map { key in
                    let users = (clients[key.algorithm] ?? []).map(JSONValue.string)
                    return .object((make(key).object ?? [:]).adding("clients", .array(users)))
                })
        ]
    }

    /// Each algorithm by itself, see `SigningKeyring.rotate`. Of all, those whose next key may not sign yet are left as
    /// they are, and named.
    private static let rotate = Operation("keys.rotate", ["algorithm"], .console) { arguments, context in
        let name = try arguments.optionalText("algorithm")
        let algorithm = name.flatMap { SigningAlgorithm(name: $0) }
        guard name == nil || algorithm.map({ !$0.isSymmetric }) ?? false else {
            throw OperationError(
                .invalid, "algorithm must be one of the asymmetric ones, such as RS256.",
                id: "algorithm harus algoritma asimetris, misalnya RS256."
            )
        }
        let (now, actor, keyring) = (context.now, context.actor, context.services.keyring)
        try await keyring.refresh()
        let asked = algorithm.map { [$0] } ?? keyring.algorithms
        let failures = await keyring.rotate(asked, now: now) { algorithm in
            try await context.store.write { tx in
                try tx.record(
                    .keysRotated, by: actor, detail: ["algorithm": .string(algorithm.rawValue), "reason": "command"],
                    at: now)
            }
        }
        let rotated = asked.filter { algorithm in !failures.contains { $0.algorithm == algorithm } }
        try check(failures, rotated)
        return [
            "keys": .array(keyring.list().filter { rotated.contains($0.algorithm) }.map(make)),
            "early": .array(failures.map { .string("\($0.error)") }),
        ]
    }

    /// Without `confirmed` it only says what would break. The audit comes first: without it nothing is revoked.
    private static let revoke = Operation("keys.revoke", ["kid", "confirmed"], .console) { arguments, context in
        let kid = try arguments.text("kid")
        let isConfirmed = try arguments.flag("confirmed")
        let (now, actor, keyring) = (context.now, context.actor, context.services.keyring)
        try await keyring.refresh()
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
        let keys = try await keyring.revoke(kid: kid, now: now)
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

    /// - Throws: where anything went wrong, with what was done all the same; where nothing was, why.
    private static func check(_ failures: [RotationFailure], _ rotated: [SigningAlgorithm]) throws {
        if rotated.isEmpty, let only = failures.first, failures.count == 1 { throw only.error }
        if rotated.isEmpty, failures.allSatisfy(\.isEarly) {
            throw KeyringError(.early, failures.map { "\($0.error)" }.joined(separator: ", "))
        }
        let broken = failures.filter { !$0.isEarly }.map { ($0.algorithm.rawValue, OperationError($0.error)) }
        guard !broken.isEmpty else { return }
        let english = broken.map { "\($0): \($1)" }.joined(separator: " ")
        let indonesian = broken.map { "\($0): \($1.indonesian)" }.joined(separator: " ")
        let done = rotated.isEmpty ? "-" : rotated.map(\.rawValue).joined(separator: ", ")
        throw OperationError(
            .unavailable, "Not rotated: \(english) Rotated: \(done). Mend that and run the command again.",
            id: "Tidak diputar: \(indonesian) Diputar: \(done). Perbaiki hal itu lalu jalankan perintah ini lagi.")
    }

    private static func make(_ key: KeyInfo) -> JSONValue {
        [
            "kid": .string(key.kid), "algorithm": .string(key.algorithm.rawValue), "state": .string(key.state.rawValue),
            "made_at": .time(key.madeAt), "active_since": .time(key.activeSince), "retired_at": .time(key.retiredAt),
            "published_until": .time(key.publishedUntil),
        ]
    }
}
