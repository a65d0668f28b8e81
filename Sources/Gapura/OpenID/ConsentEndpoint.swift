import GapuraDirectory
import GapuraFormats
import GapuraStore
package import Hummingbird

/// `/izin`: what an application that is not the city's own asks for, and what the person says to it (OpenID Connect Core
/// section 3.1.2.4). The request waits under its number as for a sign-in.
package struct ConsentEndpoint: Sendable {
    private let store: Store
    private let flows: AuthorizationFlows
    private let authorize: AuthorizeEndpoint
    private let answers: PageAnswers
    private let refusals: RefusalLog

    package init(_ services: Services, authorize: AuthorizeEndpoint, refusals: RefusalLog) {
        self.refusals = refusals
        store = services.store
        flows = AuthorizationFlows(services)
        answers = PageAnswers(services)
        self.authorize = authorize
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.get("/izin") { request, context in
            try await show(RequestParameters(query: request)["alur"], isStale: false, request, context)
        }
        router.post("/izin") { request, context in try await decide(request, context) }
    }

    private func show(
        _ number: String?, isStale: Bool, _ request: Request, _ context: GapuraContext
    ) async throws -> Response {
        let (flow, number) = try await flow(number, request, context)
        guard let signedIn = try await answers.browser.signedIn(request, context) else {
            return answers.redirect(to: "/masuk?alur=\(number)")
        }
        let asked = try await authorize.request(of: flow)
        let applicationID = asked.client.record.applicationID
        let (person, agency, application) = try await store.read { tx in
            let card = try signedIn.account.personID.flatMap { try PersonCard.read($0, in: tx) }
            let unit = try tx.applications.find(applicationID)?.ownerUnitID.flatMap { try tx.units.find($0) }
            return (
                card?.person.fullName ?? signedIn.account.displayName ?? "", unit?.name,
                try SignInApplication(asked.client, in: tx)
            )
        }
        let model = ConsentModel(
            application: application, agency: agency, items: ConsentItems(asked), flow: number, isStale: isStale)
        return try answers.page(
            .consent(model), status: isStale ? .forbidden : .ok, for: request,
            uiLocales: flow.parameters["ui_locales"], signedInName: person)
    }

    private func decide(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let form = try await RequestParameters(form: request, limit: 16 * 1024)
        try form.refuseDuplicates()
        guard try answers.browser.isFresh(form, request) else {
            await refusals.record("stale_form", path: "/izin", context)
            return try await show(form["alur"], isStale: true, request, context)
        }
        let (flow, number) = try await flow(form["alur"], request, context)
        guard let signedIn = try await answers.browser.signedIn(request, context) else {
            return answers.redirect(to: "/masuk?alur=\(number)")
        }
        let decision: ConsentDecision =
            form["jawaban"]?.isExactly("izinkan") == true ? .allowed(shown: form["dilihat"] ?? "") : .denied
        return try await authorize.resume(flow, signedIn: signedIn, cookies: [], consent: decision, request, context)
    }

    private func flow(
        _ number: String?, _ request: Request, _ context: GapuraContext
    ) async throws -> (AuthorizationFlow, String) {
        let handle = answers.browser.handle(request)
        guard let number, let flow = try await flows.find(number, in: handle, at: context.now) else {
            throw PageError(.flowLost, reason: "the flow is over, or another browser's")
        }
        return (flow, number)
    }
}
