import GapuraFormats
import GapuraStore
import HTTPTypes
import Hummingbird

/// Sign-out told through the browser (OpenID Connect Front-Channel Logout 1.0): a page with a frame for each application
/// that wants it, and then on. Back-channel sign-out (`LogoutDeliveryJob`) does not depend on it.
package struct FrontChannelLogout: Sendable {
    /// Seconds after which a browser without script goes on.
    private static let patience = 4
    /// Frames on one page.
    private static let limit = 30

    private let issuer: String
    private let clients: ClientReader
    private let answers: PageAnswers

    package init(_ services: Services, clients: ClientReader) {
        issuer = services.settings.issuer
        self.clients = clients
        answers = PageAnswers(services)
    }

    /// The addresses to be told that a session ends; read before it does.
    func frames(of session: SessionID, in tx: Transaction) throws -> [String] {
        var frames: [String] = []
        for known in try tx.sessions.clientSessions(of: session) {
            guard let uri = try clients.findAny(known.clientID, in: tx)?.metadata.frontchannelLogoutURI else {
                continue
            }
            let joint = uri.utf8.contains(UInt8(ascii: "?")) ? "&" : "?"
            frames.append(uri + joint + FormURLEncoded.encode([("iss", issuer), ("sid", known.sid)]))
        }
        return Array(frames.prefix(Self.limit))
    }

    /// Goes on at once, or by the page that tells.
    /// - Parameter next: an own path, or an address that a client registered.
    func leave(to next: String, _ frames: [String], for request: Request, uiLocales: String? = nil) throws -> Response {
        let cookies = [answers.browser.cookies.header(answers.browser.cookies.session, "", maxAge: 0)]
        guard !frames.isEmpty else { return answers.redirect(to: next, cookies: cookies) }
        var response = try answers.page(
            .leaving(LeavingModel(frames: frames, next: next)), for: request, uiLocales: uiLocales, cookies: cookies,
            frames: frames.compactMap(ClientReader.origin))
        if let refresh = HTTPField.Name("Refresh") { response.headers[refresh] = "\(Self.patience);url=\(next)" }
        return response
    }
}
