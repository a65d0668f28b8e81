import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// Issues authorization codes: one transaction reads account, session, client and access rules again, and writes the
/// code with its family.
struct CodeIssuer: Sendable {
    enum Outcome: Sendable {
        case code(String)
        case noAccess
        /// The person has not allowed all of it.
        case consentMissing
        /// The person said no.
        case denied
        /// The session or the account's right to sign in ended meanwhile.
        case signedOut
        case flowSpent
        /// A pushed request that was answered before, or is gone.
        case pushedSpent
    }

    private let store: Store
    private let settings: GatewaySettings
    private let clients: ClientReader

    init(_ services: Services, clients: ClientReader) {
        self.clients = clients
        store = services.store
        settings = services.settings
    }

    /// - Parameter shown: what the person has just allowed on the consent page.
    func issue(
        for asked: AuthorizationRequest, _ signedIn: SignedIn, flow: AuthorizationFlow?, shown: String?,
        at now: Timestamp
    ) async throws -> Outcome {
        let secret = SecureRandom.text(32)
        let (settings, clients) = (settings, clients)
        let sessionID = signedIn.session.id
        return try await store.write { tx in
            // As it is now, not as it was when the page was made (attack 19).
            guard let session = try tx.sessions.find(sessionID), session.isLive(at: now),
                let account = try tx.accounts.find(session.accountID), account.state(at: now).maySignIn
            else { return .signedOut }
            guard let record = try tx.clients.findUsable(asked.client.id) else { return .noAccess }
            guard account.state(at: now).mayUseApplications,
                try AccessPolicy.admits(account, to: record.applicationID, in: tx)
            else { return .noAccess }
            let metadata = try clients.client(record).metadata
            let isTrusted = metadata.isTrusted
            // FAPI 2.0 section 5.3.2.1.
            let isStrict = metadata.security.profile == .fapi2
            let items = ConsentItems(asked)
            var consentEnd: Timestamp?
            if !isTrusted || asked.isAnybodys {
                let end = now.adding(seconds: settings.consentLifetime)
                consentEnd = try Self.end(
                    of: items, shown: shown, until: end, asked, by: account, record.id, in: tx, at: now)
                guard consentEnd != nil else { return .consentMissing }
            }
            if let flow, try !tx.signIn.consumeFlow(digest: flow.digest, at: now) { return .flowSpent }
            if let pushed = asked.sent.pushed, try !tx.pushed.consume(digest: pushed, at: now) { return .pushedSpent }
            if let consentEnd, shown != nil, !isTrusted {
                try ConsentDirectory.give(items, of: account, to: record.id, until: consentEnd, in: tx, at: now)
            }

            var start = FamilyStart(
                record.id, account.id, session, scope: asked.scope, claims: asked.claims.stored,
                resources: asked.resources.isEmpty ? nil : asked.resources.joined(separator: " "))
            start.notAfter = isTrusted ? nil : consentEnd
            let family = try start.write(.make(now: now), settings, in: tx, at: now)
            try tx.tokens.insert(
                AuthorizationCode(
                    digest: StoredSecret.digest(secret, of: .code), familyID: family.id, clientID: record.id,
                    redirectURI: asked.target.redirectURI, nonce: asked.nonce, challenge: asked.challenge,
                    jkt: asked.jkt,
                    createdAt: now,
                    expiresAt: now.adding(seconds: min(settings.codeLifetime, isStrict ? 60 : .max))
                )
            )
            try tx.applications.recordUse(of: record.applicationID, by: account.id, at: now)
            try tx.record(
                .codeIssued, by: .account(account.id.text), subject: account.id.text, clientID: record.id,
                detail: [
                    "session": .string(session.id.text), "family": .string(family.id.text),
                    "scope": .string(asked.scope),
                ], at: now
            )
            return .code(secret)
        }
    }

    /// Somebody said no, and that is the answer: flow and pushed request are spent with it.
    func refuse(
        _ asked: AuthorizationRequest, _ signedIn: SignedIn, flow: AuthorizationFlow?, at now: Timestamp
    ) async throws -> Outcome {
        let account = signedIn.account.id.text
        return try await store.write { tx in
            if let flow, try !tx.signIn.consumeFlow(digest: flow.digest, at: now) { return .flowSpent }
            if let pushed = asked.sent.pushed, try !tx.pushed.consume(digest: pushed, at: now) { return .pushedSpent }
            try tx.record(
                .consentDenied, by: .account(account), subject: account, clientID: asked.client.id, at: now)
            return .denied
        }
    }

    /// Until when the person allows all of it, just now or before; nothing where they do not. What was shown has to be
    /// what would be sent. Where anybody may have sent the request, what was allowed before does not count.
    private static func end(
        of items: ConsentItems, shown: String?, until end: Timestamp, _ asked: AuthorizationRequest,
        by account: Account, _ client: ClientID, in tx: Transaction, at now: Timestamp
    ) throws -> Timestamp? {
        if let shown { return shown.isExactly(items.text) ? end : nil }
        return asked.isAnybodys ? nil : items.end(in: try tx.consents.items(of: account.id, for: client, at: now))
    }
}

extension AuthorizationRequest {
    /// Whether any program on the person's machine may have sent it, because nothing shows which one listens at the
    /// redirect URI: a public client at a loopback address or a private scheme. The person is asked each time (RFC 8252
    /// section 8.6, RFC 6749 section 10.2).
    var isAnybodys: Bool {
        client.isPublic && client.metadata.isNative && !target.redirectURI.utf8.starts(with: "https://".utf8)
    }
}
