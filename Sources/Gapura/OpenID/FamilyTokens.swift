import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// The first tokens of a family: what an authorization code or a device code is exchanged for.
struct FamilyTokens: Sendable {
    /// What is signed once the transaction is over.
    struct Granted: Sendable {
        fileprivate let family: TokenFamily
        fileprivate let sub: String
        fileprivate let nonce: String?
        /// Claims of the ID token that were asked for by name.
        fileprivate let named: JSONObject
        fileprivate let access: TokenMaker.Access
        fileprivate let refresh: String?
    }

    enum Outcome: Sendable {
        case granted(Granted)
        case refused(String)
        /// Another error than `invalid_grant`; what was exchanged is spent all the same.
        case failed(OAuthError)
    }

    private let settings: GatewaySettings
    private let maker: TokenMaker
    private let claims: ClaimSource
    private let targets: ResourceIndicators
    private let subjects: Subjects

    init(_ services: Services, clients: ClientReader) {
        settings = services.settings
        maker = TokenMaker(services)
        claims = ClaimSource(services)
        targets = ResourceIndicators(services, clients: clients)
        subjects = Subjects(services)
    }

    /// Reads person, session, client and access rules as they are, and writes what has to be kept of the tokens.
    /// - Parameters:
    ///   - resources: what the request names.
    ///   - grant: for the audit.
    func issue(
        _ familyID: FamilyID, _ asked: TokenRequest, _ resources: [String], nonce: String? = nil, grant: String,
        in tx: Transaction
    ) throws -> Outcome {
        let (client, now, jkt) = (asked.client, asked.now, asked.proof?.jkt)
        guard let standing = try tx.tokens.standing(of: familyID), standing.isGood(at: now) else {
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
        let audience: [String]
        do {
            audience = try targets.audience(resources, of: family, client, in: tx)
        } catch let error as OAuthError {
            return .failed(error)
        }
        let access = maker.access(
            for: client, sub: sub, scope: family.scope, family: family, jkt: jkt, audience: audience,
            until: family.endsAt, at: now)
        if let row = access.row { try tx.tokens.insert(row) }
        let refresh = client.metadata.grantTypes.contains("refresh_token") ? SecureRandom.text(32) : nil
        if let refresh { try tx.tokens.insert(RefreshTokenRotation.token(refresh, family, settings, at: now)) }
        let named = RequestedClaims(stored: family.claims)
        let told = try claims.claims(named: named.idToken, for: standing.account, client: client, in: tx, at: now)
        try tx.disclosures.record(
            Scope.claims(of: family.scope, and: named), about: standing.account.id, to: client.id, at: now)
        try tx.record(
            .tokensIssued, by: .client(client.id.text), subject: standing.account.id.text, clientID: client.id,
            detail: ["family": .string(family.id.text), "grant": .string(grant)], at: now)
        return .granted(
            Granted(family: family, sub: sub, nonce: nonce, named: told, access: access, refresh: refresh))
    }

    /// Signs them, outside the transaction.
    func sign(_ granted: Granted, for client: Client, at now: Timestamp) throws -> TokenAnswer {
        let token = try maker.sign(granted.access, for: client)
        let idToken =
            granted.family.scope.holds(.openid)
            ? try maker.idToken(
                for: client, sub: granted.sub, family: granted.family, nonce: granted.nonce, accessToken: token,
                named: granted.named, at: now)
            : nil
        return TokenAnswer(
            accessToken: token, scheme: granted.access.scheme, expiresIn: granted.access.seconds(at: now),
            scope: granted.family.scope, idToken: idToken, refreshToken: granted.refresh)
    }
}
