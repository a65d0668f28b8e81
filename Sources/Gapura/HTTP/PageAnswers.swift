import GapuraFormats
import GapuraStore
import GapuraTokens
package import Hummingbird
import NIOCore

/// Makes the answers a person sees: a page in its frame with its headers, or a redirect.
package struct PageAnswers: Sendable {
    private let pages: any Pages
    package let browser: Browser

    package init(_ services: Services) {
        pages = services.pages
        browser = Browser(services)
    }

    /// A page. Sets the browser's handle where it has none yet, because every page has a form or may lead to one.
    package func page(
        _ page: Page, status: HTTPResponse.Status = .ok, for request: Request, uiLocales: String? = nil,
        signedInName: String? = nil,
        cookies: [String] = [], handle known: BrowserHandle? = nil, frames: [String] = []
    ) throws -> Response {
        let handle = known ?? browser.handle(request)
        let nonce = SecureRandom.text(16)
        let frame = PageFrame(
            language: browser.language(request, uiLocales: uiLocales), nonce: nonce, csrf: browser.formToken(handle),
            signedInName: signedInName, path: Self.ownPath(request)
        )
        let html = try pages.html(page, in: frame)
        var headers: HTTPFields = [
            .contentType: "text/html; charset=utf-8",
            .cacheControl: "no-store",
            .contentSecurityPolicy: Self.policy(nonce: nonce, frames: frames),
        ]
        if handle.isNew {
            headers[values: .setCookie].append(browser.cookies.header(browser.cookies.flow, handle.secret))
        }
        for cookie in cookies { headers[values: .setCookie].append(cookie) }
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
    }

    /// 303 See Other, so that nothing is posted on.
    package func redirect(to location: String, cookies: [String] = []) -> Response {
        var headers: HTTPFields = [.location: location, .cacheControl: "no-store"]
        for cookie in cookies { headers[values: .setCookie].append(cookie) }
        return Response(status: .seeOther, headers: headers)
    }

    /// The path for the language switch; a sign-in under way keeps its number.
    private static func ownPath(_ request: Request) -> String {
        let path = safePath(request)
        let query = try? RequestParameters(query: request)
        guard let number = query?["alur"], number.utf8.count == 22, (try? Base64URL.decode(number)) != nil else {
            return path
        }
        return "\(path)?alur=\(number)"
    }

    /// The path of a request, for a link or a redirect to it. Browsers read `//host` and `/\host` as another host:
    /// those lead home (attack 61).
    static func safePath(_ request: Request) -> String {
        let bytes = request.uri.path.utf8
        let second = bytes.dropFirst().first
        guard bytes.first == UInt8(ascii: "/"), second != UInt8(ascii: "/"), second != UInt8(ascii: "\\"),
            !bytes.contains(where: { $0 <= 0x20 })
        else {
            return "/"
        }
        return request.uri.path
    }

    /// No `form-action`: it would also forbid the redirect to an application after our own form (oidc-behaviours 81).
    /// - Parameter frames: origins of applications that a page of ours frames, at a sign-out alone.
    static func policy(nonce: String, frames: [String] = []) -> String {
        let framed = frames.isEmpty ? "" : "frame-src \(Set(frames).sorted().joined(separator: " ")); "
        return """
            default-src 'self'; script-src 'nonce-\(nonce)'; style-src 'self'; img-src 'self'; object-src 'none'; \
            base-uri 'none'; \(framed)frame-ancestors 'none'
            """
    }
}
