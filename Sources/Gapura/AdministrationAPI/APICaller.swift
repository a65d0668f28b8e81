import GapuraDirectory
import GapuraFormats
import GapuraStore
import Hummingbird

/// Who calls the administration API, and through which client.
struct APICaller: Sendable {
    let actor: Actor
    let clientID: ClientID

    /// The one whose changes and keys these are, as text.
    var text: String { actor.text }
}

/// Finds out who calls: an admin through a tool that is marked for it (scope `admin`), or a feed in its own name (scope
/// `personnel`). Who that is and what the client may do is read each time (attack 199); what they may do is read by each
/// transaction of the operation.
struct APICallerReader: Sendable {
    /// Tokens older than this open nothing here, however long they live elsewhere.
    private static let maximumAge: Int64 = 300

    private let store: Store
    private let tokens: AccessTokenReader
    private let clients: ClientReader
    private let issuer: String

    init(_ services: Services, clients: ClientReader) {
        store = services.store
        tokens = AccessTokenReader(services)
        self.clients = clients
        issuer = services.settings.issuer
    }

    /// - Throws: `APIProblem` 401 or 403, `StoreError`.
    func read(_ request: Request, _ context: GapuraContext) async throws -> APICaller {
        do {
            guard let token = try BearerToken.header(of: request) else { throw APIProblem.noToken }
            guard let presented = tokens.present(token) else {
                throw OAuthError.invalidToken(reason: "no token of ours")
            }
            let reader = self
            let now = context.now
            return try await store.lookUp { tx in try reader.caller(presented, tx, at: now) }
        } catch let error as OAuthError {
            throw APIProblem(error)
        }
    }

    private func caller(_ presented: AccessTokenReader.Presented, _ tx: Transaction, at now: Timestamp) throws
        -> APICaller
    {
        guard let live = try tokens.live(presented, in: tx, at: now),
            live.issuedAt.adding(seconds: Self.maximumAge) > now,
            live.audience.contains(where: { $0.isExactly(issuer) }),
            let client = try clients.find(live.clientID.text, in: tx)
        else { throw OAuthError.invalidToken(reason: "revoked, expired, too old, or meant for another") }
        let scope = Scope.left(of: live.scope, to: client)
        if let account = live.standing?.account {
            guard client.metadata.isAdministration, scope.holds(.admin) else { throw Self.scopeMissing }
            return APICaller(actor: .account(account.id.text), clientID: client.id)
        }
        guard client.metadata.isPersonnelFeed, scope.holds(.personnel) else { throw Self.scopeMissing }
        return APICaller(actor: .client(client.id.text), clientID: client.id)
    }

    private static var scopeMissing: OAuthError {
        OAuthError(.insufficientScope, "The token was not issued for the administration API.")
    }
}
