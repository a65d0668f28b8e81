import GapuraFormats
package import Hummingbird

/// `?bahasa=id|en` on any page: remembers the choice in a cookie and shows the same page again without it.
package struct LanguageChoice: RouterMiddleware {
    package typealias Context = GapuraContext

    private let cookies: CookieNames

    package init(_ services: Services) {
        cookies = CookieNames(settings: services.settings)
    }

    package func handle(
        _ request: Request, context: GapuraContext, next: (Request, GapuraContext) async throws -> Response
    ) async throws -> Response {
        guard request.method == .get, !ErrorAnswers.speaksJSON(request.uri.path),
            !request.uri.path.utf8.starts(with: "/oauth2/".utf8),
            request.uri.query?.utf8.contains(UInt8(ascii: "b")) == true,
            let pairs = try? FormURLEncoded.parse(Array((request.uri.query ?? "").utf8)),
            let chosen = pairs.first(where: { $0.name.isExactly("bahasa") }).flatMap({ Language(rawValue: $0.value) })
        else { return try await next(request, context) }
        let rest = FormURLEncoded.encode(pairs.filter { !$0.name.isExactly("bahasa") })
        let path = PageAnswers.safePath(request)
        return Response(
            status: .seeOther,
            headers: [
                .location: rest.isEmpty ? path : "\(path)?\(rest)",
                .setCookie: cookies.header(cookies.language, chosen.rawValue, maxAge: 365 * 86_400),
                .cacheControl: "no-store",
            ]
        )
    }
}
