import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// Group B of attacks.md. Registered: `https://simpeg.contoh.go.id/cb`, for the native client `http://127.0.0.1/cb`
/// too.
@Suite("Redirect URIs: evil variants")
struct RedirectURIAttackTests {
    /// Every variant of a row, to a web and to a native client, by GET and by POST, signed in and not: LOCAL400, and no
    /// variant can be registered.
    private func refuse(_ row: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let variants = try #require(EvilURIs.rows[row], sourceLocation: sourceLocation)
        try await withCity { city in
            let browser = try await city.signedIn()
            var rows = 0
            for (index, uri) in variants.enumerated() {
                for client in ["web", "native"] {
                    let asked = city.asking(client, ["redirect_uri": uri])
                    // One audit row per kind, address and minute: each request comes from an address of its own.
                    rows += 1
                    let address = "198.51.100.\(rows)"
                    let answer = try await city.authorize(asked, from: address)
                    try await expectLocal400(
                        answer, in: city, rows: rows, foreign: [uri], sourceLocation: sourceLocation)

                    let posted = try await city.gateway.post("/oauth2/authorize", asked, from: address)
                    #expect(
                        posted.location.map { $0.hasPrefix("/oauth2/authorize?") } == true,
                        sourceLocation: sourceLocation)
                    let followed = try await city.gateway.send(.get, try #require(posted.location), from: address)
                    try await expectLocal400(
                        followed, in: city, rows: rows, foreign: [uri], sourceLocation: sourceLocation)
                }
                if index == 0 { rows += 1 }
                let withSession = try await city.authorize(city.asking("web", ["redirect_uri": uri]), in: browser)
                try await expectLocal400(
                    withSession, in: city, rows: rows, foreign: [uri], sourceLocation: sourceLocation)
            }
        }
    }

    /// What a variant is registered with is refused, too.
    private func refuseRegistration(_ row: Int, isNative: Bool, sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        for uri in try #require(EvilURIs.rows[row]) {
            let error = try #require(
                registrationError(uri, isNative: isNative), "\(uri)", sourceLocation: sourceLocation)
            #expect(error.code == .invalidRedirectURI, sourceLocation: sourceLocation)
        }
    }

    private func registrationError(_ uri: String, isNative: Bool, testHosts: [String] = []) -> OAuthError? {
        var settings = GatewaySettings()
        settings.testHosts = testHosts
        do throws(OAuthError) {
            _ = try ClientMetadata(
                ["client_name": "X", "redirect_uris": [.string(uri)], "application_type": isNative ? "native" : "web"],
                settings: settings
            )
            return nil
        } catch {
            return error
        }
    }

    @Test("attack 28: a registered host as the user part of another")
    func row28() async throws {
        try await refuse(28)
        try refuseRegistration(28, isNative: true)
    }

    @Test("attack 29: user parts before the registered host")
    func row29() async throws {
        try await refuse(29)
        try refuseRegistration(29, isNative: true)
    }

    @Test("attack 31: a backslash that browsers read as a slash")
    func row31() async throws {
        try await refuse(31)
        try refuseRegistration(31, isNative: true)
    }

    @Test("attack 32: the registered host behind a fragment")
    func row32() async throws { try await refuse(32) }

    @Test("attack 34: a dot is a dot")
    func row34() async throws { try await refuse(34) }

    @Test("attack 35: a host in percent-encoding")
    func row35() async throws {
        try await refuse(35)
        try refuseRegistration(35, isNative: true)
    }

    @Test("attack 37: dot segments behind the registered path")
    func row37() async throws {
        try await refuse(37)
        try refuseRegistration(37, isNative: false)
    }

    @Test("attack 38: slashes in single and double percent-encoding")
    func row38() async throws { try await refuse(38) }

    @Test("attack 40: a fragment, even an empty one")
    func row40() async throws {
        try await refuse(40)
        try refuseRegistration(40, isNative: false)
    }

    @Test("attack 41: a slash or a question mark more or less")
    func row41() async throws { try await refuse(41) }

    @Test("attack 43: upper case in scheme, host and path")
    func row43() async throws { try await refuse(43) }

    @Test("attack 44: http for https, and no scheme at all")
    func row44() async throws {
        try await refuse(44)
        try refuseRegistration(44, isNative: true)
    }

    @Test("attack 46: a trailing dot, and the default port written out")
    func row46() async throws { try await refuse(46) }

    @Test("attack 47: fullwidth dots that IDNA maps to real ones")
    func row47() async throws {
        try await refuse(47)
        try refuseRegistration(47, isNative: true)
    }

    @Test("attack 49: canonical equivalence is not equality")
    func row49() async throws {
        try await refuse(49)
        let registered = [ExactText("https://simpeg.contoh.go.id/caf\u{e9}")]
        let sent = "https://simpeg.contoh.go.id/cafe\u{301}"
        #expect(sent == registered[0].text, "Swift calls them equal, which is why the comparison is by bytes")
        #expect(!RedirectURI.matches(sent, registered: registered, isNative: false))
        #expect(RedirectURI.matches("https://simpeg.contoh.go.id/caf\u{e9}", registered: registered, isNative: false))
    }

    @Test("attack 50: NUL, CR LF, tabs and spaces, raw and encoded")
    func row50() async throws {
        try await refuse(50)
    }

    @Test("attack 52: javascript: in any case")
    func row52() async throws {
        try await refuse(52)
        try refuseRegistration(52, isNative: false)
        try refuseRegistration(52, isNative: true)
    }

    @Test(
        "attack 53: data:, vbscript:, file:, blob:, about: and other schemes; registration takes https, loopback http and reverse domains only"
    )
    func row53() async throws {
        try await refuse(53)
        try refuseRegistration(53, isNative: false)
        try refuseRegistration(53, isNative: true)
        #expect(registrationError("id.go.contoh.simpeg:/cb", isNative: true) == nil)
        #expect(registrationError("id.go.contoh.simpeg:/cb", isNative: false)?.code == .invalidRedirectURI)
        #expect(registrationError("simpeg:/cb", isNative: true)?.code == .invalidRedirectURI)
        #expect(registrationError("http://127.0.0.1/cb", isNative: true) == nil)
        #expect(registrationError("http://127.0.0.1/cb", isNative: false)?.code == .invalidRedirectURI)
        #expect(registrationError("http://simpeg.uji/cb", isNative: false, testHosts: ["simpeg.uji"]) == nil)
    }

    @Test("attack 55: hosts that begin like a loopback address")
    func row55() async throws { try await refuse(55) }

    @Test("attack 56: the native client may come from any port of its loopback address, and from nowhere else")
    func row56() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            for uri in ["http://127.0.0.1:51004/cb", "http://127.0.0.1/cb", "http://127.0.0.1:1/cb"] {
                // The person is asked, since any program may listen there.
                let start = try await city.authorize(city.asking("native", ["redirect_uri": uri]), in: browser)
                let page = try await browser.get(try #require(start.location))
                let fields = ["csrf", "alur", "dilihat"].map { (name: $0, value: page.field($0) ?? "") }
                let answer = try await browser.post("/izin", fields + [("jawaban", "izinkan")])
                #expect(answer.status == 303)
                #expect(answer.location?.hasPrefix(uri + "?code=") == true)
            }
            let evil = [
                "http://localhost:51004/cb", "http://localhost/cb", "http://127.0.0.1:51004/cb/",
                "http://127.0.0.1:51004/CB", "http://127.0.0.1:51004",
                "http://127.0.0.1:51004/cb?x=1", "http://127.0.0.2:51004/cb", "http://[::1]:51004/cb",
                "https://127.0.0.1:51004/cb",
                "HTTP://127.0.0.1:51004/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:51004x/cb",
                "http://127.0.0.1:510045/cb#", "http://127.1:51004/cb",
                "http://127.0.0.1:-1/cb", "http://127.0.0.1:\u{661}/cb", "http://127.0.0.1:100000/cb",
            ]
            for (index, uri) in evil.enumerated() {
                let answer = try await city.authorize(
                    city.asking("native", ["redirect_uri": uri]), from: "198.51.100.\(index + 1)")
                try await expectLocal400(answer, in: city, rows: index + 1, foreign: [uri])
            }
        }
    }

    @Test("attack 56: a web client has no loopback address, whatever the port")
    func row56Web() async throws {
        try await withCity { city in
            let answer = try await city.authorize(city.asking("web", ["redirect_uri": "http://127.0.0.1:51004/cb"]))
            try await expectLocal400(answer, in: city)
        }
        try await withCity { city in
            // Registered for tests on plain http: still byte for byte, because the client is no native one.
            try await city.addClient("uji", ["client_name": "Uji", "redirect_uris": ["http://127.0.0.1:8081/cb"]])
            let answer = try await city.authorize(city.asking("uji", ["redirect_uri": "http://127.0.0.1:8082/cb"]))
            try await expectLocal400(answer, in: city)
        }
    }

    @Test(
        "attack 58: there are no wildcards",
        arguments: ["https://*.contoh.go.id/*", "*", "https://*", "https://simpeg.contoh.go.id/*", "https://*/cb"])
    func row58(uri: String) throws {
        #expect(registrationError(uri, isNative: false)?.code == .invalidRedirectURI)
        #expect(registrationError(uri, isNative: true)?.code == .invalidRedirectURI)
    }

    @Test("attack 58: and nothing in a registered URI matches more than itself")
    func row58Match() {
        let registered: [ExactText] = ["https://*.contoh.go.id/*", "*", "https://simpeg.contoh.go.id/.*"]
        for sent in ["https://simpeg.contoh.go.id/cb", "https://evil.contoh.go.id/", "https://simpeg.contoh.go.id/"] {
            #expect(!RedirectURI.matches(sent, registered: registered, isNative: true))
        }
    }

    @Test("attack 59: spellings of one URI stay two rows, and each matches itself alone", arguments: bothEngines)
    func row59(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let twins = ["https://simpeg.contoh.go.id/~cb", "https://simpeg.contoh.go.id/%7ecb"]
            try await city.addClient(
                "kembar", ["client_name": "Kembar", "redirect_uris": .array(twins.map(JSONValue.string))])
            let stored = try await city.gateway.store.read { try $0.clients.find(ClientID("kembar"))?.settings }
            let settings = try StrictJSON.parse(Array(try #require(stored).utf8))
            #expect(settings["redirect_uris"]?.strings == twins)
            let browser = try await city.signedIn()
            for uri in twins {
                let answer = try await city.authorize(city.asking("kembar", ["redirect_uri": uri]), in: browser)
                #expect(answer.location?.hasPrefix(uri + "?code=") == true)
            }
            let third = try await city.authorize(
                city.asking("kembar", ["redirect_uri": "https://simpeg.contoh.go.id/%7Ecb"]), in: browser)
            try await expectLocal400(third, in: city)
        }
        #expect(Set([ExactText("caf\u{e9}"), ExactText("cafe\u{301}")]).count == 2)
        // What is not ASCII is refused at registration, so that nobody has to be warned of it.
        #expect(
            registrationError("https://simpeg.contoh.go.id/caf\u{e9}", isNative: false)?.code == .invalidRedirectURI)
        #expect(
            registrationError("https://simpeg.contoh.go.id/cafe\u{301}", isNative: false)?.code == .invalidRedirectURI)
    }

    @Test("attack 61: every variant again as post_logout_redirect_uri")
    func row61Logout() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let hint = try #require(try await city.tokens("native", in: browser)["id_token"]?.string)
            let evil =
                EvilURIs.all + [
                    City.redirectURI, City.postLogoutURI + "?x=1", City.postLogoutURI + "/", City.postLogoutURI + "#",
                ]
            for (index, uri) in evil.enumerated() {
                let path =
                    "/oauth2/logout?"
                    + FormURLEncoded.encode([
                        ("id_token_hint", hint), ("post_logout_redirect_uri", uri), ("state", "s"),
                    ])
                let answer = try await city.gateway.send(.get, path, from: "198.51.100.\(index + 1)")
                try await expectLocal400(answer, in: city, rows: index + 1, foreign: [uri])
            }
            // The session is still there: a bad request signs nobody out.
            #expect(try await browser.get("/masuk").location == "/portal")
        }
    }

    @Test("attack 61: own paths begin with one slash that neither a slash nor a backslash follows")
    func row61OwnPaths() async throws {
        try await withCity { city in
            for path in [
                "//evil.example", #"/\evil.example"#, "///evil.example", #"/\/evil.example"#, "//evil.example/%2e%2e",
                "/\t/evil.example",
            ] {
                let chosen = try await city.gateway.send(.get, path + "?bahasa=en")
                if let location = chosen.location { #expect(location == "/", "\(path) leads to \(location)") }
                let page = try await city.gateway.send(.get, path)
                #expect(!page.text.contains("href=\"\(path)"), "\(path)")
                #expect(!page.text.contains("href=\"//evil"))
                #expect(page.location == nil)
            }
            let honest = try await city.gateway.send(.get, "/masuk?bahasa=en")
            #expect(honest.location == "/masuk")
        }
    }

    @Test(
        "attack 61: sign-in takes no address from its parameters",
        arguments: ["return_to", "next", "rd", "RelayState", "service", "returnTo", "redirect_uri"])
    func row61SignIn(name: String) async throws {
        try await withCity { city in
            for evil in ["https://evil.example/", "//evil.example/", #"/\evil.example"#] {
                let browser = city.gateway.browser()
                let page = try await browser.get("/masuk?" + FormURLEncoded.encode([(name, evil)]))
                #expect(!holds(page.body, "evil.example"))
                let answer = try await browser.post(
                    "/masuk",
                    [
                        ("username", City.nips["ujang"] ?? ""), ("password", City.password),
                        ("csrf", page.field("csrf") ?? ""), (name, evil),
                    ]
                )
                #expect(answer.status == 303)
                #expect(answer.location == "/portal")
                let out = try await browser.get("/keluar?" + FormURLEncoded.encode([(name, evil)]))
                let ended = try await browser.post("/keluar", [("csrf", out.field("csrf") ?? ""), (name, evil)])
                #expect(ended.location == "/keluar/selesai")
            }
        }
    }
}
