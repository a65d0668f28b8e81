import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
import Hummingbird

/// Begins a session, or renews the one this browser has, once somebody has proved who they are.
struct SessionStarter: Sendable {
    /// A session with the cookies that carry it.
    struct Started: Sendable {
        let signedIn: SignedIn
        let cookies: [String]
    }

    private let store: Store
    private let settings: GatewaySettings
    private let cookies: CookieNames

    init(_ services: Services) {
        store = services.store
        settings = services.settings
        cookies = CookieNames(settings: services.settings)
    }

    /// The secret in the cookie is always new, so a session planted before sign-in is worth nothing after it (attack
    /// 133).
    /// - Parameter proven: the account as it was when its password was checked.
    /// - Returns: nothing if the account lost its right to sign in meanwhile, or got another password.
    func start(
        for proven: Account, replacing old: SignedIn?, device: String?, userAgent: String?, name: String,
        address: String, at now: Timestamp
    ) async throws -> Started? {
        let secret = SecureRandom.text(32)
        let digest = StoredSecret.digest(secret, of: .session)
        let device = device ?? SecureRandom.text(32)
        let deviceDigest = KnownDevice.digest(device, of: proven.id)
        let settings = settings
        let signedIn: SignedIn? = try await store.write { tx in
            guard let account = try tx.accounts.find(proven.id), account.state(at: now).maySignIn,
                account.passwordChangedAt == proven.passwordChangedAt
            else { return nil }
            let known = try KnownDevice.find(device, of: account.id, in: tx)
            let keys = SignInThrottle.Keys(
                account: account.id, knownDevice: known, name: name, address: address, at: now)
            try SignInThrottle.succeed(keys, in: tx)
            try tx.signIn.insertDevice(digest: deviceDigest, accountID: account.id, network: keys.origin, at: now)
            let ends = now.adding(seconds: settings.sessionAbsolute)
            let idleEnds = now.adding(seconds: settings.sessionIdle)
            if let old, old.account.id == account.id,
                try tx.sessions.renew(
                    old.session.id, digest: digest, authTime: now, amr: AuthenticationLevel.passwordMethods,
                    acr: AuthenticationLevel.password,
                    idleEndsAt: idleEnds, endsAt: ends
                ), let renewed = try tx.sessions.find(old.session.id)
            {
                try tx.record(
                    .sessionRenewed, by: .account(account.id.text), subject: account.id.text,
                    detail: ["session": .string(renewed.id.text)], at: now
                )
                return SignedIn(session: renewed, account: account)
            }
            if let old {
                try SessionEnding.end(
                    old.session.id, of: old.account, reason: .replaced, by: .account(account.id.text), in: tx, at: now)
            }
            let session = Session(
                id: .make(now: now), digest: digest, accountID: account.id, authTime: now,
                amr: AuthenticationLevel.passwordMethods,
                acr: AuthenticationLevel.password, userAgent: userAgent.map(Self.shortened), address: address,
                createdAt: now, lastSeenAt: now,
                idleEndsAt: idleEnds, endsAt: ends
            )
            for old in try tx.sessions.listLive(of: account.id, at: now).dropFirst(Self.limit - 1) {
                try SessionEnding.end(
                    old.id, of: account, reason: .tooMany, by: .account(account.id.text), in: tx, at: now)
            }
            try tx.sessions.insert(session)
            try tx.record(
                .sessionStarted, by: .account(account.id.text), subject: account.id.text,
                detail: ["session": .string(session.id.text), "amr": .string(session.amr)], at: now
            )
            return SignedIn(session: session, account: account)
        }
        guard let signedIn else { return nil }
        return Started(
            signedIn: signedIn,
            cookies: [
                cookies.header(cookies.session, secret),
                cookies.header(cookies.device, device, maxAge: CookieNames.deviceLifetime),
            ]
        )
    }

    /// Sessions that one account has at a time: more than anybody's devices. The oldest makes room (attack 319).
    static let limit = 50

    /// 200 bytes of printable ASCII: enough to recognise a browser.
    private static func shortened(_ text: String) -> String {
        String(decoding: text.utf8.filter { (0x20...0x7e).contains($0) }.prefix(200), as: UTF8.self)
    }
}
