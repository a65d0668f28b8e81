import GapuraFormats
import GapuraStore
import HTTPTypes
package import Hummingbird
import Synchronization

/// Lets scripts in browsers ask what applications without a secret need: metadata and keys from anywhere; tokens,
/// pushed requests, revocation and userinfo from where a public client is registered. The authorization endpoint is for
/// navigation and never says a word of this (attack 22), and nothing is ever allowed with cookies.
package struct CrossOrigin: RouterMiddleware {
    package typealias Context = GapuraContext

    private static let open = [
        "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/oauth2/jwks",
    ]
    private static let registered = ["/oauth2/token", "/oauth2/par", "/oauth2/revoke", "/oauth2/userinfo"]

    private let store: Store
    private let clients: ClientReader
    private let limits: RequestLimits
    private let known = KnownOrigins()

    package init(_ services: Services, clients: ClientReader) {
        store = services.store
        limits = services.limits
        self.clients = clients
    }

    package func handle(
        _ request: Request, context: GapuraContext, next: (Request, GapuraContext) async throws -> Response
    ) async throws -> Response {
        guard let origin = request.headers[.origin], let allowed = await allowed(origin, request.uri.path, context.now)
        else {
            return try await next(request, context)
        }
        if request.method == .options, request.headers[.accessControlRequestMethod] != nil {
            // Nothing stands behind this that would count it.
            do {
                try limits.admit(address: context.sourceAddress, at: context.now)
            } catch {
                return JSONAnswer.error(error)
            }
            var headers: HTTPFields = [
                .accessControlAllowMethods: "GET, POST",
                .accessControlAllowHeaders: "Authorization, Content-Type, DPoP",
                .accessControlMaxAge: "3600", .cacheControl: "no-store",
            ]
            Self.allow(allowed, &headers)
            return Response(status: .noContent, headers: headers)
        }
        var response = try await next(request, context)
        Self.allow(allowed, &response.headers)
        response.headers[.accessControlExposeHeaders] = "WWW-Authenticate"
        return response
    }

    private static func allow(_ origin: String, _ headers: inout HTTPFields) {
        headers[.accessControlAllowOrigin] = origin
        if origin != "*" { headers[.vary] = headers[.vary].map { "\($0), Origin" } ?? "Origin" }
    }

    /// What is answered to an origin; nothing where it is told nothing.
    private func allowed(_ origin: String, _ path: String, _ now: Timestamp) async -> String? {
        if Self.open.contains(where: { $0.isExactly(path) }) { return "*" }
        guard Self.registered.contains(where: { $0.isExactly(path) }), origin.utf8.count <= 300 else { return nil }
        if let origins = known.origins(at: now) { return origins.contains(ExactText(origin)) ? origin : nil }
        let clients = clients
        // A database that does not answer allows nothing; the endpoint itself says so.
        guard let read = try? await store.read({ tx in try clients.publicOrigins(in: tx) }) else { return nil }
        let origins = Set(read.map(ExactText.init))
        known.remember(origins, at: now)
        return origins.contains(ExactText(origin)) ? origin : nil
    }
}

/// The origins of public clients, read once in some seconds: a flood of preflights is not one of questions to the
/// database.
private final class KnownOrigins: Sendable {
    private static let seconds: Int64 = 5
    private let state = Mutex<(origins: Set<ExactText>, readAt: Timestamp)?>(nil)

    func origins(at now: Timestamp) -> Set<ExactText>? {
        state.withLock { state in
            guard let state, now >= state.readAt, now < state.readAt.adding(seconds: Self.seconds) else { return nil }
            return state.origins
        }
    }

    func remember(_ origins: Set<ExactText>, at now: Timestamp) { state.withLock { $0 = (origins, now) } }
}
