import Gapura
import GapuraDirectory
import GapuraFormats
import GapuraStore
import Hummingbird

/// `/akun`: own data, the sessions of this account, each of which can be ended, and what applications received of it.
struct AccountPage: Sendable {
    private let store: Store
    private let answers: PageAnswers
    private let doorbell: LogoutDoorbell
    private let zone: CityZone

    init(_ gateway: Gateway) {
        store = gateway.services.store
        answers = PageAnswers(gateway.services)
        doorbell = gateway.doorbell
        zone = CityZone(gateway.services.settings.timeZone)
    }

    func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.get("/akun") { request, context in
            guard let signedIn = try await answers.browser.signedIn(request, context) else {
                return answers.redirect(to: "/masuk")
            }
            let model = try await model(for: signedIn, at: context.now)
            return try answers.page(.account(model), for: request, signedInName: model.person.fullName)
        }
        router.post("/akun/sesi/akhiri") { request, context in try await end(all: false, request, context) }
        router.post("/akun/izin/cabut") { request, context in try await revoke(request, context) }
        router.post("/akun/sesi/akhiri-semua") { request, context in try await end(all: true, request, context) }
    }

    private func model(for signedIn: SignedIn, at now: Timestamp) async throws -> AccountModel {
        let zone = zone
        return try await store.read { tx in
            let card = try signedIn.account.personID.flatMap { try PersonCard.read($0, in: tx) }
            let sessions = try tx.sessions.listLive(of: signedIn.account.id, at: now).prefix(50).map { session in
                AccountModel.SessionLine(
                    id: session.id.text, isCurrent: session.id == signedIn.session.id, userAgent: session.userAgent,
                    address: session.address,
                    startedAt: session.createdAt, lastSeenAt: session.lastSeenAt
                )
            }
            let consents = try tx.consents.list(of: signedIn.account.id, at: now).map { consent in
                AccountModel.ConsentLine(
                    clientID: consent.clientID.text, application: consent.applicationName,
                    items: ConsentItems(names: consent.items), givenAt: consent.givenAt,
                    expiresAt: consent.expiresAt)
            }
            let disclosures = try tx.disclosures.list(about: signedIn.account.id, limit: 100).map { given in
                AccountModel.DisclosureLine(
                    application: given.applicationName, claims: given.claims.split(separator: " ").map { String($0) },
                    firstAt: given.firstAt, lastAt: given.lastAt)
            }
            return AccountModel(
                person: PersonModel(signedIn.account, card), sessions: Array(sessions), consents: consents,
                disclosures: disclosures,
                zone: (zone.offsetSeconds, zone.name)
            )
        }
    }

    /// Takes back what this account allowed an application.
    private func revoke(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let form = try await RequestParameters(form: request)
        try form.refuseDuplicates()
        try answers.browser.checkForm(form, request)
        guard let signedIn = try await answers.browser.signedIn(request, context) else {
            return answers.redirect(to: "/masuk")
        }
        let (account, now) = (signedIn.account, context.now)
        if let client = form["client_id"].map(ClientID.init) {
            _ = try await store.write { tx in
                try ConsentDirectory.revoke(
                    of: account, for: client, by: .account(account.id.text), in: tx, at: now)
            }
        }
        return answers.redirect(to: "/akun")
    }

    /// Ends one session of this account, or every one.
    private func end(all: Bool, _ request: Request, _ context: GapuraContext) async throws -> Response {
        let form = try await RequestParameters(form: request)
        try form.refuseDuplicates()
        try answers.browser.checkForm(form, request)
        guard let signedIn = try await answers.browser.signedIn(request, context) else {
            return answers.redirect(to: "/masuk")
        }
        let now = context.now
        let (account, current) = (signedIn.account, signedIn.session.id)
        let actor = Actor.account(account.id.text)
        let named = form["id"].flatMap { SessionID($0) }
        try await store.write { tx in
            if all {
                try SessionEnding.endAll(of: account, reason: .endedFromAccountPage, by: actor, in: tx, at: now)
            } else if let named, let session = try tx.sessions.find(named), session.accountID == account.id {
                // Another's session is as unknown as none (attack 188).
                try SessionEnding.end(named, of: account, reason: .endedFromAccountPage, by: actor, in: tx, at: now)
            }
        }
        doorbell.ring()
        return answers.redirect(to: all || named == current ? "/keluar/selesai" : "/akun")
    }
}
