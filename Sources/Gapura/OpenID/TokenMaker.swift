import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// Makes tokens: access tokens as RFC 9068 JWTs or opaque, ID tokens as OpenID Connect Core section 2 has them.
///
/// Signing happens outside the transaction; what an opaque token needs in the database is prepared here and written
/// there.
struct TokenMaker: Sendable {
    /// An access token that is ready except for its signature.
    struct Access: Sendable {
        /// Row of an opaque token.
        let row: AccessToken?
        let opaque: String?
        let claims: Claims?
        /// How it has to be sent.
        let scheme: TokenScheme
        let expiresAt: Timestamp

        /// `expires_in`.
        func seconds(at now: Timestamp) -> Int64 { max(0, expiresAt.seconds - now.seconds) }
    }

    private let settings: GatewaySettings
    private let issuer: TokenIssuer
    private let keyring: SigningKeyring
    private let signer: ClientSigner

    init(_ services: Services) {
        settings = services.settings
        keyring = services.keyring
        signer = ClientSigner(services)
        let keyring = services.keyring
        issuer = TokenIssuer(issuer: services.settings.issuer) { try keyring.signingKey(for: $0 ?? .rs256) }
    }

    var lifetime: Int64 { settings.tokenLifetime }

    /// - Parameters:
    ///   - family: of a person's token; nothing for a client's own.
    ///   - jkt: thumbprint of the key that it is bound to.
    ///   - audience: for which resources it is; those of the client's registration where none are named.
    ///   - actor: the client that acts for the person, of a token that was exchanged.
    ///   - latest: when it ends at the latest.
    func access(
        for client: Client, sub: String, scope: String, family: TokenFamily?, jkt: String?,
        audience named: [String] = [], actor: String? = nil, until latest: Timestamp? = nil, at now: Timestamp
    ) -> Access {
        let scheme: TokenScheme = jkt == nil ? .bearer : .dpop
        let usual = client.metadata.audience.isEmpty ? [settings.issuer] : client.metadata.audience
        let audience = named.isEmpty ? usual : named
        let end = min(now.adding(seconds: lifetime), latest ?? now.adding(seconds: lifetime))
        if client.metadata.accessTokenFormat == .opaque {
            let secret = SecureRandom.text(32)
            let row = AccessToken(
                digest: StoredSecret.digest(secret, of: .accessToken), familyID: family?.id, clientID: client.id,
                scope: scope,
                audience: audience.joined(separator: " "), jkt: jkt, actor: actor, createdAt: now, expiresAt: end
            )
            return Access(row: row, opaque: secret, claims: nil, scheme: scheme, expiresAt: end)
        }
        var claims: Claims = [
            "sub": .string(sub), "client_id": .string(client.id.text), "iat": .integer(now.seconds),
            "exp": .integer(end.seconds),
            "jti": .string(AccessTokenID(family: family?.id).text),
        ]
        claims.aud = audience
        if !scope.isEmpty { claims["scope"] = .string(scope) }
        if let actor { claims["act"] = ["sub": .string(actor)] }
        if let jkt { claims["cnf"] = ["jkt": .string(jkt)] }
        if let family {
            claims["sid"] = .string(family.sid)
            claims["auth_time"] = .integer(family.authTime.seconds)
            claims["acr"] = .string(family.acr)
            claims["amr"] = .array(
                family.amr.utf8.split(separator: 0x20).map { .string(String(decoding: $0, as: UTF8.self)) })
        }
        return Access(row: nil, opaque: nil, claims: claims, scheme: scheme, expiresAt: end)
    }

    func sign(_ access: Access, for client: Client) throws -> String {
        if let opaque = access.opaque { return opaque }
        guard let claims = access.claims else { throw OAuthError(.serverError, "No token could be made.") }
        return try issuer.issue(claims, type: .accessToken, algorithm: client.metadata.accessTokenAlgorithm)
    }

    /// Scope claims stay out: an access token is issued beside it, and userinfo answers them (OpenID Connect Core
    /// section 5.4), except those that were asked for by name.
    func idToken(
        for client: Client, sub: String, family: TokenFamily, nonce: String?, accessToken: String,
        named: JSONObject = JSONObject(), at now: Timestamp
    ) throws -> String {
        let key = try signer.idTokenKey(for: client)
        var claims: Claims = [
            "sub": .string(sub), "aud": .string(client.id.text), "iat": .integer(now.seconds),
            "exp": .integer(now.adding(seconds: lifetime).seconds), "auth_time": .integer(family.authTime.seconds),
            "acr": .string(family.acr),
            "amr": .array(family.amr.utf8.split(separator: 0x20).map { .string(String(decoding: $0, as: UTF8.self)) }),
            "sid": .string(family.sid), "at_hash": .string(key.algorithm.leftHalfHash(accessToken)),
        ]
        if let nonce { claims["nonce"] = .string(nonce) }
        for (name, value) in named.members where !Claims.isProtocol(name) { claims[name] = value }
        return try issuer.issue(claims, type: .jwt, key: key)
    }
}

/// The `jti` of an access token: random, behind the key of its family where it has one, so that a token leads to its
/// family without a table of tokens.
struct AccessTokenID: Sendable {
    let text: String
    let family: FamilyID?

    init(family: FamilyID?) {
        self.family = family
        let random = SecureRandom.text(16)
        text = family.map { "\($0.text).\(random)" } ?? random
    }

    init(jti: String) {
        text = jti
        let bytes = jti.utf8
        family =
            bytes.count > 37 && bytes.dropFirst(36).first == UInt8(ascii: ".")
            ? FamilyID(String(Substring(bytes.prefix(36)))) : nil
    }
}
