import GapuraFormats
package import GapuraStore
package import GapuraTokens
import Synchronization

/// An OAuth client that may act: its record with its registration read.
package struct Client: Sendable {
    package let record: ClientRecord
    package let metadata: ClientMetadata

    package var id: ClientID { record.id }
    package var isPublic: Bool { metadata.tokenEndpointAuthMethod == .none }
}

/// Reads clients. The database is asked every time; only the parsed form of an unchanged registration is remembered.
package final class ClientReader: Sendable {
    /// The keys with which they sign.
    let keys: ClientKeys
    private let settings: GatewaySettings
    private let parsed = Mutex<[ClientID: (settings: String, metadata: ClientMetadata)]>([:])
    private static let limit = 2000

    package init(_ services: Services) {
        keys = ClientKeys(services)
        settings = services.settings
    }

    /// The client if it and its application may act. A disabled one is as unknown as one that never was (attack 1).
    package func find(_ id: String, in tx: Transaction) throws -> Client? {
        guard Self.isClientID(id) else { return nil }
        return try tx.clients.findUsable(ClientID(id)).map(client)
    }

    /// Whether text has the form of a client id: 1 to 128 visible ASCII characters without a colon, which HTTP Basic
    /// splits at.
    package static func isClientID(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: ":") }
    }

    /// Also a client that may not act: for signing its users out, and for admins.
    package func findAny(_ id: ClientID, in tx: Transaction) throws -> Client? {
        guard Self.isClientID(id.text) else { return nil }
        return try tx.clients.find(id).map(client)
    }

    /// Where the scripts of public clients that may act come from: the origins of their redirect URIs.
    func publicOrigins(in tx: Transaction) throws -> Set<String> {
        var origins: Set<String> = []
        for record in try tx.clients.listUsable() {
            // One that cannot be read is no reason to forget the others.
            guard let client = try? client(record), client.isPublic else { continue }
            for uri in client.metadata.redirectURIs {
                if let origin = Self.origin(of: uri.text) { origins.insert(origin) }
            }
        }
        return origins
    }

    /// Where applications begin a sign-in that somebody asks for elsewhere: `initiate_login_uri` with the issuer (OpenID
    /// Connect Core section 4). Of several clients of an application the first by id, and none that registered itself: a
    /// tile of the portal leads where an admin said.
    package func startsOfSignIn(in tx: Transaction) throws -> [ApplicationID: String] {
        var starts: [ApplicationID: String] = [:]
        for record in try tx.clients.listStartingSignIn() where starts[record.applicationID] == nil {
            guard let uri = (try? client(record))?.metadata.initiateLoginURI else { continue }
            let mark = uri.utf8.contains(UInt8(ascii: "?")) ? "&" : "?"
            starts[record.applicationID] = uri + mark + FormURLEncoded.encode([("iss", settings.issuer)])
        }
        return starts
    }

    /// Scheme, host and port of a web address, as browsers write an origin (RFC 6454): registered addresses are in that
    /// form already, without a default port.
    static func origin(of uri: String) -> String? {
        let bytes = uri.utf8
        guard ["https://", "http://"].contains(where: { bytes.starts(with: $0.utf8) }),
            let slashes = bytes.firstRange(of: "://".utf8)
        else { return nil }
        let authority = bytes[slashes.upperBound...].prefix { ![0x2f, 0x3f, 0x23].contains($0) }
        return String(uri[..<slashes.upperBound]) + String(Substring(authority))
    }

    package func client(_ record: ClientRecord) throws -> Client {
        if let known = parsed.withLock({ $0[record.id] }), known.settings.isExactly(record.settings) {
            return Client(record: record, metadata: known.metadata)
        }
        guard let json = try StrictJSON.parse(Array(record.settings.utf8)).object else {
            throw StoreError(.corrupt, "clients.settings is no object")
        }
        let metadata = try ClientMetadata(json, settings: settings)
        parsed.withLock { parsed in
            if parsed.count >= Self.limit { parsed.removeAll(keepingCapacity: true) }
            parsed[record.id] = (record.settings, metadata)
        }
        return Client(record: record, metadata: metadata)
    }
}

/// Signs what goes to a client: with the gateway's key, or for HS algorithms with the client's own secret, which is
/// shared with nobody else.
package struct ClientSigner: Sendable {
    private let keyring: SigningKeyring
    private let secrets: SecretKeys

    package init(_ services: Services) {
        keyring = services.keyring
        secrets = services.secrets
    }

    package func idTokenKey(for client: Client) throws -> SigningKey {
        try key(for: client, client.metadata.idTokenAlgorithm)
    }

    package func key(for client: Client, _ algorithm: SigningAlgorithm) throws -> SigningKey {
        guard algorithm.isSymmetric else { return try keyring.signingKey(for: algorithm) }
        guard let sealed = client.record.sealedSecret else {
            throw OAuthError(
                .serverError, "The client has no secret that signs.", reason: "HS client without sealed secret")
        }
        do {
            let secret = try secrets.unseal(sealed, for: client.id.text)
            return try SigningKey(secret: Array(secret.utf8), algorithm: algorithm)
        } catch let error as KeyringError {
            // Sealed with the keys of another day: nothing that the gateway could do again would help.
            throw OAuthError(
                .invalidClient, "The client's secret is of no use any more; it needs a new one.",
                reason: "the client's secret does not open: \(error)")
        }
    }
}
