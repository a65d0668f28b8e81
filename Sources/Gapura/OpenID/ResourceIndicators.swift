import GapuraFormats
import GapuraStore

/// Which resources tokens are asked for (RFC 8707): those that a client registered as a resource server says it is, by an
/// `audience` that is a URI, and the gateway itself.
struct ResourceIndicators: Sendable {
    private static let maximum = 10

    private let issuer: String
    private let clients: ClientReader

    init(_ services: Services, clients: ClientReader) {
        issuer = services.settings.issuer
        self.clients = clients
    }

    /// The values of `resource`, each once.
    /// - Throws: `OAuthError` `invalid_target` for what is no absolute URI without a fragment (section 2).
    static func read(_ parameters: RequestParameters) throws(OAuthError) -> [String] {
        let values = parameters.pairs.filter { $0.name.isExactly("resource") && !$0.value.isEmpty }.map(\.value)
        guard values.count <= maximum else { throw invalid("too many resources") }
        var unique: [String] = []
        for value in values where !unique.contains(where: { $0.isExactly(value) }) {
            guard isAbsolute(value) else { throw invalid("not an absolute URI") }
            unique.append(value)
        }
        return unique
    }

    /// - Throws: `OAuthError` `invalid_target` for a resource that nobody here is.
    func check(_ resources: [String], in tx: Transaction) throws {
        guard !resources.isEmpty else { return }
        var known: Set<ExactText> = [ExactText(issuer)]
        for record in try tx.clients.listUsable() {
            guard let client = try? clients.client(record), client.metadata.isResourceServer else { continue }
            known.formUnion(([client.id.text] + client.metadata.audience).map(ExactText.init))
        }
        guard resources.allSatisfy({ known.contains(ExactText($0)) }) else { throw Self.invalid("unknown resource") }
    }

    /// For what a token of a family is: what is asked for, of what the authorization was for (section 2.2). An application
    /// that is not the city's own gets nothing beyond that: it is what the person saw.
    /// - Throws: `OAuthError` `invalid_target`.
    func audience(_ asked: [String], of family: TokenFamily, _ client: Client, in tx: Transaction) throws -> [String] {
        let authorized = (family.resources ?? "").utf8.split(separator: 0x20).map { String(Substring($0)) }
        guard !asked.isEmpty else {
            try check(authorized, in: tx)
            return authorized
        }
        let isFree = authorized.isEmpty && client.metadata.isTrusted
        guard isFree || asked.allSatisfy({ one in authorized.contains { $0.isExactly(one) } }) else {
            throw Self.invalid("not one that was authorized")
        }
        try check(asked, in: tx)
        return asked
    }

    static func invalid(_ reason: String) -> OAuthError {
        OAuthError(.invalidTarget, "No token can be issued for that resource.", reason: "resource: \(reason)")
    }

    private static func isAbsolute(_ uri: String) -> Bool {
        let bytes = Array(uri.utf8)
        guard bytes.count <= 2048, bytes.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") }),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0, colon < bytes.count - 1
        else { return false }
        return bytes[..<colon].allSatisfy { byte in
            (0x61...0x7a).contains(byte | 0x20) || (0x30...0x39).contains(byte) || [0x2b, 0x2d, 0x2e].contains(byte)
        }
    }
}
