import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// What the browser tells applications at a sign-out, and the pictures that pages show of them.
@Suite("Front-channel sign-out and logos")
struct FrontChannelTests {
    private static let address = "https://simpeg.contoh.go.id/keluar-depan"

    private func withFront(on engine: Engine = .sqlite, _ body: (City) async throws -> Void) async throws {
        try await withCity(on: engine) { city in
            for (id, uri) in [("depan", Self.address), ("lain", "https://lain.contoh.go.id/k?a=b")] {
                try await city.addClient(
                    id,
                    [
                        "client_name": .string(id),
                        "redirect_uris": [.string(City.redirectURI), "https://lain.contoh.go.id/cb"],
                        "post_logout_redirect_uris": [.string(City.postLogoutURI)],
                        "frontchannel_logout_uri": .string(uri), "token_endpoint_auth_method": "none",
                    ])
            }
            try await body(city)
        }
    }

    /// The addresses of the frames in a page.
    private func frames(_ answer: TestAnswer) -> [String] {
        answer.text.split(separator: "<iframe src=\"").dropFirst().map { part in
            String(part.prefix { $0 != "\"" }).replacing("&amp;", with: "&").replacing("&#38;", with: "&")
        }
    }

    @Test(
        "behaviour 70: a frame for each application, with iss and sid only, sid as in its ID token; then the redirect",
        arguments: bothEngines)
    func told(engine: Engine) async throws {
        try await withFront(on: engine) { city in
            let browser = try await city.signedIn()
            var tokens: [String: String] = [:]
            for client in ["depan", "lain", "web"] {
                let code = try await city.freshCode(client, in: browser)
                tokens[client] = try await city.token(city.redeeming(code), client).json?["id_token"]?.string
            }
            let query = FormURLEncoded.encode([
                ("id_token_hint", tokens["depan"] ?? ""), ("post_logout_redirect_uri", City.postLogoutURI),
                ("state", "s 1"),
            ])
            let page = try await browser.get("/oauth2/logout?" + query)
            #expect(page.status == 200)
            func sid(_ client: String) throws -> String {
                try #require(try city.claims(of: tokens[client])["sid"]?.string)
            }
            let issuer = FormURLEncoded.percentEncode(TestGateway.issuer)
            #expect(
                frames(page).sorted() == [
                    "https://lain.contoh.go.id/k?a=b&iss=\(issuer)&sid=\(try sid("lain"))",
                    "\(Self.address)?iss=\(issuer)&sid=\(try sid("depan"))",
                ])
            #expect(holds(page.body, City.postLogoutURI + "?state=s%201"))
            let refresh = try #require(HTTPField.Name("Refresh"))
            #expect(page.headers[refresh] == "4;url=\(City.postLogoutURI)?state=s%201")
            #expect(browser.cookie("__Host-gapura-session") == nil)
            #expect(try await browser.get("/portal").location == "/masuk")
            let metadata = try await city.gateway.send(.get, "/.well-known/openid-configuration").json
            #expect(metadata?["frontchannel_logout_supported"] == true)
            #expect(metadata?["frontchannel_logout_session_supported"] == true)
        }
    }

    @Test("whoever holds an ID token ends the session, and does not learn of the person's other applications")
    func ownBrowser() async throws {
        try await withFront { city in
            let browser = try await city.signedIn()
            let code = try await city.freshCode("depan", in: browser)
            _ = try await city.freshCode("lain", in: browser)
            let token = try await city.token(city.redeeming(code), "depan").json?["id_token"]?.string
            let path = "/oauth2/logout?" + FormURLEncoded.encode([("id_token_hint", token ?? "")])
            let answer = try await city.gateway.send(.get, path)
            #expect(answer.status == 303)
            #expect(frames(answer).isEmpty)
            #expect(!holds(answer.body, "lain.contoh.go.id"))
            #expect(try await browser.get("/portal").location == "/masuk")
        }
    }

    @Test("a frame is of scheme, host and port of a redirect URI, and no host writes into our policy")
    func origin() async throws {
        try await withCity { city in
            for uri in [
                "https://tracker.example/x", "https://simpeg.contoh.go.id:8443/x",
                "https://simpeg.contoh.go.id.evil.example/",
                "https://a.example;sandbox/", "https://a.example,b.example/",
            ] {
                await #expect(throws: OAuthError.self, "\(uri)") {
                    try await city.addClient(
                        "depan",
                        [
                            "client_name": "D", "redirect_uris": [.string(City.redirectURI)],
                            "frontchannel_logout_uri": .string(uri),
                        ])
                }
            }
            for uri in ["https://a.example;sandbox/cb", "https://a.example,b/cb", "https://a_b.example/cb"] {
                await #expect(throws: OAuthError.self, "\(uri)") {
                    try await city.addClient("depan", ["client_name": "D", "redirect_uris": [.string(uri)]])
                }
            }
        }
    }

    @Test("behaviour 81: the page may frame those applications and nothing else, and no page of ours is framed")
    func policy() async throws {
        try await withFront { city in
            let browser = try await city.signedIn()
            _ = try await city.freshCode("depan", in: browser)
            let form = try await browser.get("/keluar")
            #expect(form.headers[.contentSecurityPolicy]?.contains("frame-src") == false)
            let page = try await browser.post("/keluar", [("csrf", form.field("csrf") ?? "")])
            let policy = try #require(page.headers[.contentSecurityPolicy])
            #expect(policy.contains("frame-src https://simpeg.contoh.go.id;"))
            #expect(policy.contains("frame-ancestors 'none'"))
            #expect(!policy.contains("form-action"))
            #expect(frames(page).count == 1)
        }
    }

    @Test("where nobody is to be told, a sign-out goes on at once, as before")
    func nobody() async throws {
        try await withFront { city in
            let browser = try await city.signedIn()
            _ = try await city.freshCode("web", in: browser)
            let form = try await browser.get("/keluar")
            let out = try await browser.post("/keluar", [("csrf", form.field("csrf") ?? "")])
            #expect(out.location == "/keluar/selesai")
        }
    }

    // MARK: Logos

    private static let png: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3]

    private func register(_ city: City, _ id: String, _ logo: String) async throws {
        let context = OperationContext(services: city.gateway.gateway.services, actor: .command(user: "root"))
        _ = try await Operations.find("client.add").run(
            [
                "application": "simpeg", "client_id": .string(id),
                "metadata": [
                    "client_name": "Berlogo", "redirect_uris": [.string(City.redirectURI)], "trusted": false,
                    "logo_uri": .string(logo), "policy_uri": "https://simpeg.contoh.go.id/privasi",
                    "tos_uri": "https://simpeg.contoh.go.id/ketentuan",
                ],
            ], context)
    }

    @Test(
        "behaviour 65: logo, policy and terms are on the sign-in page and the consent page; the logo comes from us",
        arguments: bothEngines)
    func logo(engine: Engine) async throws {
        let asked = Seen<String>()
        try await withTestServer { request in
            asked.append(request.uri.path)
            return .init(
                status: .ok, headers: [.contentType: "text/html"], body: .init(byteBuffer: .init(bytes: Self.png)))
        } _: { port in
            try await withCity(on: engine) { city in
                try await register(city, "berlogo", "http://127.0.0.1:\(port)/logo.png")
                let browser = city.gateway.browser()
                let start = try await city.authorize(city.asking("berlogo"), in: browser)
                let page = try await browser.get(try #require(start.location))
                let signedIn = try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page)
                let consent = try await browser.get(try #require(signedIn.location))
                for shown in [page, consent] {
                    #expect(holds(shown.body, "https://simpeg.contoh.go.id/privasi"))
                    #expect(holds(shown.body, "https://simpeg.contoh.go.id/ketentuan"))
                    #expect(holds(shown.body, "src=\"/aset/klien/"))
                    #expect(!holds(shown.body, "127.0.0.1"))
                }
                let address = "/aset/klien/" + Base64URL.encode(SHA256.hash(Self.png))
                #expect(holds(page.body, address))
                let picture = try await city.gateway.send(.get, address)
                #expect(picture.status == 200)
                #expect(picture.body == Self.png)
                #expect(picture.headers[.contentType] == "image/png")
                #expect(picture.headers[.contentSecurityPolicy]?.contains("sandbox") == true)
                #expect(picture.headers[.xContentTypeOptions] == "nosniff")
                for path in ["/aset/klien/x", "/aset/klien/" + String(repeating: "A", count: 43)] {
                    #expect(try await city.gateway.send(.get, path).status == 404)
                }
                #expect(asked.all.count == 1)
            }
        }
    }

    @Test(
        "attack 257, attack 259: what is no picture, too large, elsewhere or not there is left out, and the client is registered all the same"
    )
    func noLogo() async throws {
        try await withTestServer { request in
            switch request.uri.path {
            case "/svg": .plain(.ok, "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
            case "/large":
                .init(
                    status: .ok, body: .init(byteBuffer: .init(bytes: Self.png + [UInt8](repeating: 0, count: 65_536))))
            case "/elsewhere": .init(status: .found, headers: [.location: "/logo"])
            default: .plain(.notFound)
            }
        } _: { port in
            try await withCity { city in
                for path in ["svg", "large", "elsewhere", "gone"] {
                    try await register(city, path, "http://127.0.0.1:\(port)/\(path)")
                    let browser = city.gateway.browser()
                    let start = try await city.authorize(city.asking(path), in: browser)
                    let page = try await browser.get(try #require(start.location))
                    #expect(page.status == 200)
                    #expect(!holds(page.body, "/aset/klien/"))
                }
            }
        }
    }
}
