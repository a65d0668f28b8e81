import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
package import Hummingbird

/// One-time links: `/akun/tautan?kode=…` takes the secret out of the URL into a cookie at once, `/akun/kata-sandi` sets
/// the password.
///
/// Opening the page spends nothing, so a mail scanner or a preview cannot use a link up; setting the password does
/// (attack 179).
package struct PasswordEndpoint: Sendable {
    private let store: Store
    private let passwords: PasswordHasher
    private let policy: PasswordPolicy
    private let answers: PageAnswers
    private let refusals: RefusalLog
    private let doorbell: LogoutDoorbell

    package init(_ services: Services, refusals: RefusalLog, doorbell: LogoutDoorbell) {
        store = services.store
        passwords = services.passwords
        policy = PasswordPolicy(minimum: services.settings.passwordMinimum)
        answers = PageAnswers(services)
        self.refusals = refusals
        self.doorbell = doorbell
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.get("/akun/tautan") { request, _ in try open(request) }
        router.get("/akun/kata-sandi") { request, context in
            guard let link = try await link(request, context) else { throw Self.unusable }
            return try answers.page(
                .setPassword(SetPasswordModel(personName: link.name, userName: link.userName)), for: request)
        }
        router.post("/akun/kata-sandi") { request, context in try await set(request, context) }
    }

    /// An account that a link is good for, with what the page and the policy need to know of it.
    private struct Link {
        let digest: String
        let name: String
        let userName: String
        let personal: [String]
    }

    private static let unusable = PageError(.linkUnusable, reason: "the link is unknown, used or too old")

    private var linkCookie: String { answers.browser.cookies.link }

    private func open(_ request: Request) throws -> Response {
        let query = try RequestParameters(query: request)
        guard let secret = query["kode"], CookieNames.isSecret(secret) else { throw Self.unusable }
        let handle = answers.browser.handle(request)
        var cookies = [answers.browser.cookies.header(linkCookie, secret, maxAge: CookieNames.linkLifetime)]
        if handle.isNew { cookies.append(answers.browser.cookies.header(answers.browser.cookies.flow, handle.secret)) }
        return answers.redirect(to: "/akun/kata-sandi", cookies: cookies)
    }

    private func link(_ request: Request, _ context: GapuraContext) async throws -> Link? {
        guard let secret = answers.browser.cookies.secret(linkCookie, in: request) else { return nil }
        let digest = StoredSecret.digest(secret, of: .oneTimeLink)
        let now = context.now
        return try await store.read { tx in
            guard let link = try tx.signIn.findLink(digest: digest), link.usedAt == nil, now < link.expiresAt,
                let account = try tx.accounts.find(link.accountID), account.state(at: now).maySignIn
            else { return nil }
            let card = try account.personID.flatMap { try PersonCard.read($0, in: tx) }
            let names = (card?.person.name ?? account.displayName ?? "").utf8.split(separator: 0x20).map {
                String(decoding: $0, as: UTF8.self)
            }
            return Link(
                digest: digest, name: card?.person.fullName ?? account.displayName ?? "",
                userName: card?.nip ?? account.userName ?? "",
                personal: names + [card?.nip, account.userName].compactMap { $0 }
            )
        }
    }

    private func set(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let form = try await RequestParameters(form: request, limit: 16 * 1024)
        try form.refuseDuplicates()
        let isFresh = try answers.browser.isFresh(form, request)
        guard let link = try await link(request, context) else {
            // Where cookies went away the link is as good as before.
            throw isFresh ? Self.unusable : PageError(.forbidden, reason: "the form's token does not fit, and no link")
        }
        let password = form["new-password"] ?? ""
        func again(
            _ problem: SetPasswordModel.Problem, _ status: HTTPResponse.Status = .unprocessableContent
        ) throws -> Response {
            try answers.page(
                .setPassword(SetPasswordModel(problem: problem, personName: link.name, userName: link.userName)),
                status: status,
                for: request
            )
        }
        guard isFresh else {
            await refusals.record("stale_form", path: "/akun/kata-sandi", context)
            return try again(.stale, .forbidden)
        }
        do {
            try policy.check(password, personal: link.personal)
        } catch {
            switch error {
            case .tooShort(let minimum): return try again(.tooShort(minimum: minimum))
            case .tooLong: return try again(.tooLong)
            case .guessable: return try again(.guessable)
            }
        }
        guard password.isExactly(form["repeat-password"] ?? "") else { return try again(.notEqual) }
        let hash = try await passwords.hash(password)
        let (now, network) = (context.now, IPAddress.network(of: context.sourceAddress))
        let cookies = answers.browser.cookies
        let device = cookies.secret(cookies.device, in: request) ?? SecureRandom.text(32)
        let isDone = try await store.write { tx in
            let directory = AccountDirectory(tx, by: .system, at: now)
            guard let account = try directory.setPassword(hash: hash, linkDigest: link.digest) else { return false }
            // Recovery works however hard somebody else is guessing: the account is free, and knows this browser.
            let digest = KnownDevice.digest(device, of: account.id)
            try SignInThrottle.forget(account.id, device: digest, in: tx)
            try tx.signIn.insertDevice(digest: digest, accountID: account.id, network: network, at: now)
            return true
        }
        guard isDone else { throw Self.unusable }
        doorbell.ring()
        return try answers.page(
            .notice(NoticeModel(kind: .passwordSet, next: "/masuk")), for: request,
            cookies: [
                cookies.header(linkCookie, "", maxAge: 0),
                cookies.header(cookies.device, device, maxAge: CookieNames.deviceLifetime),
            ]
        )
    }
}
