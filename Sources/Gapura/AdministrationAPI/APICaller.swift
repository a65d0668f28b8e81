import GapuraDirectory
import GapuraFormats
import GapuraStore
import Hummingbird

/// Who calls the administration API, and through which client.
struct APICaller: Sendable {
    let actor: Actor
    let clientID: ClientID
    /// When the admin signed in; nothing for a feed.
    let authTime: Timestamp?

    /// The one whose changes and keys these are, as text.
    var text: String { actor.text }

    /// - Throws: `OAuthError` `insufficient_user_authentication` where an admin signed in too long ago for that
    ///   (RFC 9470).
    func checkSignIn(for verb: Verb?, within seconds: Int64, at now: Timestamp) throws(OAuthError) {
        guard seconds > 0, let authTime, verb?.needsRecentSignIn == true else { return }
        guard now <= authTime.adding(seconds: seconds) else { throw OAuthError.signInTooOld(maxAge: seconds) }
    }
}

/// Finds out who calls: an admin through a tool that is marked for it (scope `admin`), or a feed in its own name (scope
/// `personnel`). Who that is and what the client may do is read each time (attack 199); what they may do is read by each
/// transaction of the operation.
struct APICallerReader: Sendable {
    /// Tokens older than this open nothing here, however long they live elsewhere.
    private static let maximumAge: Int64 = 300

    private let store: Store
    private let tokens: AccessTokenReader
    private let presented: PresentedTokenReader
    private let clients: ClientReader
    private let limits: RequestLimits
    private let issuer: String

    init(_ services: Services, clients: ClientReader) {
        store = services.store
        tokens = AccessTokenReader(services)
        presented = PresentedTokenReader(services)
        self.clients = clients
        limits = services.limits
        issuer = services.settings.issuer
    }

    /// - Throws: `APIProblem` 401 or 403, `StoreError`.
    func read(_ request: Request, _ context: GapuraContext) async throws -> APICaller {
        do {
            let now = context.now
            guard let token = try presented.header(of: request, at: now) else { throw APIProblem.noToken }
            do {
                return try await caller(token, context)
            } catch let error as OAuthError {
                throw error.atResource(token.scheme)
            }
        } catch let error as OAuthError {
            throw APIProblem(error)
        }
    }

    private func caller(_ token: PresentedToken, _ context: GapuraContext) async throws -> APICaller {
        guard let readable = tokens.present(token.text) else {
            throw OAuthError.invalidToken(reason: "no token of ours")
        }
        let reader = self
        let caller = try await store.lookUp { tx in try reader.caller(token, readable, context, tx) }
        if let proof = token.proof { try await store.write { tx in try proof.once.spend(in: tx) } }
        return caller
    }

    private func caller(
        _ token: PresentedToken, _ readable: AccessTokenReader.Presented, _ context: GapuraContext,
        _ tx: Transaction
    ) throws -> APICaller {
        let now = context.now
        guard let live = try tokens.live(readable, in: tx, at: now),
            live.issuedAt.adding(seconds: Self.maximumAge) > now,
            live.audience.contains(where: { $0.isExactly(issuer) }),
            let client = try clients.find(live.clientID.text, in: tx)
        else { throw OAuthError.invalidToken(reason: "revoked, expired, too old, or meant for another") }
        try token.check(live)
        try limits.admit(client, from: context.sourceAddress, at: now)
        let scope = Scope.left(of: live.scope, to: client)
        if let account = live.standing?.account {
            guard client.metadata.isAdministration, scope.holds(.admin) else { throw Self.scopeMissing }
            return APICaller(
                actor: .account(account.id.text), clientID: client.id, authTime: live.standing?.family.authTime)
        }
        guard client.metadata.isPersonnelFeed, scope.holds(.personnel) else { throw Self.scopeMissing }
        return APICaller(actor: .client(client.id.text), clientID: client.id, authTime: nil)
    }

    private static var scopeMissing: OAuthError {
        OAuthError(.insufficientScope, "The token was not issued for the administration API.")
    }
}
