import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// The signing keys.
enum KeyOperations {
    static let all = [list, rotate]

    private static let list = Operation("keys.list") { _, context in
        try context.services.keyring.refresh()
        return ["keys": .array(context.services.keyring.list().map(make))]
    }

    /// The audit comes first, as in `KeyRotationJob`: without it there is no rotation.
    private static let rotate = Operation("keys.rotate", ["algorithm"]) { arguments, context in
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
        let keys = try context.services.keyring.rotate(algorithm, now: now)
        return ["keys": .array(keys.map(make))]
    }

    private static func make(_ key: KeyInfo) -> JSONValue {
        [
            "kid": .string(key.kid), "algorithm": .string(key.algorithm.rawValue), "state": .string(key.state.rawValue),
            "made_at": .time(key.madeAt), "active_since": .time(key.activeSince), "retired_at": .time(key.retiredAt),
            "published_until": .time(key.publishedUntil),
        ]
    }
}
