import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
import Synchronization

/// An access token of ours that is good at this moment.
struct LiveAccessToken: Sendable {
    let clientID: ClientID
    var scope: String
    let audience: [String]
    let issuedAt: Timestamp
    let expiresAt: Timestamp
    let jti: String?
    /// Thumbprint of the key that it is bound to.
    let jkt: String?
    /// The client that acts for the person, of a token that was exchanged.
    let actor: String?
    /// Of a person's token; nothing for a client's own.
    var standing: FamilyStanding?
}

/// Reads access tokens that come back to us, JWT or opaque: the form is checked here, the state in the database each
/// time (attack 104).
struct AccessTokenReader: Sendable {
    /// A token whose form is right, before the database was asked.
    struct Presented: Sendable {
        fileprivate enum Form {
            case jwt(Claims)
            case opaque(digest: String)
        }

        fileprivate let form: Form
    }

    private let keyring: SigningKeyring
    private let issuer: String
    private let verified = VerifiedSignatures()

    init(_ services: Services) {
        keyring = services.keyring
        issuer = services.settings.issuer
    }

    /// Checks form and signature; no database, no state.
    func present(_ token: String) -> Presented? {
        let bytes = token.utf8
        guard bytes.contains(UInt8(ascii: ".")) else {
            guard bytes.count == 43 else { return nil }
            return Presented(form: .opaque(digest: StoredSecret.digest(token, of: .accessToken)))
        }
        guard bytes.count <= JWS.maximumBytes, let claims = claims(token),
            claims.iss?.isExactly(issuer) == true
        else { return nil }
        return Presented(form: .jwt(claims))
    }

    /// The claims of a token that our own key signed. The signature of the same bytes is not computed twice: it cannot
    /// change, only the state can.
    private func claims(_ token: String) -> Claims? {
        let digest = SHA256.hash(token)
        if let known = verified.claims(of: digest), keyring.verificationKey(kid: known.kid) != nil {
            return known.claims
        }
        guard let jws = try? JWS(token), jws.type == .accessToken, let kid = jws.kid,
            let key = keyring.verificationKey(kid: kid),
            let payload = try? jws.verify(with: key), let claims = try? Claims(json: payload)
        else { return nil }
        verified.remember((kid, claims), of: digest)
        return claims
    }

    /// Looks up the state of a token: revoked, expired, its person, session and client as they are now.
    func live(_ presented: Presented, in tx: Transaction, at now: Timestamp) throws -> LiveAccessToken? {
        guard var (token, family) = try issued(presented, in: tx, at: now) else { return nil }
        guard let family else { return try tx.clients.findUsable(token.clientID) == nil ? nil : token }
        guard let standing = try tx.tokens.standing(of: family), standing.isGood(at: now) else { return nil }
        // One that was exchanged is the acting client's, and ends with the family that it came from.
        let isClients =
            try token.actor == nil
            ? standing.family.clientID == token.clientID : tx.clients.findUsable(token.clientID) != nil
        guard isClients else { return nil }
        token.standing = standing
        return token
    }

    /// What a token says that has not run out and was not revoked, whatever its person, session and client are just
    /// now: a suspension may end before it does. `standing` is empty.
    func issued(_ presented: Presented, in tx: Transaction, at now: Timestamp) throws -> (
        token: LiveAccessToken, family: FamilyID?
    )? {
        switch presented.form {
        case .jwt(let claims):
            guard let jti = claims.jti, let clientID = claims.clientID, let exp = claims.exp, now < exp,
                let iat = claims.iat, try !tx.tokens.isRevoked(jti: jti)
            else { return nil }
            let token = LiveAccessToken(
                clientID: ClientID(clientID), scope: claims.scopes.joined(separator: " "), audience: claims.aud,
                issuedAt: iat, expiresAt: exp, jti: jti, jkt: claims["cnf"]?["jkt"]?.string,
                actor: claims["act"]?["sub"]?.string)
            return (token, AccessTokenID(jti: jti).family)
        case .opaque(let digest):
            guard let row = try tx.tokens.findAccessToken(digest: digest), now < row.expiresAt else { return nil }
            let audience = row.audience.utf8.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
            let token = LiveAccessToken(
                clientID: row.clientID, scope: row.scope, audience: audience, issuedAt: row.createdAt,
                expiresAt: row.expiresAt, jti: nil, jkt: row.jkt, actor: row.actor)
            return (token, row.familyID)
        }
    }
}

/// Tokens whose signature was found good, by the SHA-256 of their bytes, with the key that signed them: a key that is
/// revoked takes them with it. Bounded, and forgotten whole when full.
///
/// Remembering a signature is not caching introspection: what a token is worth is read from the database each time.
private final class VerifiedSignatures: Sendable {
    private static let limit = 4096
    private let claims = Mutex<[[UInt8]: (kid: String, claims: Claims)]>([:])

    func claims(of digest: [UInt8]) -> (kid: String, claims: Claims)? {
        claims.withLock { $0[digest] }
    }

    func remember(_ known: (kid: String, claims: Claims), of digest: [UInt8]) {
        claims.withLock { claims in
            if claims.count >= Self.limit { claims.removeAll(keepingCapacity: true) }
            claims[digest] = known
        }
    }
}
