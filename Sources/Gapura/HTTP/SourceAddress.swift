import GapuraFormats
import HTTPTypes
package import Hummingbird
import NIOCore

/// Finds out where a request came from (`TrustedProxies`); what cannot be read counts as the peer, never as "allow".
package struct SourceAddress: RouterMiddleware {
    package typealias Context = GapuraContext

    private let proxies: TrustedProxies

    /// - Throws: `OAuthError` for text that is no address or network.
    package init(trustedProxies: [String]) throws {
        proxies = try Self.proxies(trustedProxies)
    }

    /// The proxies of a setting.
    /// - Throws: `OAuthError` for text that is no address or network.
    static func proxies(_ texts: [String]) throws -> TrustedProxies {
        TrustedProxies(
            try texts.map { text in
                guard let network = Network(text) else {
                    throw OAuthError.invalidRequest(
                        "trusted_proxies: \(text) is no address or network such as 10.0.0.0/8.")
                }
                return network
            })
    }

    package func handle(
        _ request: Request, context: GapuraContext, next: (Request, GapuraContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.sourceAddress = source(
            peer: context.peer?.ipAddress, forwarded: request.headers[values: .xForwardedFor])
        return try await next(request, context)
    }

    func source(peer: String?, forwarded: [String]) -> String {
        peer.map { proxies.source(peer: $0, forwarded: forwarded) } ?? "-"
    }
}

extension HTTPField.Name {
    static var xForwardedFor: Self { known("X-Forwarded-For") }
    static var secFetchSite: Self { known("Sec-Fetch-Site") }
    static var referrerPolicy: Self { known("Referrer-Policy") }
    static var xFrameOptions: Self { known("X-Frame-Options") }
    static var permissionsPolicy: Self { known("Permissions-Policy") }
    static var crossOriginOpenerPolicy: Self { known("Cross-Origin-Opener-Policy") }

    /// These names are ours and well formed; should one ever not be, it reads as a header nobody sends.
    private static func known(_ name: String) -> Self { Self(name) ?? .accept }
}
