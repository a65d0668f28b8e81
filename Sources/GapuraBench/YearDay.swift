import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// What one working day writes, with the queries that the gateway's endpoints use.
struct YearDay: Sendable {
    static let signIns = 5
    static let scope = "openid profile email phone asn"
    private static let claims =
        "sub name given_name family_name email email_verified phone_number nip employee_kind unit agency"
    private static let userAgent =
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
    private static let batch = 2000

    let city: YearCity
    /// When the first sign in.
    let morning: Timestamp

    /// What the rows of a sign-in are found by.
    struct Written: Sendable {
        let session: String
        let family: FamilyID
        let code: String
        let refresh: String
    }

    /// Every second hour everybody signs in once, within an hour.
    /// - Parameter share: only one of so many people.
    func write(to store: Store, oneOf share: Int) async throws -> [Written] {
        let count = city.owners.count / share
        var all: [Written] = []
        all.reserveCapacity(count * Self.signIns)
        for slot in 0..<Self.signIns {
            for start in stride(from: 0, to: count, by: Self.batch) {
                all += try await store.write { tx in
                    try (start..<min(start + Self.batch, count)).map { index in
                        let moment = morning.adding(
                            milliseconds: Int64(slot) * 7_200_000 + Int64(index) * 3_500_000 / Int64(count))
                        return try signIn(index, slot, tx, at: moment)
                    }
                }
            }
        }
        return all
    }

    /// A full sign-in: a session, a code, its tokens. One of five ends with a sign-out.
    private func signIn(_ index: Int, _ slot: Int, _ tx: Transaction, at now: Timestamp) throws -> Written {
        let number = index * Self.signIns + slot
        let owner = city.owners[index]
        let client = city.clients[number % city.clients.count]
        let pushed = client.signs ? try push(client, tx, at: now) : nil
        let flow = Flow(
            digest: SecureRandom.text(32), network: owner.network, place: owner.address,
            handle: SecureRandom.text(32), clientID: client.id, request: Self.request(client), pushed: pushed,
            createdAt: now, expiresAt: now.adding(seconds: 1800))
        try tx.signIn.insert(flow)
        let then = now.adding(seconds: 20)
        let session = try session(of: owner, number, tx, at: then)
        let written = try tokens(owner, client, session, tx, at: then)
        _ = try tx.signIn.consumeFlow(digest: flow.digest, at: then)
        if let pushed { _ = try tx.pushed.consume(digest: pushed, at: then) }
        if number % 5 == 0 { try signOut(owner, session, tx, at: then.adding(seconds: 3000)) }
        return written
    }

    private static func request(_ client: YearCity.Application) -> String {
        FormURLEncoded.encode([
            ("response_type", "code"), ("client_id", client.id.text),
            ("redirect_uri", "https://\(client.id.text).contoh.invalid/callback"), ("scope", scope),
            ("state", SecureRandom.text(16)), ("nonce", SecureRandom.text(16)), ("code_challenge_method", "S256"),
            ("code_challenge", SecureRandom.text(32)),
        ])
    }

    /// A pushed request, with the assertion that came with it and the one that will come with the code.
    private func push(_ client: YearCity.Application, _ tx: Transaction, at now: Timestamp) throws -> String {
        let digest = SecureRandom.text(32)
        for _ in 0..<2 { _ = try tx.tokens.see(digest: SecureRandom.text(32), until: now.adding(seconds: 120)) }
        try tx.pushed.insert(
            PushedRequest(
                digest: digest, clientID: client.id, network: "", request: Self.request(client), createdAt: now,
                expiresAt: now.adding(seconds: 90)))
        return digest
    }

    /// The password was right; before it, one of fifty typed a wrong name, and one of a thousand came by a link.
    private func session(of owner: YearCity.Owner, _ number: Int, _ tx: Transaction, at now: Timestamp) throws
        -> Session
    {
        if number % 1000 == 7 {
            let link = OneTimeLink(
                digest: SecureRandom.text(32), accountID: owner.id, purpose: .reset, createdAt: now,
                expiresAt: now.adding(seconds: 3600))
            try tx.signIn.insert(link)
            _ = try tx.signIn.consumeLink(digest: link.digest, at: now)
        }
        if number % 50 == 3 {
            try tx.signIn.update(
                "name:\(SecureRandom.text(32))", Throttle(failures: 1, lastFailureAt: now, openAt: now))
        }
        let device = "device:\(owner.device)"
        try tx.signIn.update(device, Throttle(failures: 1, lastFailureAt: now, openAt: now))
        for key in ["account:\(owner.id.text)", device, "newcomer:\(owner.address)"] {
            try tx.signIn.deleteThrottle(key)
        }
        try tx.signIn.insertDevice(digest: owner.device, accountID: owner.id, network: owner.network, at: now)
        let session = Session(
            id: .make(now: now), digest: SecureRandom.text(32), accountID: owner.id, authTime: now, amr: "pwd",
            acr: "1", userAgent: Self.userAgent, address: owner.address, createdAt: now,
            lastSeenAt: now, idleEndsAt: now.adding(seconds: 2 * 3600), endsAt: now.adding(seconds: 12 * 3600))
        try tx.sessions.insert(session)
        return session
    }

    private func tokens(
        _ owner: YearCity.Owner, _ client: YearCity.Application, _ session: Session, _ tx: Transaction,
        at now: Timestamp
    ) throws -> Written {
        let known = ClientSession(
            sid: SecureRandom.text(16), sessionID: session.id, clientID: client.id, createdAt: now, lastUsedAt: now)
        try tx.sessions.insert(known)
        let family = TokenFamily(
            id: .make(now: now), clientID: client.id, accountID: owner.id, sessionID: session.id, sid: known.sid,
            scope: Self.scope, authTime: session.authTime, amr: session.amr, acr: session.acr, offline: false,
            createdAt: now, endsAt: session.endsAt)
        try tx.tokens.insert(family)
        let code = AuthorizationCode(
            digest: SecureRandom.text(32), familyID: family.id, clientID: client.id,
            redirectURI: "https://\(client.id.text).contoh.invalid/callback", nonce: SecureRandom.text(16),
            challenge: SecureRandom.text(32), createdAt: now, expiresAt: now.adding(seconds: 60))
        try tx.tokens.insert(code)
        try tx.applications.recordUse(of: client.application, by: owner.id, at: now)
        _ = try tx.tokens.consumeCode(digest: code.digest, at: now)
        if client.isOpaque {
            try tx.tokens.insert(
                AccessToken(
                    digest: SecureRandom.text(32), familyID: family.id, clientID: client.id, scope: Self.scope,
                    audience: "https://\(client.id.text).contoh.invalid", createdAt: now,
                    expiresAt: now.adding(seconds: 300)))
        }
        let refresh = RefreshToken(
            digest: SecureRandom.text(32), familyID: family.id, clientID: client.id, createdAt: now,
            expiresAt: family.endsAt)
        try tx.tokens.insert(refresh)
        try tx.disclosures.record(Self.claims, about: owner.id, to: client.id, at: now)
        return Written(session: session.digest, family: family.id, code: code.digest, refresh: refresh.digest)
    }

    /// With what it revokes, and with the applications that are told and answer.
    private func signOut(_ owner: YearCity.Owner, _ session: Session, _ tx: Transaction, at now: Timestamp) throws {
        _ = try tx.sessions.end(session.id, reason: "signed_out", at: now)
        try tx.tokens.revokeAll(of: session.id, includingOffline: false, reason: "signed_out", at: now)
        try tx.tokens.insertRevoked(jti: SecureRandom.text(43), expiresAt: now.adding(seconds: 300))
        guard try tx.logout.insertDeliveries(for: session.id, accountSub: owner.sub, at: now) > 0 else { return }
        for var told in try tx.logout.list(of: session.id) {
            (told.state, told.nextTryAt, told.answeredAt, told.status) = (.answered, nil, now, 200)
            try tx.logout.update(told)
        }
    }
}
