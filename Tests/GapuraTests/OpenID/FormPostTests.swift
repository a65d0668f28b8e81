import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// `response_mode=form_post`, OAuth 2.0 Form Post Response Mode.
@Suite("Form post")
struct FormPostTests {
    /// The hidden inputs of the page, in order, as a browser would read them.
    private static func fields(_ page: TestAnswer) -> Pairs {
        page.text.split(separator: "<input type=\"hidden\" ").dropFirst().compactMap { part in
            let texts = part.split(separator: "\"", omittingEmptySubsequences: false)
            guard texts.count > 3, texts[0] == "name=", texts[2] == " value=" else { return nil }
            return (String(texts[1]), unescaped(String(texts[3])))
        }
    }

    private static func unescaped(_ text: String) -> String {
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&amp;", "&")].reduce(text) {
            text, pair in
            text.replacing(pair.0, with: pair.1)
        }
    }

    @Test("behaviour 29: code, state and iss travel in a form to the registered address, and nothing in a URL")
    func success() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let state = "a\"b'c<d>&e=\u{e9} +%20"
            let page = try await city.authorize(
                city.asking("web", ["response_mode": "form_post", "state": state]), in: browser)
            #expect(page.status == 200)
            #expect(page.location == nil)
            #expect(page.headers[.cacheControl] == "no-store")
            #expect(page.headers[.contentType] == "text/html; charset=utf-8")
            #expect(page.text.contains("method=\"post\" action=\"\(City.redirectURI)\""))
            #expect(page.text.contains("<button id=\"form-post-submit\" class=\"button\" type=\"submit\">"))
            let fields = Self.fields(page)
            #expect(fields.map(\.name) == ["code", "state", "iss"])
            #expect(same(fields[1].value, state))
            #expect(fields[2].value == TestGateway.issuer)
            #expect(!holds(page.body, state), "raw, it would be markup")
            #expect(try await city.token(city.redeeming(fields[0].value), "web").status == 200)
            // The policy may not forbid the form to leave.
            let policy = page.headers[try #require(HTTPField.Name("Content-Security-Policy"))]
            #expect(policy?.contains("form-action") == false)
            #expect(policy?.contains("frame-ancestors 'none'") == true)
            #expect(!page.text.contains("onload"))
        }
    }

    @Test("behaviour 29: through the sign-in, too; and a registered query stays in the action")
    func afterSignIn() async throws {
        try await withCity { city in
            let uri = City.redirectURI + "?dummy1=lorem"
            let browser = city.gateway.browser()
            let start = try await city.authorize(
                city.asking("web", ["response_mode": "form_post", "redirect_uri": uri]), in: browser)
            let page = try await browser.get(try #require(start.location))
            let answer = try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page)
            #expect(answer.status == 200)
            #expect(answer.text.contains("action=\"\(uri)\""))
            #expect(browser.cookie("__Host-gapura-session") != nil)
            let code = try #require(answer.field("code"))
            #expect(try await city.token(city.redeeming(code, ["redirect_uri": uri]), "web").status == 200)
        }
    }

    @Test(
        "behaviour 29: errors travel the same way",
        arguments: [
            (["scope": "tte"], "invalid_scope"), (["response_type": "token"], "unsupported_response_type"),
            (["prompt": "none"], "login_required"),
            (["code_challenge": nil], "invalid_request"), (["request": "x"], "request_not_supported"),
        ] as [([String: String?], String)])
    func errors(change: [String: String?], error: String) async throws {
        try await withCity { city in
            var pairs = city.asking("web", ["response_mode": "form_post"]).filter { change[$0.name] == nil }
            for (name, value) in change { if let value { pairs.append((name, value)) } }
            let page = try await city.authorize(pairs)
            #expect(page.status == 200)
            #expect(page.location == nil)
            let fields = Self.fields(page)
            #expect(fields.map(\.name) == ["error", "error_description", "state", "iss"])
            #expect(fields[0].value == error)
            #expect(isPlain(fields[1].value))
            #expect(fields[2].value == "s-1")
        }
    }

    @Test("behaviour 29: an insane state goes no way, and the error still comes by form")
    func insaneState() async throws {
        try await withCity { city in
            let page = try await city.authorize(city.asking("web", ["response_mode": "form_post", "state": "a\r\nb"]))
            #expect(page.status == 200)
            #expect(Self.fields(page).map(\.name) == ["error", "error_description", "iss"])
        }
    }

    @Test(
        "behaviour 29: other response modes are refused by query, with state",
        arguments: ["fragment", "jwt", "query.jwt", "web_message", "FORM_POST", "form_post "])
    func otherModes(mode: String) async throws {
        try await withCity { city in
            expectRedirect(
                try await city.authorize(city.asking("web", ["response_mode": mode]), in: try await city.signedIn()),
                "invalid_request")
        }
    }

    @Test("behaviour 29: response_mode=query is the default said aloud")
    func query() async throws {
        try await withCity { city in
            let answer = try await city.authorize(
                city.asking("web", ["response_mode": "query"]), in: try await city.signedIn())
            #expect(answer.status == 303)
            #expect(answer.parameter("code") != nil)
        }
    }
}
