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
    private let refusals: RefusalLog

    package init(_ services: Services, clients: ClientReader, refusals: RefusalLog) {
        self.refusals = refusals
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
        case missed(Miss)
    }

    /// A code that is nobody's, or that may not be looked for yet.
    private enum Miss: Sendable, Equatable {
        case wrong
        case wait(Int64)
    }

    private func find(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let (form, signedIn) = try await form(request, context)
        guard let signedIn else { return try await signIn(form["kode"] ?? "", request, context) }
        let typed = form["kode"] ?? ""
        guard try answers.browser.isFresh(form, request) else {
            return try await stale(typed, signedIn, request, context)
        }
        guard let code = UserCode(typed: typed) else {
            return try await page(
                DeviceModel(problem: .wrong, code: Self.shown(typed)), signedIn, request, .unprocessableContent)
        }
        switch try await look(for: code, signedIn.account, context.now) {
        case .missed(let miss): return try await missed(miss, code, signedIn, request, context)
        case .request(let waiting, let application, let agency):
            var model = DeviceModel(code: code.shown)
            model.question = ConsentModel(
                application: application, agency: agency, items: ConsentItems(scope: waiting.scope), flow: code.shown)
            return try await page(model, signedIn, request)
        }
    }

    private func look(for code: UserCode, _ account: Account, _ now: Timestamp) async throws -> Found {
        let clients = clients
        return try await store.write { tx in
            if let miss = try Self.wait(of: account, in: tx, at: now) { return .missed(miss) }
            guard let (waiting, client) = try Self.waiting(code, clients, in: tx, at: now) else {
                return .missed(try Self.missed(by: account, in: tx, at: now))
            }
            let unit = try tx.applications.find(client.record.applicationID)?.ownerUnitID
                .flatMap { try tx.units.find($0) }
            return .request(waiting, try SignInApplication(client, in: tx), agency: unit?.name)
        }
    }

    private static func waiting(_ code: UserCode, _ clients: ClientReader, in tx: Transaction, at now: Timestamp) throws
        -> (DeviceRequest, Client)?
    {
        guard let waiting = try tx.deviceRequests.find(userCode: code.digest, at: now),
            let client = try clients.find(waiting.clientID.text, in: tx)
        else { return nil }
        return (waiting, client)
    }

    // Both forms look for codes, so both count: guessing gets slow (RFC 8628 section 5.1).

    private static func throttle(of account: Account) -> String { "device-code:\(account.id.text)" }

    private static func wait(of account: Account, in tx: Transaction, at now: Timestamp) throws -> Miss? {
        guard let known = try tx.signIn.findThrottle(throttle(of: account)), known.failures > guesses.free,
            now < known.openAt
        else { return nil }
        return .wait(max(1, known.openAt.seconds - now.seconds))
    }

    private static func missed(by account: Account, in tx: Transaction, at now: Timestamp) throws -> Miss {
        let known = try tx.signIn.findThrottle(throttle(of: account))
        let isOld = known.map { $0.lastFailureAt.adding(seconds: guesses.memory) < now } ?? true
        let failures = (isOld ? 0 : known?.failures ?? 0) + 1
        let open = now.adding(seconds: guesses.delay(after: failures))
        try tx.signIn.update(throttle(of: account), Throttle(failures: failures, lastFailureAt: now, openAt: open))
        return .wrong
    }

    private func missed(
        _ miss: Miss, _ code: UserCode, _ signedIn: SignedIn, _ request: Request, _ context: GapuraContext
    ) async throws -> Response {
        let isWrong = miss == .wrong
        await refusals.record(
            isWrong ? "wrong_device_code" : "too_many_tries", path: Self.path, context,
            subject: signedIn.account.id.text)
        guard case .wait(let seconds) = miss else {
            return try await page(
                DeviceModel(problem: .wrong, code: code.shown), signedIn, request, .unprocessableContent)
        }
        return try await page(
            DeviceModel(problem: .wait(seconds: Int(seconds)), code: code.shown), signedIn, request, .tooManyRequests)
    }

    private func stale(
        _ typed: String, _ signedIn: SignedIn, _ request: Request, _ context: GapuraContext
    ) async throws -> Response {
        await refusals.record("stale_form", path: Self.path, context, subject: signedIn.account.id.text)
        return try await page(DeviceModel(problem: .stale, code: Self.shown(typed)), signedIn, request, .forbidden)
    }

    // MARK: The answer

    private enum Outcome: Sendable {
        case done(allowed: Bool)
        case missed(Miss)
        /// Decided meanwhile, or for other things than were shown.
        case gone
        case noAccess(String)
        case signedOut
    }

    private func decide(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let (form, signedIn) = try await form(request, context)
        let typed = form["kode"] ?? ""
        guard let signedIn else { return try await signIn(typed, request, context) }
        guard try answers.browser.isFresh(form, request), let code = UserCode(typed: typed) else {
            return try await stale(typed, signedIn, request, context)
        }
        let shown = form["jawaban"]?.isExactly("izinkan") == true ? form["dilihat"] ?? "" : nil
        switch try await decide(code, allowing: shown, signedIn, context.now) {
        case .done(let allowed):
            var model = DeviceModel(code: "")
            model.outcome = allowed ? .allowed : .denied
            return try await page(model, signedIn, request)
        case .missed(let miss): return try await missed(miss, code, signedIn, request, context)
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
            if let miss = try Self.wait(of: account, in: tx, at: now) { return .missed(miss) }
            guard let (waiting, client) = try Self.waiting(code, clients, in: tx, at: now) else {
                return .missed(try Self.missed(by: account, in: tx, at: now))
            }
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
            var start = FamilyStart(client.id, account.id, session, scope: waiting.scope)
            if !client.metadata.isTrusted {
                let end = now.adding(seconds: settings.consentLifetime)
                try ConsentDirectory.give(items, of: account, to: client.id, until: end, in: tx, at: now)
                start.notAfter = end
            }
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
