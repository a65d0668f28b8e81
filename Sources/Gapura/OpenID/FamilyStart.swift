import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// Where tokens begin: a family below a session, which the client knows by a `sid` of its own.
struct FamilyStart: Sendable {
    let client: ClientID
    let account: AccountID
    let session: Session
    let scope: String
    var claims: String?
    var resources: String?
    /// When the person's consent ends, of an application that is not the city's own.
    var notAfter: Timestamp?

    /// Random, made before the transaction.
    private let newSID = SecureRandom.text(16)

    init(
        _ client: ClientID, _ account: AccountID, _ session: Session, scope: String, claims: String? = nil,
        resources: String? = nil
    ) {
        self.client = client
        self.account = account
        self.session = session
        self.scope = scope
        self.claims = claims
        self.resources = resources
    }

    /// Writes the family, and the client's session if it has none in this one yet.
    func write(_ id: FamilyID, _ settings: GatewaySettings, in tx: Transaction, at now: Timestamp) throws -> TokenFamily
    {
        let isOffline = scope.holds(.offlineAccess)
        let end = isOffline ? now.adding(seconds: settings.offlineAbsolute) : session.endsAt
        let family = TokenFamily(
            id: id, clientID: client, accountID: account, sessionID: session.id, sid: try sid(in: tx, at: now),
            scope: scope, authTime: session.authTime, amr: session.amr, acr: session.acr, offline: isOffline,
            createdAt: now, endsAt: notAfter.map { min($0, end) } ?? end,
            claims: claims, resources: resources)
        try tx.tokens.insert(family)
        return family
    }

    /// The `sid` this client knows the session by; one per client and session.
    private func sid(in tx: Transaction, at now: Timestamp) throws -> String {
        if let known = try tx.sessions.clientSession(of: session.id, for: client) {
            try tx.sessions.touchClientSession(sid: known.sid, at: now)
            return known.sid
        }
        try tx.sessions.insert(
            ClientSession(sid: newSID, sessionID: session.id, clientID: client, createdAt: now, lastUsedAt: now))
        return newSID
    }
}
