package import GapuraFormats

package typealias SessionID = ID<Session>

/// One browser's sign-in. The cookie carries a secret of which only the digest stands here.
package struct Session: Sendable, Equatable {
    package var id: SessionID
    /// SHA-256 of the cookie's secret, base64url.
    package var digest: String
    package var accountID: AccountID
    /// When the person really proved who they are.
    package var authTime: Timestamp
    /// Authentication methods, RFC 8176, separated by spaces.
    package var amr: String
    package var acr: String
    package var userAgent: String?
    package var address: String?
    package var createdAt: Timestamp
    package var lastSeenAt: Timestamp
    package var idleEndsAt: Timestamp
    package var endsAt: Timestamp
    package var endedAt: Timestamp?
    package var endReason: String?

    package init(
        id: SessionID, digest: String, accountID: AccountID, authTime: Timestamp, amr: String, acr: String,
        userAgent: String?,
        address: String?, createdAt: Timestamp, lastSeenAt: Timestamp, idleEndsAt: Timestamp, endsAt: Timestamp,
        endedAt: Timestamp? = nil,
        endReason: String? = nil
    ) {
        self.id = id
        self.digest = digest
        self.accountID = accountID
        self.authTime = authTime
        self.amr = amr
        self.acr = acr
        self.userAgent = userAgent
        self.address = address
        self.createdAt = createdAt
        self.lastSeenAt = lastSeenAt
        self.idleEndsAt = idleEndsAt
        self.endsAt = endsAt
        self.endedAt = endedAt
        self.endReason = endReason
    }

    package func isLive(at moment: Timestamp) -> Bool {
        endedAt == nil && moment < idleEndsAt && moment < endsAt
    }
}

/// What one client knows of a session: the `sid` in its ID tokens.
package struct ClientSession: Sendable, Equatable {
    package var sid: String
    package var sessionID: SessionID
    package var clientID: ClientID
    package var createdAt: Timestamp
    package var lastUsedAt: Timestamp

    package init(sid: String, sessionID: SessionID, clientID: ClientID, createdAt: Timestamp, lastUsedAt: Timestamp) {
        self.sid = sid
        self.sessionID = sessionID
        self.clientID = clientID
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
    }
}
