import GapuraFormats
import GapuraTokens

/// By which `sub` a client knows somebody: the same one everywhere, or, of a client that asked for pairwise subjects, one
/// that only the clients of its sector share (OpenID Connect Core section 8.1).
package struct Subjects: Sendable {
    private let key: [UInt8]

    package init(_ services: Services) { key = services.secrets.subjects }

    /// - Parameters:
    ///   - sub: of the account.
    ///   - sector: of the client; nothing for one with public subjects.
    package func sub(_ sub: String, in sector: String?) -> String {
        guard let sector else { return sub }
        return Base64URL.encode(HMACSHA256.code(Array(sector.utf8) + [0] + Array(sub.utf8), key: key))
    }

    package func sub(_ sub: String, for client: Client) -> String { self.sub(sub, in: client.metadata.sector) }
}
