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
    let standing: FamilyStanding?

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
        switch presented.form {
        case .jwt(let claims):
            guard let jti = claims.jti, let clientID = claims.clientID, let exp = claims.exp, now < exp,
                let iat = claims.iat
            else { return nil }
            let family = AccessTokenID(jti: jti).family
            guard try !tx.tokens.isRevoked(jti: jti) else { return nil }
            return try live(
                family: family, ClientID(clientID), claims.scopes.joined(separator: " "), claims.aud, iat, exp, jti,
                claims["cnf"]?["jkt"]?.string, claims["act"]?["sub"]?.string, in: tx, at: now
            )
        case .opaque(let digest):
            guard let row = try tx.tokens.findAccessToken(digest: digest), now < row.expiresAt else { return nil }
            let audience = row.audience.utf8.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
            return try live(
                family: row.familyID, row.clientID, row.scope, audience, row.createdAt, row.expiresAt, nil,
                row.jkt, row.actor, in: tx, at: now)
        }
    }

    private func live(
        family: FamilyID?, _ clientID: ClientID, _ scope: String, _ audience: [String], _ iat: Timestamp,
        _ exp: Timestamp, _ jti: String?, _ jkt: String?, _ actor: String?,
        in tx: Transaction, at now: Timestamp
    ) throws -> LiveAccessToken? {
        var standing: FamilyStanding?
        if let family {
            guard let found = try tx.tokens.standing(of: family), found.isGood(at: now) else { return nil }
            // One that was exchanged is the acting client's, and ends with the family that it came from.
            guard try actor == nil ? found.family.clientID == clientID : tx.clients.findUsable(clientID) != nil else {
                return nil
            }
            standing = found
        } else {
            guard try tx.clients.findUsable(clientID) != nil else { return nil }
        }
        return LiveAccessToken(
            clientID: clientID, scope: scope, audience: audience, issuedAt: iat, expiresAt: exp, jti: jti,
            jkt: jkt, actor: actor, standing: standing
        )
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
