package import GapuraFormats
package import GapuraTokens

/// What is said about a signing key: everything but the key.
package struct KeyInfo: Sendable, Equatable {
    /// next → active → retired → gone.
    package enum State: String, Sendable {
        /// Published, so that verifiers know it, and not used yet.
        case next
        /// Signs.
        case active
        /// Published until the last token it signed is dead.
        case retired
    }

    package let kid: String
    package let algorithm: SigningAlgorithm
    package internal(set) var state: State
    package let madeAt: Timestamp
    package internal(set) var activeSince: Timestamp?
    package internal(set) var retiredAt: Timestamp?
    package internal(set) var publishedUntil: Timestamp?

    /// For commands and the API, and a line of `keyring.json`. Times are milliseconds since 1970.
    package var jsonValue: JSONValue {
        var object: JSONObject = [
            "kid": .string(kid), "algorithm": .string(algorithm.rawValue), "state": .string(state.rawValue),
            "made_at": .integer(madeAt.milliseconds),
        ]
        object["active_since"] = activeSince.map { .integer($0.milliseconds) }
        object["retired_at"] = retiredAt.map { .integer($0.milliseconds) }
        object["published_until"] = publishedUntil.map { .integer($0.milliseconds) }
        return .object(object)
    }

    /// Name of the key's file.
    var fileName: String { "\(algorithm.rawValue)-\(kid).pem" }

    init(kid: String, algorithm: SigningAlgorithm, state: State, madeAt: Timestamp, activeSince: Timestamp? = nil) {
        self.kid = kid
        self.algorithm = algorithm
        self.state = state
        self.madeAt = madeAt
        self.activeSince = activeSince
    }

    /// From a line of `keyring.json`; nil where it is not one.
    init?(_ value: JSONValue) {
        guard let kid = value["kid"]?.string, Self.isName(kid),
            let algorithm = value["algorithm"]?.string.flatMap({ SigningAlgorithm(name: $0) }), !algorithm.isSymmetric,
            let state = value["state"]?.string.flatMap({ State(rawValue: $0) }),
            let madeAt = value["made_at"]?.integer
        else { return nil }
        self.init(kid: kid, algorithm: algorithm, state: state, madeAt: Timestamp(milliseconds: madeAt))
        activeSince = value["active_since"]?.integer.map { Timestamp(milliseconds: $0) }
        retiredAt = value["retired_at"]?.integer.map { Timestamp(milliseconds: $0) }
        publishedUntil = value["published_until"]?.integer.map { Timestamp(milliseconds: $0) }
        // A retired key without an end would be published for ever.
        guard state != .retired || (retiredAt != nil && publishedUntil != nil) else { return nil }
    }

    /// A `kid` is a thumbprint, and part of a file name: letters, digits, `-` and `_`.
    private static func isName(_ kid: String) -> Bool {
        let letters = kid.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return letters && (1...128).contains(kid.utf8.count)
    }
}

/// How long a key is published before it signs, and after it signed.
package struct KeyRetention: Sendable {
    /// Seconds, longer than any token and any session lives: an ID token comes back as `id_token_hint` when its session
    /// ends.
    package var seconds: Int64
    /// Seconds that every key stays, however many rotations follow each other: the longest token and a verifier's
    /// cache.
    package var minimum: Int64
    /// Seconds for which the next key is published before it signs: verifiers keep the set for five minutes (`max-age`
    /// of its answer), and another node shows it a minute late.
    package var notice: Int64
    /// Published keys at most: verifiers, ours too, refuse a set of more than 100.
    package var maximumKeys: Int

    package init(
        seconds: Int64 = 24 * 3600, minimum: Int64 = 600, notice: Int64 = 600, maximumKeys: Int = 99
    ) {
        self.seconds = max(seconds, minimum)
        self.minimum = minimum
        self.notice = notice
        self.maximumKeys = maximumKeys
    }

    /// As a gateway with these settings needs it: an ID token comes back as a hint when its session ends, an access
    /// token lives on its own.
    package init(_ settings: GatewaySettings) {
        self.init(seconds: settings.sessionAbsolute + 12 * 3600, minimum: settings.tokenLifetime + 300)
    }
}
