import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
package import Hummingbird

/// `/perangkat`: somebody types the code that a device shows, sees which application it is and what it would receive, and
/// says yes or no (RFC 8628 section 3.3). Asked of the city's own applications too: whoever was sent a code by somebody
/// else has to see what they allow (section 5.4).
package struct DevicePageEndpoint: Sendable {
    static let path = "/perangkat"

    /// Codes that one account may mistype.
    private static let guesses = SignInThrottle.Rule(free: 5, first: 10, longest: 600, memory: 86_400)

    private let store: Store
    private let settings: GatewaySettings
    private let clients: ClientReader
    private let flows: AuthorizationFlows
    private let answers: PageAnswers

    package init(_ services: Services, clients: ClientReader) {
        store = services.store
        settings = services.settings
        self.clients = clients
        flows = AuthorizationFlows(services)
        answers = PageAnswers(services)
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.get("/perangkat") { request, context in
            let code = try RequestParameters(query: request)["kode"] ?? ""
            guard let signedIn = try await answers.browser.signedIn(request, context) else {
                return try await signIn(code, request, context)
            }
            return try await page(DeviceModel(code: Self.shown(code)), signedIn, request)
        }
        router.post("/perangkat") { request, context in try await find(request, context) }
        router.post("/perangkat/jawab") { request, context in try await decide(request, context) }
    }

    /// The code waits with the sign-in, and comes back into the field.
    private func signIn(_ code: String, _ request: Request, _ context: GapuraContext) async throws -> Response {
        let shown = Self.shown(code)
        let next = Self.path + (shown.isEmpty ? "" : "?kode=" + FormURLEncoded.percentEncode(shown))
        let handle = answers.browser.handle(request)
        let number = try await flows.start(next, in: handle, from: context.sourceAddress, at: context.now)
        let cookies = answers.browser.cookies
        return answers.redirect(
            to: "/masuk?alur=\(number)", cookies: handle.isNew ? [cookies.header(cookies.flow, handle.secret)] : [])
    }

    // MARK: The code

    private enum Found: Sendable {
        case request(DeviceRequest, SignInApplication, agency: String?)
        case wrong
        case wait(Int64)
    }

    private func find(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let (form, signedIn) = try await form(request, context)
        guard let signedIn else { return try await signIn(form["kode"] ?? "", request, context) }
        let typed = form["kode"] ?? ""
        guard try answers.browser.isFresh(form, request) else {
            return try await page(DeviceModel(problem: .stale, code: Self.shown(typed)), signedIn, request, .forbidden)
        }
        guard let code = UserCode(typed: typed) else {
            return try await page(
                DeviceModel(problem: .wrong, code: Self.shown(typed)), signedIn, request, .unprocessableContent)
        }
        switch try await look(for: code, signedIn.account, context.now) {
        case .wait(let seconds):
            return try await page(
                DeviceModel(problem: .wait(seconds: Int(seconds)), code: code.shown), signedIn, request,
                .tooManyRequests)
        case .wrong:
            return try await page(
                DeviceModel(problem: .wrong, code: code.shown), signedIn, request, .unprocessableContent)
        case .request(let waiting, let application, let agency):
            let items = ConsentItems(scope: waiting.scope)
            var model = DeviceModel(code: code.shown)
            model.question = ConsentModel(
                application: application, agency: agency, claims: items.claims, isOffline: items.isOffline,
                shown: items.text, flow: code.shown)
            return try await page(model, signedIn, request)
        }
    }

    /// A code that is nobody's counts; guessing at them gets slow.
    private func look(for code: UserCode, _ account: Account, _ now: Timestamp) async throws -> Found {
        let clients = clients
        let key = "device-code:\(account.id.text)"
        return try await store.write { tx in
            let known = try tx.signIn.findThrottle(key)
            if let known, known.failures > Self.guesses.free, now < known.openAt {
                return .wait(max(1, known.openAt.seconds - now.seconds))
            }
            guard let waiting = try tx.deviceRequests.find(userCode: code.digest, at: now),
                let client = try clients.find(waiting.clientID.text, in: tx)
            else {
                let isOld = known.map { $0.lastFailureAt.adding(seconds: Self.guesses.memory) < now } ?? true
                let failures = (isOld ? 0 : known?.failures ?? 0) + 1
                let open = now.adding(seconds: Self.guesses.delay(after: failures))
                try tx.signIn.update(key, Throttle(failures: failures, lastFailureAt: now, openAt: open))
                return .wrong
            }
            let unit = try tx.applications.find(client.record.applicationID)?.ownerUnitID
                .flatMap { try tx.units.find($0) }
            return .request(waiting, try SignInApplication(client, in: tx), agency: unit?.name)
        }
    }

    // MARK: The answer

    private enum Outcome: Sendable {
        case done(allowed: Bool)
        case gone
        case noAccess(String)
        case signedOut
    }

    private func decide(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let (form, signedIn) = try await form(request, context)
        let typed = form["kode"] ?? ""
        guard let signedIn else { return try await signIn(typed, request, context) }
        guard try answers.browser.isFresh(form, request), let code = UserCode(typed: typed) else {
            return try await page(DeviceModel(problem: .stale, code: Self.shown(typed)), signedIn, request, .forbidden)
        }
        let shown = form["jawaban"]?.isExactly("izinkan") == true ? form["dilihat"] ?? "" : nil
        switch try await decide(code, allowing: shown, signedIn, context.now) {
        case .done(let allowed):
            var model = DeviceModel(code: "")
            model.outcome = allowed ? .allowed : .denied
            return try await page(model, signedIn, request)
        case .gone:
            return try await page(
                DeviceModel(problem: .wrong, code: code.shown), signedIn, request, .unprocessableContent)
        case .noAccess(let name):
            throw PageError(.noAccess, reason: "no access rule admits the person", applicationName: name)
        case .signedOut: return try await signIn(typed, request, context)
        }
    }

    /// - Parameter shown: what the page had shown, of somebody who allows it.
    private func decide(
        _ code: UserCode, allowing shown: String?, _ signedIn: SignedIn, _ now: Timestamp
    ) async throws -> Outcome {
        let (clients, settings, sessionID) = (clients, settings, signedIn.session.id)
        return try await store.write { tx in
            guard let session = try tx.sessions.find(sessionID), session.isLive(at: now),
                let account = try tx.accounts.find(session.accountID), account.state(at: now).maySignIn
            else { return .signedOut }
            guard let waiting = try tx.deviceRequests.find(userCode: code.digest, at: now),
                let client = try clients.find(waiting.clientID.text, in: tx)
            else { return .gone }
            guard let shown else {
                guard try tx.deviceRequests.decide(waiting.digest, .denied, family: nil, at: now) else { return .gone }
                try tx.record(
                    .deviceDenied, by: .account(account.id.text), subject: account.id.text, clientID: client.id, at: now
                )
                return .done(allowed: false)
            }
            guard account.state(at: now).mayUseApplications,
                try AccessPolicy.admits(account, to: client.record.applicationID, in: tx)
            else { return .noAccess(client.metadata.clientName) }
            // What is allowed is what was shown.
            let items = ConsentItems(scope: waiting.scope)
            guard shown.isExactly(items.text) else { return .gone }
            let familyID = FamilyID.make(now: now)
            guard try tx.deviceRequests.decide(waiting.digest, .allowed, family: familyID, at: now) else {
                return .gone
            }
            if !client.metadata.isTrusted {
                try ConsentDirectory.give(
                    items, of: account, to: client.id, until: now.adding(seconds: settings.consentLifetime), in: tx,
                    at: now)
            }
            let start = FamilyStart(client.id, account.id, session, scope: waiting.scope)
            let family = try start.write(familyID, settings, in: tx, at: now)
            try tx.applications.recordUse(of: client.record.applicationID, by: account.id, at: now)
            try tx.record(
                .deviceAllowed, by: .account(account.id.text), subject: account.id.text, clientID: client.id,
                detail: ["family": .string(family.id.text), "scope": .string(family.scope)], at: now)
            return .done(allowed: true)
        }
    }

    // MARK: Pages

    private func form(_ request: Request, _ context: GapuraContext) async throws -> (RequestParameters, SignedIn?) {
        let form = try await RequestParameters(form: request, limit: 16 * 1024)
        try form.refuseDuplicates()
        return (form, try await answers.browser.signedIn(request, context))
    }

    private func page(
        _ model: DeviceModel, _ signedIn: SignedIn, _ request: Request, _ status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let account = signedIn.account
        let name = try await store.read { tx in
            try account.personID.flatMap { try tx.people.find($0)?.fullName } ?? account.displayName
        }
        return try answers.page(.device(model), status: status, for: request, signedInName: name)
    }

    /// What may stand in the field again.
    private static func shown(_ code: String) -> String {
        if let code = UserCode(typed: code) { return code.shown }
        let isPlain = code.utf8.allSatisfy { (0x20...0x7e).contains($0) }
        return isPlain && code.utf8.count <= UserCode.longestTyped ? code : ""
    }
}
