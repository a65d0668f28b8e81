import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// `authorization_code`: RFC 6749 section 4.1.3, RFC 7636 section 4.6, OpenID Connect Core section 3.1.3.
struct AuthorizationCodeGrant: Grant {
    let type = "authorization_code"

    private let store: Store
    private let settings: GatewaySettings
    private let maker: TokenMaker
    private let targets: ResourceIndicators
    private let subjects: Subjects
    private let claims: ClaimSource

    init(_ services: Services, clients: ClientReader) {
        targets = ResourceIndicators(services, clients: clients)
        store = services.store
        settings = services.settings
        maker = TokenMaker(services)
        subjects = Subjects(services)
        claims = ClaimSource(services)
    }

    private enum Outcome: Sendable {
        case granted(
            family: TokenFamily, sub: String, nonce: String?, named: JSONObject, access: TokenMaker.Access)
        case refused(String)
    }

    func exchange(_ asked: TokenRequest) async throws -> TokenAnswer {
        let (form, client, jkt) = (asked.form, asked.client, asked.proof?.jkt)
        guard let code = form["code"] else { throw OAuthError.invalidRequest("code is missing.") }
        let redirectURI = form["redirect_uri"]
        let verifier = form["code_verifier"]
        let digest = StoredSecret.digest(code, of: .code)
        let resources = try ResourceIndicators.read(form)
        let targets = targets
        let refresh = client.metadata.grantTypes.contains("refresh_token") ? SecureRandom.text(32) : nil
        let (maker, claims, subjects, settings, now) = (maker, claims, subjects, settings, asked.now)

        let outcome: Outcome = try await store.write { tx in
            guard let stored = try tx.tokens.findCode(digest: digest) else { return .refused("unknown code") }
            guard stored.clientID == client.id else { return .refused("another client's code") }
            guard try tx.tokens.consumeCode(digest: digest, at: now) else {
                return .refused(try Self.reused(stored, by: client, in: tx, at: now))
            }
            // From here the code is spent, whatever is wrong with the rest.
            guard now < stored.expiresAt else { return .refused("expired") }
            guard redirectURI?.isExactly(stored.redirectURI) == true else { return .refused("another redirect_uri") }
            guard Self.proves(verifier, stored.challenge) else { return .refused("PKCE") }
            // A code may be bound to a key before anybody proves it (RFC 9449 section 10).
            guard stored.jkt.map({ jkt?.isExactly($0) ?? false }) ?? true else { return .refused("another key") }
            guard let standing = try tx.tokens.standing(of: stored.familyID), standing.isGood(at: now) else {
                return .refused("person, session or client no longer good")
            }
            guard try AccessPolicy.admits(standing.account, to: client.record.applicationID, in: tx) else {
                return .refused("the person may not use the application any more")
            }
            var family = standing.family
            family.scope = Scope.left(of: family.scope, to: client)
            let sub = subjects.sub(standing.account.sub, for: client)
            if client.isPublic, let jkt {
                try tx.tokens.bind(family.id, to: jkt)
                family.jkt = jkt
            }
            let audience = try targets.audience(resources, of: family, in: tx)
            let access = maker.access(
                for: client, sub: sub, scope: family.scope, family: family, jkt: jkt,
                audience: audience, at: now)
            if let row = access.row { try tx.tokens.insert(row) }
            if let refresh {
                try tx.tokens.insert(RefreshTokenRotation.token(refresh, family, settings, at: now))
            }
            let named = RequestedClaims(stored: family.claims)
            let told = try claims.claims(
                named: named.idToken, for: standing.account, client: client, in: tx, at: now)
            try tx.disclosures.record(
                Scope.claims(of: family.scope, and: named), about: standing.account.id, to: client.id, at: now)
            try tx.record(
                .tokensIssued, by: .client(client.id.text), subject: standing.account.id.text, clientID: client.id,
                detail: ["family": .string(family.id.text), "grant": "authorization_code"], at: now
            )
            return .granted(
                family: family, sub: sub, nonce: stored.nonce, named: told, access: access)
        }
        switch outcome {
        case .refused(let reason):
            throw OAuthError.invalidGrant(reason: reason)
        case .granted(let family, let sub, let nonce, let named, let access):
            let token = try maker.sign(access, for: client)
            let idToken =
                family.scope.holds(.openid)
                ? try maker.idToken(
                    for: client, sub: sub, family: family, nonce: nonce, accessToken: token, named: named, at: now)
                : nil
            return TokenAnswer(
                accessToken: token, scheme: access.scheme, expiresIn: maker.lifetime, scope: family.scope,
                idToken: idToken, refreshToken: refresh
            )
        }
    }

    /// A second use revokes everything the first one gave (RFC 6749 section 4.1.2; attack 86).
    private static func reused(_ code: AuthorizationCode, by client: Client, in tx: Transaction, at now: Timestamp)
        throws -> String
    {
        if try tx.tokens.revoke(code.familyID, reason: "code_reused", at: now) {
            try tx.record(
                .codeReused, by: .client(client.id.text), clientID: client.id,
                detail: ["family": .string(code.familyID.text)], at: now
            )
        }
        return "used before"
    }

    /// A verifier without a challenge is as wrong as a challenge without a verifier (attacks 82, 83).
    static func proves(_ verifier: String?, _ challenge: String?) -> Bool {
        switch (verifier, challenge) {
        case (nil, nil):
            return true
        case (let verifier?, let challenge?):
            let bytes = Array(verifier.utf8)
            guard (43...128).contains(bytes.count) else { return false }
            return constantTimeEquals(Array(Base64URL.encode(SHA256.hash(bytes)).utf8), Array(challenge.utf8))
        default:
            return false
        }
    }
}
