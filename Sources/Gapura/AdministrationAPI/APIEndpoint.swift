import GapuraDirectory
import GapuraFormats
import GapuraStore
import HTTPTypes
package import Hummingbird
import Logging

/// The administration API: `/api/v1/…`, JSON in and out. What it can do are the operations behind the commands; what a
/// request may ask stands in `APIRoutes`.
///
/// The way of a request: who calls, which arguments, has it been answered before, the operation, the answer.
package struct APIEndpoint: Sendable {
    private let services: Services
    private let callers: APICallerReader
    private let answers: APIAnswers
    private let cursors: APICursor
    private let doorbell: LogoutDoorbell

    package init(_ services: Services, clients: ClientReader, doorbell: LogoutDoorbell) {
        self.services = services
        self.doorbell = doorbell
        callers = APICallerReader(services, clients: clients)
        answers = APIAnswers(services)
        cursors = APICursor(key: services.secrets.cursors)
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        for routes in APIRoutes.byPath {
            guard let path = routes.first?.routerPath else { continue }
            router.allow(routes.map(\.method), RouterPath(path)) { request, context in
                let method = request.method == .head ? .get : request.method
                guard let route = routes.first(where: { $0.method == method }) else { throw APIProblem(.notFound) }
                return try await answer(route, request, context)
            }
        }
        let document = OpenAPIDocument.make(issuer: services.settings.issuer).encoded()
        router.only(.get, RouterPath(APIRoutes.base + "/openapi.json")) { request, context in
            // What is served here is told to those whom it is for (attack 307).
            _ = try await callers.read(request, context)
            return JSONAnswer.make(bytes: document)
        }
    }

    private func answer(_ route: APIRoute, _ request: Request, _ context: GapuraContext) async throws -> Response {
        let caller = try await callers.read(request, context)
        let access = try Operations.find(route.operation).access
        var run = OperationContext(services: services, actor: caller.actor)
        // Who may not ask this at all is told before anything of the body is read, and a kept answer is for nobody else
        // (attack 199).
        try await run.under(access).store.read { _ in }
        do {
            try caller.checkSignIn(for: access.verb, within: services.settings.recentSignIn, at: context.now)
        } catch {
            throw APIProblem(error)
        }
        var arguments = try await APIRequest(request, context).arguments(of: route)
        let list = Self.list(route, arguments)
        if let page = route.page, let cursor = arguments[APIRoutes.cursor.name] {
            arguments[APIRoutes.cursor.name] = nil
            let value = try cursors.open(cursor.string ?? "", of: list)
            // A number stays one: what was signed is ours.
            arguments[page.argument] = Int64(value).map { .integer($0) } ?? .string(value)
        }
        let condition = request.headers[.ifMatch]
        guard condition == nil || route.resource != nil || !route.isWriting else {
            throw APIProblem.invalid(
                "What this path changes has no ETag; leave out If-Match.", id: "Alamat ini tidak memakai If-Match.")
        }
        let key = route.isWriting ? try APIAnswers.key(in: request.headers) : nil
        var claim: APIAnswers.Claim?
        if let key {
            let parts = [
                route.method.rawValue, route.path,
                String(decoding: JSONValue.object(arguments).encoded(), as: UTF8.self), condition ?? "",
            ]
            let begun = try await answers.begin(key, parts, of: caller.text, id: context.requestID, at: context.now)
            if let kept = begun.kept { return respond(kept, isRepeated: true) }
            claim = begun.claim
        }
        run.beforeWriting = before(route, arguments, condition, claim, run)
        do {
            let result = try await outcome(route, arguments, run)
            let kept = APIAnswers.Kept(status: result["new"]?.bool == true ? 201 : 200, body: result)
            if let claim { await keep(kept, for: claim, context) }
            log(route, caller, context, "done")
            doorbell.ring()
            return try await respond(kept, route, list, arguments, request, run)
        } catch {
            let problem = (error as? APIProblem) ?? APIProblem(OperationError(error))
            log(route, caller, context, problem.code)
            throw problem
        }
    }

    /// Once it is done it is done: an answer that cannot be kept is given all the same.
    private func keep(_ kept: APIAnswers.Kept, for claim: APIAnswers.Claim, _ context: GapuraContext) async {
        do {
            try await answers.keep(kept, for: claim)
        } catch {
            services.logger.warning(
                "api.answer_not_kept", metadata: ["request": "\(context.requestID)", "problem": "\(error)"])
        }
    }

    /// Runs the operation; a problem that its transaction met is not wrapped.
    private func outcome(_ route: APIRoute, _ arguments: JSONObject, _ run: OperationContext) async throws -> JSONValue
    {
        let operation = try Operations.find(route.operation)
        var all = arguments
        for (name, value) in route.fixed.members where !all.contains(name) { all[name] = value }
        return try await operation.run(all, run)
    }

    /// What is looked at inside a writing transaction: the thing as the caller knows it, and the key.
    private func before(
        _ route: APIRoute, _ arguments: JSONObject, _ condition: String?, _ claim: APIAnswers.Claim?,
        _ run: OperationContext
    ) -> @Sendable (Transaction, Authority) throws -> Void {
        let answers = answers
        let shown = condition == nil ? nil : route.resource.flatMap { try? Operations.find($0) }
        return { tx, authority in
            if let condition, let shown {
                let known = arguments.only(shown.members)
                guard let object = try shown.shown(known, run, tx, authority),
                    EntityTag(of: object).isNamed(in: condition)
                else { throw EntityTag.changed }
            }
            if let claim { try answers.take(claim, in: tx) }
        }
    }

    // MARK: Answers

    private func respond(_ kept: APIAnswers.Kept, isRepeated: Bool) -> Response {
        var response = JSONAnswer.make(kept.body, status: HTTPResponse.Status(code: kept.status))
        if isRepeated { response.headers[.idempotencyReplayed] = "true" }
        return response
    }

    private func respond(
        _ kept: APIAnswers.Kept, _ route: APIRoute, _ list: String, _ arguments: JSONObject, _ request: Request,
        _ run: OperationContext
    ) async throws -> Response {
        var body = kept.body
        if let page = route.page { body = paged(body, page, list) }
        var response = JSONAnswer.make(body, status: HTTPResponse.Status(code: kept.status))
        if let next = body["next"]?.string, let link = link(next, request) { response.headers[.link] = link }
        // The tag of what was read; a change answers with what it is now, to be read for the next one.
        if !route.isWriting, route.resource != nil, let object = body.object {
            let tag = EntityTag(of: object)
            if let known = request.headers[.ifNoneMatch], tag.isNamed(in: known, weakly: true) {
                return Response(status: .notModified, headers: [.eTag: tag.text, .cacheControl: "no-store"])
            }
            response.headers[.eTag] = tag.text
        }
        return response
    }

    /// The page with the cursor of the next one.
    private func paged(_ body: JSONValue, _ page: APIRoute.Page, _ list: String) -> JSONValue {
        guard var object = body.object, object["more"]?.bool == true, let last = object[page.list]?.array?.last else {
            return body
        }
        let value = last[page.key]
        guard let text = value?.string ?? value?.integer.map({ "\($0)" }) else { return body }
        object["next"] = .string(cursors.make(text, of: list))
        return .object(object)
    }

    /// RFC 8288: the same request with the next cursor.
    private func link(_ next: String, _ request: Request) -> String? {
        var pairs = (request.uri.query ?? "").utf8.split(separator: UInt8(ascii: "&"))
            .map { String(Substring($0)) }.filter { !$0.utf8.starts(with: "cursor=".utf8) }
        pairs.append("cursor=\(next)")
        return "<\(services.settings.issuer)\(request.uri.path)?\(pairs.joined(separator: "&"))>; rel=\"next\""
    }

    /// What makes a list this one: its route and its filters, not where it begins nor how much of it is asked for.
    private static func list(_ route: APIRoute, _ arguments: JSONObject) -> String {
        guard route.page != nil else { return "" }
        let filters = arguments.removing(APIRoutes.cursor.name).removing("limit").members.sorted { $0.key < $1.key }
        let text = JSONValue.array(filters.map { [.string($0.key), $0.value] }).encoded()
        return "\(route.path) \(String(decoding: text, as: UTF8.self))"
    }

    private func log(_ route: APIRoute, _ caller: APICaller, _ context: GapuraContext, _ outcome: String) {
        services.logger.info(
            "api.request",
            metadata: [
                "request": "\(context.requestID)", "operation": "\(route.operation)", "actor": "\(caller.text)",
                "client": "\(caller.clientID.text)", "outcome": "\(outcome)",
            ])
    }
}

extension JSONObject {
    /// The members of these names.
    fileprivate func only(_ names: [String]) -> JSONObject {
        JSONObject(members.filter { member in names.contains { $0.isExactly(member.key) } }.map { ($0.key, $0.value) })
    }
}

extension HTTPField.Name {
    // Tokens of RFC 9110, so these are never nil.
    static let idempotencyReplayed = HTTPField.Name("Idempotency-Replayed") ?? .location
    static let link = HTTPField.Name("Link") ?? .location
}
