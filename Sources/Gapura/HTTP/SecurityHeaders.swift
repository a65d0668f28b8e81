import GapuraFormats
package import Hummingbird

/// Headers that every answer carries, errors too (attacks 136, 146); also where a request gets its one clock reading.
package struct SecurityHeaders: RouterMiddleware {
    package typealias Context = GapuraContext

    private let isSecure: Bool
    private let clock: WallClock

    package init(_ services: Services) {
        isSecure = services.settings.isSecure
        clock = services.clock
    }

    package func handle(
        _ request: Request, context: GapuraContext, next: (Request, GapuraContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.now = clock.now
        var response = try await next(request, context)
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.xFrameOptions] = "DENY"
        response.headers[.referrerPolicy] = "no-referrer"
        if response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        }
        if isSecure { response.headers[.strictTransportSecurity] = "max-age=31536000" }
        return response
    }
}

/// Answers 421 to a request for a host that is not the issuer's: links, cookies and metadata are for that one only.
package struct HostCheck: RouterMiddleware {
    package typealias Context = GapuraContext

    private let authority: String

    package init(_ services: Services) {
        authority = services.settings.issuerAuthority
    }

    package func handle(
        _ request: Request, context: GapuraContext, next: (Request, GapuraContext) async throws -> Response
    ) async throws -> Response {
        let isProbe = request.uri.path == "/livez" || request.uri.path == "/readyz"
        if !isProbe, let host = request.head.authority, !Self.isSame(host, authority) {
            throw PageError(.misdirected, reason: "the request names another host")
        }
        return try await next(request, context)
    }

    /// Hosts compare without case; the default port may be named.
    static func isSame(_ host: String, _ authority: String) -> Bool {
        let host = host.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        let wanted = authority.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        return host == wanted || host == wanted + Array(":443".utf8) || host == wanted + Array(":80".utf8)
    }
}
