import GapuraDirectory
import GapuraFormats
package import GapuraStore
import GapuraTokens
package import Hummingbird

/// Who is signed in in a browser: the session and its account, as they are now.
package struct SignedIn: Sendable {
    package let session: Session
    package let account: Account
}

/// What a request tells of its browser: the session, the handle that ties forms and flows to it, the language.
package struct Browser: Sendable {
    package let cookies: CookieNames
    private let store: Store
    private let secrets: SecretKeys
    private let settings: GatewaySettings

    package init(_ services: Services) {
        cookies = CookieNames(settings: services.settings)
        store = services.store
        secrets = services.secrets
        settings = services.settings
    }

    // MARK: Session

    /// The live session of the request, if its account may sign in. Its idle end moves on, written at most once a
    /// minute.
    package func signedIn(_ request: Request, _ context: GapuraContext) async throws -> SignedIn? {
        guard let secret = cookies.secret(cookies.session, in: request) else { return nil }
        let digest = StoredSecret.digest(secret, of: .session)
        guard let (session, account) = try await store.lookUp({ try $0.sessions.find(digest: digest) }),
            session.isLive(at: context.now), account.state(at: context.now).maySignIn
        else { return nil }
        if context.now.milliseconds - session.lastSeenAt.milliseconds > 60_000 {
            let now = context.now
            let idleEnd = min(now.adding(seconds: settings.sessionIdle), session.endsAt)
            try await store.write { try $0.sessions.touch(session.id, at: now, idleEndsAt: idleEnd) }
        }
        return SignedIn(session: session, account: account)
    }

    // MARK: Handle and forms

    /// The browser's handle, from its cookie or new.
    package func handle(_ request: Request) -> BrowserHandle {
        if let known = cookies.secret(cookies.flow, in: request) { return BrowserHandle(secret: known, isNew: false) }
        return BrowserHandle(secret: SecureRandom.text(32), isNew: true)
    }

    /// The value of the hidden field `csrf` for a browser.
    package func formToken(_ handle: BrowserHandle) -> String {
        Base64URL.encode(HMACSHA256.code(Array("form:\(handle.secret)".utf8), key: secrets.csrf))
    }

    /// Refuses posts that do not come from a form of ours in this browser (attack 134).
    /// - Throws: `PageError` 403.
    package func checkForm(_ form: RequestParameters, _ request: Request) throws {
        guard try isFresh(form, request) else {
            throw PageError(.forbidden, reason: "the form is ours, and its token missing or another's")
        }
    }

    /// Refuses posts that may come from elsewhere (attack 134), for forms that can be shown again.
    /// - Returns: false where only the form's token is missing or another's, while the browser itself says that the
    ///   form was ours: it stood open while cookies went away, or they are not allowed.
    /// - Throws: `PageError` 403.
    package func isFresh(_ form: RequestParameters, _ request: Request) throws -> Bool {
        if let site = request.headers[.secFetchSite], !site.isExactly("same-origin"), !site.isExactly("none") {
            throw PageError(.forbidden, reason: "Sec-Fetch-Site says cross-site")
        }
        // Under our `Referrer-Policy: no-referrer` (attack 305) browsers write `Origin: null` on our own forms: then
        // the line above and the token decide.
        if let origin = request.headers[.origin], !origin.isExactly(settings.issuerOrigin), !origin.isExactly("null") {
            throw PageError(.forbidden, reason: "the Origin is another")
        }
        // No script can write these two headers.
        let isOurs =
            request.headers[.secFetchSite]?.isExactly("same-origin") ?? false
            || request.headers[.origin]?.isExactly(settings.issuerOrigin) ?? false
        guard let known = cookies.secret(cookies.flow, in: request), let sent = form["csrf"] else {
            if isOurs { return false }
            throw PageError(.forbidden, reason: "no form token or no cookie")
        }
        let expected = formToken(BrowserHandle(secret: known, isNew: false))
        guard constantTimeEquals(Array(sent.utf8), Array(expected.utf8)) else {
            if isOurs { return false }
            throw PageError(.forbidden, reason: "the form token is another's")
        }
        return true
    }

    // MARK: Language

    /// Indonesian, unless the person chose English, or an application asks for it and the person never chose.
    package func language(_ request: Request, uiLocales: String? = nil) -> Language {
        if let chosen = CookieNames.value(cookies.language, in: request).flatMap(Language.init(rawValue:)) {
            return chosen
        }
        for locale in (uiLocales ?? "").utf8.split(separator: 0x20).prefix(10) {
            let primary = locale.prefix { $0 != UInt8(ascii: "-") }
            if let language = Language(rawValue: nameKey(String(decoding: primary, as: UTF8.self))) { return language }
        }
        return .indonesian
    }
}

/// A random value that only one browser's cookie carries.
package struct BrowserHandle: Sendable {
    package let secret: String
    /// Whether the cookie has still to be set.
    package let isNew: Bool

    package init(secret: String, isNew: Bool) {
        self.secret = secret
        self.isNew = isNew
    }
}

extension GatewaySettings {
    /// Scheme, host and port of the issuer: what browsers send as `Origin`.
    package var issuerOrigin: String {
        let bytes = Array(issuer.utf8)
        guard let scheme = bytes.firstIndex(of: UInt8(ascii: ":")), bytes.count > scheme + 3 else { return issuer }
        let end = bytes[(scheme + 3)...].firstIndex(of: UInt8(ascii: "/")) ?? bytes.endIndex
        return String(decoding: bytes[..<end], as: UTF8.self)
    }

    /// Host and port of the issuer: what an honest `Host` header says.
    var issuerAuthority: String {
        let origin = issuerOrigin
        guard let colon = origin.utf8.firstIndex(of: UInt8(ascii: ":")) else { return origin }
        return String(Substring(origin.utf8[colon...].dropFirst(3)))
    }
}
