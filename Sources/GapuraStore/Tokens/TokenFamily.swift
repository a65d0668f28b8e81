package import GapuraFormats

package typealias FamilyID = ID<TokenFamily>

/// Everything that came from one authorization: its code, its access and refresh tokens. Revoking it ends them all.
package struct TokenFamily: Sendable, Equatable {
    package var id: FamilyID
    package var clientID: ClientID
    package var accountID: AccountID
    package var sessionID: SessionID
    package var sid: String
    /// Scopes that were granted, separated by spaces.
    package var scope: String
    package var authTime: Timestamp
    package var amr: String
    package var acr: String
    /// `offline_access`: outlives the session.
    package var offline: Bool
    package var createdAt: Timestamp
    package var endsAt: Timestamp
    package var revokedAt: Timestamp?
    package var revokeReason: String?
    /// Thumbprint of the key that its refresh tokens are bound to, of a public client that proves one (RFC 9449).
    package var jkt: String?
    /// Claims that were asked for by name, as JSON.
    package var claims: String?
    /// For which resources its tokens are, separated by spaces; nothing where none was named.
    package var resources: String?

    package init(
        id: FamilyID, clientID: ClientID, accountID: AccountID, sessionID: SessionID, sid: String, scope: String,
        authTime: Timestamp,
        amr: String, acr: String, offline: Bool, createdAt: Timestamp, endsAt: Timestamp, revokedAt: Timestamp? = nil,
        revokeReason: String? = nil, jkt: String? = nil, claims: String? = nil,
        resources: String? = nil
    ) {
        self.id = id
        self.clientID = clientID
        self.accountID = accountID
        self.sessionID = sessionID
        self.sid = sid
        self.scope = scope
        self.authTime = authTime
        self.amr = amr
        self.acr = acr
        self.offline = offline
        self.createdAt = createdAt
        self.endsAt = endsAt
        self.revokedAt = revokedAt
        self.revokeReason = revokeReason
        self.jkt = jkt
        self.claims = claims
        self.resources = resources
    }
}

/// An authorization code, of which only the digest is stored.
package struct AuthorizationCode: Sendable, Equatable {
    package var digest: String
    package var familyID: FamilyID
    package var clientID: ClientID
    package var redirectURI: String
    package var nonce: String?
    /// PKCE `code_challenge`, always S256.
    package var challenge: String?
    /// Thumbprint of the key that has to be proven with it (RFC 9449 section 10).
    package var jkt: String?
    package var createdAt: Timestamp
    package var expiresAt: Timestamp
    package var usedAt: Timestamp?

    package init(
        digest: String, familyID: FamilyID, clientID: ClientID, redirectURI: String, nonce: String?, challenge: String?,
        jkt: String? = nil, createdAt: Timestamp, expiresAt: Timestamp, usedAt: Timestamp? = nil
    ) {
        self.digest = digest
        self.familyID = familyID
        self.clientID = clientID
        self.redirectURI = redirectURI
        self.nonce = nonce
        self.challenge = challenge
        self.jkt = jkt
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.usedAt = usedAt
    }
}

/// How a client asked for its last codes.
package struct CodeHabits: Sendable, Equatable {
    package var codes: Int
    package var withNonce: Int
    package var withChallenge: Int
}

/// A refresh token, of which only the digest is stored.
package struct RefreshToken: Sendable, Equatable {
    package var digest: String
    package var familyID: FamilyID
    package var clientID: ClientID
    package var createdAt: Timestamp
    package var expiresAt: Timestamp
    /// When it was rotated.
    package var usedAt: Timestamp?

    package init(
        digest: String, familyID: FamilyID, clientID: ClientID, createdAt: Timestamp, expiresAt: Timestamp,
        usedAt: Timestamp? = nil
    ) {
        self.digest = digest
        self.familyID = familyID
        self.clientID = clientID
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.usedAt = usedAt
    }
}

/// An opaque access token, of which only the digest is stored. A token without a family is a client's own (client
/// credentials).
package struct AccessToken: Sendable, Equatable {
    package var digest: String
    package var familyID: FamilyID?
    package var clientID: ClientID
    package var scope: String
    package var audience: String
    /// Thumbprint of the key that it is bound to.
    package var jkt: String?
    /// The client that acts for the person, of a token that was exchanged.
    package var actor: String?
    package var createdAt: Timestamp
    package var expiresAt: Timestamp

    package init(
        digest: String, familyID: FamilyID?, clientID: ClientID, scope: String, audience: String, jkt: String? = nil,
        actor: String? = nil, createdAt: Timestamp, expiresAt: Timestamp
    ) {
        self.digest = digest
        self.familyID = familyID
        self.clientID = clientID
        self.scope = scope
        self.audience = audience
        self.jkt = jkt
        self.actor = actor
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

/// What has to hold for a token of a family to be good at this moment, read in one statement.
package struct FamilyStanding: Sendable {
    package var family: TokenFamily
    package var account: Account
    package var session: (endedAt: Timestamp?, idleEndsAt: Timestamp, endsAt: Timestamp)
    package var clientActive: Bool

    /// Whether tokens of the family count at a moment: nobody revoked it, the client may act, the person may use
    /// applications, and the session lives unless the family outlives it.
    package func isGood(at moment: Timestamp) -> Bool {
        guard family.revokedAt == nil, moment < family.endsAt, clientActive,
            account.state(at: moment).mayUseApplications
        else { return false }
        return family.offline
            || (session.endedAt == nil && moment < session.endsAt && moment < session.idleEndsAt)
    }
}
