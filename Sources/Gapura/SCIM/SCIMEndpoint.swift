import GapuraDirectory
import GapuraFormats
import GapuraStore
import HTTPTypes
package import Hummingbird
import Logging
import NIOCore

/// SCIM 2.0 (RFC 7643, RFC 7644), `/scim/v2/…`: the personnel agency's application delivers people and units.
///
/// Who may call is as for the administration API: a client that is marked for it in its own name, or an admin of
/// personnel data through a tool.
package struct SCIMEndpoint: Sendable {
    static let path = "/scim/v2"
    static let maximumBytes = 1 << 20

    private let services: Services
    private let callers: APICallerReader
    private let doorbell: LogoutDoorbell

    package init(_ services: Services, clients: ClientReader, doorbell: LogoutDoorbell) {
        self.services = services
        self.doorbell = doorbell
        callers = APICallerReader(services, clients: clients)
    }

    private var base: String { services.settings.issuer + Self.path }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        func allow(
            _ methods: [HTTPRequest.Method], _ path: String,
            _ body: @escaping @Sendable (SCIMRequest, SCIMDirectory) async throws -> Response
        ) {
            router.allow(methods, RouterPath(Self.path + path)) { request, context in
                try await answer(request, context, body)
            }
        }
        for type in SCIMResourceType.all {
            allow([.get, .post], type.endpoint) { request, directory in
                request.method == .post
                    ? try await create(type, request, directory)
                    : try await list(type, request, request.query(), directory)
            }
            allow([.post], "\(type.endpoint)/.search") { request, directory in
                try await list(type, request, request.search(), directory)
            }
            allow([.get, .put, .patch, .delete], "\(type.endpoint)/:1") { request, directory in
                try await one(type, request, directory)
            }
        }
        allow([.post], "/Bulk") { request, directory in
            let answer = try await SCIMBulk(directory).run(request.object(), base: base)
            return SCIMAnswer.make(answer)
        }
        allow([.get], "/ServiceProviderConfig") { _, _ in SCIMAnswer.make(SCIMDiscovery.configuration(base: base)) }
        allow([.get], "/ResourceTypes") { request, _ in
            try SCIMDiscovery.list(SCIMResourceType.all.map { $0.json(base: base) }, request)
        }
        allow([.get], "/ResourceTypes/:1") { request, _ in
            try SCIMDiscovery.one(SCIMResourceType.all.map { $0.json(base: base) }, request)
        }
        allow([.get], "/Schemas") { request, _ in
            try SCIMDiscovery.list(SCIMDiscovery.schemas.map { $0.json(base: base) }, request)
        }
        allow([.get], "/Schemas/:1") { request, _ in
            try SCIMDiscovery.one(SCIMDiscovery.schemas.map { $0.json(base: base) }, request)
        }
    }

    private func answer(
        _ request: Request, _ context: GapuraContext,
        _ body: @Sendable (SCIMRequest, SCIMDirectory) async throws -> Response
    ) async throws -> Response {
        let caller = try await callers.read(request, context)
        let run = OperationContext(services: services, actor: caller.actor)
        // Whoever may deliver nothing learns nothing here, not even what it is called.
        try await run.under(.needs(.loadsRead)).store.read { _ in }
        let read = try await SCIMRequest(request, context)
        let response: Response
        do {
            response = try await body(read, SCIMDirectory(context: run, client: caller.clientID, base: base))
        } catch {
            throw SCIMProblem(error)
        }
        if read.method != .get {
            services.logger.info(
                "scim.request",
                metadata: [
                    "request": "\(context.requestID)", "actor": "\(caller.text)", "client": "\(caller.clientID.text)",
                    "method": "\(read.method)", "status": "\(response.status.code)",
                ])
            doorbell.ring()
        }
        return response
    }

    // MARK: Resources

    private func list(
        _ type: SCIMResourceType, _ request: SCIMRequest, _ query: SCIMRequest.Search, _ directory: SCIMDirectory
    ) async throws -> Response {
        let selection = try SCIMSelection(type, attributes: query.attributes, excluded: query.excluded)
        let page =
            type.name == "User"
            ? try await directory.users(query.query)
            // A list of units with everybody in them is long; who wants them asks for them by name.
            : try await directory.groups(query.query, withMembers: query.wantsMembers)
        return SCIMAnswer.make([
            "schemas": [.string(SCIMDiscovery.listSchema)], "totalResults": .integer(page.total),
            "startIndex": .integer(query.query.startIndex), "itemsPerPage": .integer(Int64(page.resources.count)),
            "Resources": .array(page.resources.map { .object(selection.apply($0)) }),
        ])
    }

    private func create(_ type: SCIMResourceType, _ request: SCIMRequest, _ directory: SCIMDirectory) async throws
        -> Response
    {
        let body = try request.object()
        let made = try await type.name == "User" ? directory.addUser(body) : directory.addGroup(body)
        return try respond(made, type, request, status: .created)
    }

    private func one(_ type: SCIMResourceType, _ request: SCIMRequest, _ directory: SCIMDirectory) async throws
        -> Response
    {
        let id = try request.segment()
        let isUser = type.name == "User"
        switch request.method {
        case .put:
            let body = try request.object()
            let resource =
                try await isUser
                ? directory.replaceUser(id, body, if: request.ifMatch)
                : directory.replaceGroup(id, body, if: request.ifMatch)
            return try respond(resource, type, request)
        case .patch:
            let patch = try SCIMPatch(request.object())
            let resource =
                try await isUser
                ? directory.patchUser(id, patch, if: request.ifMatch)
                : directory.patchGroup(id, patch, if: request.ifMatch)
            return try respond(resource, type, request)
        case .delete:
            _ = try await isUser ? directory.user(id) : directory.group(id)
            throw SCIMBulk.deletion(isUser)
        default:
            let resource = try await isUser ? directory.user(id) : directory.group(id)
            let version = resource["meta"]?["version"]?.string
            if let known = request.ifNoneMatch, SCIMMeta.isNamed(version, in: known) {
                return Response(
                    status: .notModified, headers: [.eTag: version ?? "", .cacheControl: "no-store"])
            }
            return try respond(resource, type, request)
        }
    }

    private func respond(
        _ resource: JSONObject, _ type: SCIMResourceType, _ request: SCIMRequest, status: HTTPResponse.Status = .ok
    ) throws -> Response {
        let query = try request.query()
        let selection = try SCIMSelection(type, attributes: query.attributes, excluded: query.excluded)
        var headers: HTTPFields = [:]
        headers[.eTag] = resource["meta"]?["version"]?.string
        headers[.location] = resource["meta"]?["location"]?.string
        return SCIMAnswer.make(selection.apply(resource), status: status, headers: headers)
    }
}
