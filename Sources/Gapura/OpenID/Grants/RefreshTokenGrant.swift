import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// `refresh_token`: RFC 6749 section 6, RFC 9700 section 4.14.2. Public clients get a new token each time; those
/// whose tokens are bound to a key, and confidential ones, keep theirs (FAPI 2.0 section 5.3.2.1).
struct RefreshTokenGrant: Grant {
    let type = "refresh_token"

    private let settings: GatewaySettings
    private let maker: TokenMaker
    private let targets: ResourceIndicators
    private let subjects: Subjects
    private let rotation: RefreshTokenRotation
    private let limits: RequestLimits

    init(_ services: Services, clients: ClientReader) {
        targets = ResourceIndicators(services, clients: clients)
        settings = services.settings
        maker = TokenMaker(services)
        subjects = Subjects(services)
        rotation = RefreshTokenRotation(key: services.secrets.refresh)
        limits = services.limits
    }

    private enum Outcome: Sendable {
        case granted(family: TokenFamily, sub: String, access: TokenMaker.Access, refresh: String)
        case refused(String)
        case scopeTooWide
    }

    func exchange(_ request: TokenRequest) async throws -> TokenAnswer {
        let (form, client, jkt) = (request.form, request.client, request.proof?.jkt)
        guard let token = form["refresh_token"] else { throw OAuthError.invalidRequest("refresh_token is missing.") }
        let digest = StoredSecret.digest(token, of: .refreshToken)
        let next = client.isPublic ? rotation.successor(of: token) : nil
        let resources = try ResourceIndicators.read(form)
        let targets = targets
        let asked = try form["scope"].map { text in
            guard let tokens = Scope.tokens(text) else {
                throw OAuthError(.invalidScope, "The scope is too long or has forbidden characters.")
            }
            return tokens
        }
        let (maker, subjects, settings, limits, now) = (maker, subjects, settings, limits, request.now)

        let outcome: Outcome = try await request.ledger.write { tx in
            guard let stored = try tx.tokens.findRefreshToken(digest: digest) else {
                return .refused("unknown refresh token")
            }
            guard stored.clientID == client.id else { return .refused("another client's refresh token") }
            let found = try tx.tokens.standing(of: stored.familyID)
            // A spent token tells of a theft, whatever else is wrong with the request (attack 94).
            if stored.usedAt != nil, let family = found?.family,
                try !(next.map { try Self.isRetry(stored, of: $0, in: tx, at: now) } ?? false)
            {
                try Self.reused(family, by: client, in: tx, at: now)
                return .refused("rotated before")
            }
            guard now < stored.expiresAt else { return .refused("expired") }
            guard let standing = found, standing.isGood(at: now) else {
                return .refused("revoked, or person, session or client no longer good")
            }
            var family = standing.family
            let mayStay = client.metadata.scopes.contains { $0.isExactly(Scope.offlineAccess.rawValue) }
            let session = standing.session
            let isThere = session.endedAt == nil && now < session.idleEndsAt && now < session.endsAt
            guard !family.offline || mayStay || isThere else {
                return .refused("the client may not go on without the person any more")
            }
            guard family.jkt.map({ jkt?.isExactly($0) ?? false }) ?? true else { return .refused("another key") }
            let successor = family.jkt == nil || stored.usedAt != nil ? next : nil
            guard try AccessPolicy.admits(standing.account, to: client.record.applicationID, in: tx) else {
                return .refused("the person may not use the application any more")
            }
            guard let scope = Self.narrowed(Scope.left(of: family.scope, to: client), to: asked) else {
                return .scopeTooWide
            }
            // Last of all: whoever lacks the client's secret or key uses nothing up. What runs again counts again.
            try limits.admit(refreshOf: family.id, at: now)
            if let successor {
                guard try Self.rotate(stored, to: successor, family, settings, in: tx, at: now) else {
                    try Self.reused(family, by: client, in: tx, at: now)
                    return .refused("rotated before")
                }
            } else {
                try tx.tokens.extendRefreshToken(
                    digest: digest, to: RefreshTokenRotation.end(family, settings, at: now))
            }
            if client.isPublic, family.jkt == nil, let jkt {
                // From here on it is that key's (RFC 9449 section 5).
                try tx.tokens.bind(family.id, to: jkt)
                family.jkt = jkt
            }
            if !family.offline {
                // Using an application is being there: the session's idle end moves on.
                let idleEnd = min(now.adding(seconds: settings.sessionIdle), standing.session.endsAt)
                try tx.sessions.touch(family.sessionID, at: now, idleEndsAt: idleEnd)
            }
            let sub = subjects.sub(standing.account.sub, for: client)
            let audience = try targets.audience(resources, of: family, client, in: tx)
            let access = maker.access(
                for: client, sub: sub, scope: scope, family: family, jkt: jkt,
                audience: audience, until: family.endsAt, at: now)
            if let row = access.row { try tx.tokens.insert(row) }
            let named = RequestedClaims(stored: family.claims)
            try tx.disclosures.record(
                Scope.claims(of: scope, and: named), about: standing.account.id, to: client.id, at: now)
            try tx.record(
                .tokensRefreshed, by: .client(client.id.text), subject: standing.account.id.text, clientID: client.id,
                detail: ["family": .string(family.id.text)], at: now
            )
            var narrowed = family
            narrowed.scope = scope
            return .granted(
                family: narrowed, sub: sub, access: access, refresh: successor ?? token)
        }
        switch outcome {
        case .refused(let reason):
            throw OAuthError.invalidGrant(reason: reason)
        case .scopeTooWide:
            throw OAuthError(.invalidScope, "More was asked than was granted.")
        case .granted(let family, let sub, let access, let refresh):
            let accessToken = try maker.sign(access, for: client)
            let idToken =
                family.scope.holds(.openid)
                ? try maker.idToken(
                    for: client, sub: sub, family: family, nonce: nil, accessToken: accessToken, at: now) : nil
            return TokenAnswer(
                accessToken: accessToken, scheme: access.scheme, expiresIn: access.seconds(at: request.now),
                scope: family.scope,
                idToken: idToken, refreshToken: refresh
            )
        }
    }

    /// The granted scope, or what of it was asked for; nothing if more was asked. The grant itself stays as it is
    /// (attack 97).
    private static func narrowed(_ granted: String, to asked: [String]?) -> String? {
        guard let asked else { return granted }
        let held = granted.utf8.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
        guard asked.allSatisfy({ scope in held.contains { $0.isExactly(scope) } }) else { return nil }
        return asked.joined(separator: " ")
    }

    /// Spends the token and writes its successor; a retry gets the same successor again.
    /// - Returns: false for anything else that comes with a spent token.
    private static func rotate(
        _ stored: RefreshToken, to successor: String, _ family: TokenFamily, _ settings: GatewaySettings,
        in tx: Transaction, at now: Timestamp
    ) throws -> Bool {
        if try tx.tokens.consumeRefreshToken(digest: stored.digest, at: now) {
            try tx.tokens.insert(RefreshTokenRotation.token(successor, family, settings, at: now))
            return true
        }
        return try isRetry(stored, of: successor, in: tx, at: now)
    }

    /// The same rotation asked for again within ten seconds, and its successor still unused.
    private static func isRetry(_ stored: RefreshToken, of successor: String, in tx: Transaction, at now: Timestamp)
        throws -> Bool
    {
        guard let usedAt = stored.usedAt, now < usedAt.adding(milliseconds: RefreshTokenRotation.grace) else {
            return false
        }
        let next = try tx.tokens.findRefreshToken(digest: StoredSecret.digest(successor, of: .refreshToken))
        return next != nil && next?.usedAt == nil
    }

    private static func reused(_ family: TokenFamily, by client: Client, in tx: Transaction, at now: Timestamp) throws {
        guard try tx.tokens.revoke(family.id, reason: "refresh_token_reused", at: now) else { return }
        try tx.record(
            .refreshTokenReused, by: .client(client.id.text), subject: family.accountID.text, clientID: client.id,
            detail: ["family": .string(family.id.text)], at: now
        )
    }
}

/// How refresh tokens follow each other.
struct RefreshTokenRotation: Sendable {
    /// Milliseconds in which a retry of the same rotation is answered again.
    static let grace: Int64 = 10_000

    let key: [UInt8]

    /// Derived, not stored, so that a retry can be answered.
    func successor(of token: String) -> String {
        Base64URL.encode(HMACSHA256.code(Array(token.utf8), key: key))
    }

    static func token(_ secret: String, _ family: TokenFamily, _ settings: GatewaySettings, at now: Timestamp)
        -> RefreshToken
    {
        RefreshToken(
            digest: StoredSecret.digest(secret, of: .refreshToken), familyID: family.id, clientID: family.clientID,
            createdAt: now,
            expiresAt: end(family, settings, at: now)
        )
    }

    /// The idle end, never beyond the family's absolute one.
    static func end(_ family: TokenFamily, _ settings: GatewaySettings, at now: Timestamp) -> Timestamp {
        min(now.adding(seconds: family.offline ? settings.offlineIdle : settings.refreshLifetime), family.endsAt)
    }
}
