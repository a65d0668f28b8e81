import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// `token-exchange`: RFC 8693. A service that was sent somebody's access token gets a narrower one with which it asks
/// another service for that person. Off unless a client registers for it, and then for the clients that it names
/// (`may_exchange`).
struct TokenExchangeGrant: Grant {
    static let name = "urn:ietf:params:oauth:grant-type:token-exchange"
    static let accessToken = "urn:ietf:params:oauth:token-type:access_token"

    /// What the new token never is for: the person is not there.
    private static let never: [Scope] = [.openid, .offlineAccess, .admin, .tte]

    let type = Self.name

    private let maker: TokenMaker
    private let tokens: AccessTokenReader
    private let targets: ResourceIndicators
    private let subjects: Subjects
    private let clients: ClientReader

    init(_ services: Services, clients: ClientReader) {
        self.clients = clients
        maker = TokenMaker(services)
        tokens = AccessTokenReader(services)
        targets = ResourceIndicators(services, clients: clients)
        subjects = Subjects(services)
    }

    func exchange(_ asked: TokenRequest) async throws -> TokenAnswer {
        let (form, client, now) = (asked.form, asked.client, asked.now)
        guard form["actor_token"] == nil, form["actor_token_type"] == nil else {
            throw OAuthError.invalidRequest("actor_token is not supported: the client itself is the actor.")
        }
        guard let subject = form["subject_token"], form["subject_token_type"]?.isExactly(Self.accessToken) == true,
            form["requested_token_type"].map({ $0.isExactly(Self.accessToken) }) ?? true
        else { throw OAuthError.invalidRequest("subject_token is an access token, and so is what is given for it.") }
        let named = try ResourceIndicators.read(form)
        let wanted = named + form.pairs.filter { $0.name.isExactly("audience") }.map(\.value)
        let scope = try form["scope"].map { text in
            guard let tokens = Scope.tokens(text) else {
                throw OAuthError(.invalidScope, "The scope is too long or has forbidden characters.")
            }
            return tokens
        }
        guard let presented = tokens.present(subject) else { throw Self.unusable("no token of ours") }

        let (maker, tokens, targets, subjects, jkt) = (maker, tokens, targets, subjects, asked.proof?.jkt)
        let clients = clients
        let (access, granted): (TokenMaker.Access, String) = try await asked.ledger.write { tx in
            guard let live = try tokens.live(presented, in: tx, at: now), let standing = live.standing else {
                throw Self.unusable("revoked, expired, or a client's own")
            }
            guard live.actor == nil else { throw Self.unusable("exchanged before") }
            guard try clients.find(client.id.text, in: tx) != nil,
                let owner = try clients.find(live.clientID.text, in: tx)
            else { throw Self.unusable("one of the two clients was disabled meanwhile") }
            // What is bound to a key stays bound to one.
            guard live.jkt == nil || jkt != nil else { throw DPoPReader.invalid("the subject_token is bound to a key") }
            guard client.metadata.mayExchange.contains(where: { $0.isExactly(live.clientID.text) }),
                Self.isMeant(for: client, live)
            else { throw Self.unusable("of a client that this one does not act for, or meant for another") }
            guard try AccessPolicy.admits(standing.account, to: client.record.applicationID, in: tx) else {
                throw Self.unusable("the person may not use the application")
            }
            try targets.check(wanted, in: tx)
            let granted = try Self.narrowed(Scope.left(of: live.scope, to: owner), to: scope, for: client)
            let access = maker.access(
                for: client, sub: subjects.sub(standing.account.sub, for: client), scope: granted,
                family: standing.family, jkt: jkt, audience: wanted, actor: client.id.text,
                until: live.expiresAt, at: now)
            if let row = access.row { try tx.tokens.insert(row) }
            try tx.record(
                .tokensExchanged, by: .client(client.id.text), subject: standing.account.id.text,
                clientID: live.clientID, detail: ["family": .string(standing.family.id.text)], at: now)
            return (access, granted)
        }
        var answer = TokenAnswer(
            accessToken: try maker.sign(access, for: client), scheme: access.scheme,
            expiresIn: access.expiresAt.seconds - now.seconds, scope: granted)
        answer.issuedTokenType = Self.accessToken
        return answer
    }

    /// Never more than the token had, nor than the client may have.
    private static func narrowed(_ held: String, to asked: [String]?, for client: Client) throws(OAuthError) -> String {
        let open = held.utf8.split(separator: 0x20).map { String(Substring($0)) }.filter { token in
            client.metadata.scopes.contains { $0.isExactly(token) } && !never.contains { token.isExactly($0.rawValue) }
        }
        guard let asked else { return open.joined(separator: " ") }
        guard asked.allSatisfy({ scope in open.contains { $0.isExactly(scope) } }) else {
            throw OAuthError(.invalidScope, "More was asked than the subject_token and the client have.")
        }
        return asked.joined(separator: " ")
    }

    /// A name in `audience` is the client's own only where it is a resource server; otherwise it is whom it calls.
    private static func isMeant(for client: Client, _ token: LiveAccessToken) -> Bool {
        client.metadata.isResourceServer
            ? IntrospectionEndpoint.isMeant(for: client, token)
            : token.audience.contains { $0.isExactly(client.id.text) }
    }

    /// RFC 8693 section 2.2.2: one answer for every reason that a token is no good.
    private static func unusable(_ reason: String) -> OAuthError {
        OAuthError.invalidRequest("The subject_token is not usable.", reason: "token exchange: \(reason)")
    }
}
