import GapuraFormats
import GapuraTokens

/// A key with what is known about it.
struct RingKey: Sendable {
    var info: KeyInfo
    let key: SigningKey
}

/// The keyring at one moment, ready for readers; never changed, only replaced.
final class KeyringSnapshot: Sendable {
    let keys: [RingKey]
    let algorithms: [SigningAlgorithm]
    let bytes: [UInt8]
    let etag: String
    private let active: [SigningAlgorithm: SigningKey]
    private let byKid: [ExactText: VerificationKey]

    init(_ keys: [RingKey]) throws {
        self.keys = Self.inOrder(keys)
        var active: [SigningAlgorithm: SigningKey] = [:]
        for key in keys where key.info.state == .active {
            active[key.info.algorithm] = key.key
        }
        self.active = active
        algorithms = SigningAlgorithm.allCases.filter { active[$0] != nil }
        var byKid: [ExactText: VerificationKey] = [:]
        for key in keys {
            byKid[ExactText(key.info.kid)] = key.key.verificationKey
        }
        self.byKid = byKid
        bytes = try JSONWebKeySet(self.keys.map(\.key.verificationKey)).encoded()
        etag = "\"\(Base64URL.encode(SHA256.hash(bytes).prefix(12)))\""
    }

    func signingKey(_ algorithm: SigningAlgorithm) -> SigningKey? {
        active[algorithm]
    }

    func verificationKey(_ kid: String) -> VerificationKey? {
        byKid[ExactText(kid)]
    }

    /// Active keys first, for verifiers that take the first one they see; then the next ones, then the retired.
    private static func inOrder(_ keys: [RingKey]) -> [RingKey] {
        func rank(_ key: RingKey) -> (Int, Int, Int64) {
            let state =
                switch key.info.state {
                case .active: 0
                case .next: 1
                case .retired: 2
                }
            let algorithm = SigningAlgorithm.allCases.firstIndex(of: key.info.algorithm) ?? 0
            return (state, algorithm, -key.info.madeAt.milliseconds)
        }
        return keys.sorted { rank($0) < rank($1) }
    }
}
