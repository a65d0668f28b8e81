import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Clients that register themselves: RFC 7591 and 7592.
@Suite("Registration")
struct RegistrationTests {
    private static let host = "simpeg.contoh.go.id"

    /// A token with which clients may be registered.
    private func right(_ city: City, _ more: JSONObject = [:]) async throws -> String {
        var arguments: JSONObject = ["application": "simpeg", "hosts": [.string(Self.host)], "uses": 50]
        for member in more.members { arguments[member.key] = member.value }
        let made = try await run(city, "registration.add", arguments)
        return try #require(made["initial_access_token"]?.string)
    }

    private func run(_ city: City, _ operation: String, _ arguments: JSONObject) async throws -> JSONValue {
        let context = OperationContext(services: city.gateway.gateway.services, actor: .command(user: "root"))
        return try await Operations.find(operation).run(arguments, context)
    }

    private func send(
        _ city: City, _ method: HTTPRequest.Method, _ path: String, _ token: String?, _ body: JSONValue? = nil,
        type: String = "application/json"
    ) async throws -> TestAnswer {
        var headers: HTTPFields = [:]
        if let token { headers[.authorization] = "Bearer \(token)" }
        if body != nil { headers[.contentType] = type }
        return try await city.gateway.send(method, path, headers: headers, body: body?.encodedText())
    }

    private func register(_ city: City, _ token: String?, _ changes: JSONObject = [:]) async throws -> TestAnswer {
        var body: JSONObject = ["client_name": "Vendor", "redirect_uris": [.string(City.redirectURI)]]
        for member in changes.members { body[member.key] = member.value.isNull ? nil : member.value }
        return try await send(city, .post, "/oauth2/register", token, .object(body))
    }

    private func path(_ answer: TestAnswer) throws -> String {
        let uri = try #require(answer.json?["registration_client_uri"]?.string)
        #expect(uri.hasPrefix(TestGateway.issuer + "/oauth2/register/"))
        return String(uri.dropFirst(TestGateway.issuer.count))
    }

    @Test(
        "behaviour 59: 201 with id, secret and its end, and the two members of RFC 7592 together",
        arguments: bothEngines)
    func registers(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let answer = try await register(city, right(city))
            #expect(answer.status == 201, "\(answer.text)")
            #expect(answer.headers[.contentType] == "application/json")
            #expect(answer.headers[.cacheControl] == "no-store")
            let json = try #require(answer.json)
            #expect(json["client_secret_expires_at"] == 0)
            #expect(json["registration_access_token"]?.string?.isEmpty == false)
            _ = try path(answer)
            let (id, secret) = (try #require(json["client_id"]?.string), try #require(json["client_secret"]?.string))
            // It works: consent, code, tokens.
            let browser = try await city.signedIn()
            let start = try await city.authorize(city.asking(id), in: browser)
            let page = try await browser.get(try #require(start.location))
            let allowed = try await browser.post(
                "/izin",
                ["csrf", "alur", "dilihat"].map { ($0, page.field($0) ?? "") } + [("jawaban", "izinkan")])
            let code = try #require(allowed.parameter("code"))
            let tokens = try await city.gateway.post(
                "/oauth2/token", city.redeeming(code), headers: [.authorization: basicHeader(id, secret)])
            #expect(tokens.status == 200)
            let metadata = try await city.gateway.send(.get, "/.well-known/openid-configuration").json
            #expect(metadata?["registration_endpoint"] == .string(TestGateway.issuer + "/oauth2/register"))
        }
    }

    @Test(
        "only with a right that is open: unknown, spent, ended and expired ones are 401, whatever is sent with them",
        arguments: bothEngines)
    func rights(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            for token in [nil, "x", "", String(repeating: "x", count: 10_000)] as [String?] {
                let answer = try await register(city, token)
                #expect(answer.status == 401, "\(answer.text)")
                #expect(answer.json?["error"] == "invalid_token")
            }
            let once = try await right(city, ["uses": 1])
            let answers = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 1...5 { group.addTask { try await register(city, once).status } }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(answers.sorted() == [201, 401, 401, 401, 401])
            city.gateway.clock.advance(seconds: 1)
            let ended = try await right(city)
            let listed = try await run(city, "registration.list", [:])["registrations"]?.array
            let id = try #require(listed?.first?["id"]?.string)
            for _ in 1...2 { _ = try await run(city, "registration.end", ["id": .string(id)]) }
            #expect(try await register(city, ended).status == 401)
            #expect(try await city.audit(.registrationClosed).count == 1)
            let late = try await right(city, ["days": 1])
            city.gateway.clock.advance(seconds: 86_400)
            #expect(try await register(city, late).status == 401)
            // A refused registration uses nothing up.
            let patient = try await right(city, ["uses": 1])
            #expect(try await register(city, patient, ["redirect_uris": []]).status == 400)
            #expect(try await register(city, patient).status == 201)
        }
    }

    @Test("behaviour 60: the members that the tests send are taken, and unknown ones ignored")
    func members() async throws {
        try await withCity { city in
            let key = try SigningKey.generate(.rs256).verificationKey.jsonWebKey().members
            let answer = try await register(
                city, right(city),
                [
                    "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
                    "contacts": ["a@contoh.invalid"], "jwks": ["keys": [.object(key)]],
                    "token_endpoint_auth_method": "private_key_jwt", "id_token_signed_response_alg": "RS256",
                    "userinfo_signed_response_alg": "RS256", "request_object_signing_alg": "RS256",
                    "request_uris": ["https://simpeg.contoh.go.id/r#x"],
                    "frontchannel_logout_uri": "https://simpeg.contoh.go.id/fc",
                    "frontchannel_logout_session_required": true,
                    "post_logout_redirect_uris": ["https://simpeg.contoh.go.id/keluar"],
                    "backchannel_logout_uri": "https://simpeg.contoh.go.id/bc",
                    "backchannel_logout_session_required": true,
                    "initiate_login_uri": "https://simpeg.contoh.go.id/mulai",
                    "logo_uri": "https://simpeg.contoh.go.id/logo.png",
                    "policy_uri": "https://simpeg.contoh.go.id/privasi",
                    "tos_uri": "https://simpeg.contoh.go.id/ketentuan", "subject_type": "pairwise", "x_lain": [1],
                ])
            #expect(answer.status == 201, "\(answer.text)")
            #expect(answer.json?["token_endpoint_auth_method"] == "private_key_jwt")
            #expect(answer.json?["client_secret"] == nil)
            #expect(answer.json?["subject_type"] == "pairwise")
            #expect(answer.json?["initiate_login_uri"] == "https://simpeg.contoh.go.id/mulai")
            #expect(answer.json?["x_lain"] == nil)
            for (name, value) in [
                ("frontchannel_logout_uri", "https://simpeg.contoh.go.id/fc"),
                ("backchannel_logout_uri", "https://simpeg.contoh.go.id/bc"),
                ("logo_uri", "https://simpeg.contoh.go.id/logo.png"),
                ("policy_uri", "https://simpeg.contoh.go.id/privasi"),
                ("tos_uri", "https://simpeg.contoh.go.id/ketentuan"), ("userinfo_signed_response_alg", "RS256"),
                ("request_object_signing_alg", "RS256"), ("id_token_signed_response_alg", "RS256"),
            ] { #expect(answer.json?[name]?.string == value, "\(name)") }
            let remote = try await register(
                city, right(city),
                ["token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://simpeg.contoh.go.id/jwks"])
            #expect(remote.json?["jwks_uri"] == "https://simpeg.contoh.go.id/jwks", "\(remote.text)")
        }
    }

    @Test("behaviour 61, behaviour 62: bad addresses are told in JSON, by their codes")
    func bad() async throws {
        try await withCity { city in
            let token = try await right(city)
            let wrong: [(JSONObject, String)] = [
                (["redirect_uris": ["https://simpeg.contoh.go.id/cb#x"]], "invalid_redirect_uri"),
                (["redirect_uris": []], "invalid_redirect_uri"), (["redirect_uris": .null], "invalid_redirect_uri"),
                (["redirect_uris": ["https://evil.example/cb"]], "invalid_redirect_uri"),
                (["redirect_uris": ["https://simpeg.contoh.go.id.evil.example/cb"]], "invalid_redirect_uri"),
                (["redirect_uris": ["https://simpeg.contoh.go.id@evil.example/cb"]], "invalid_redirect_uri"),
                (["initiate_login_uri": "http://simpeg.contoh.go.id/mulai"], "invalid_client_metadata"),
                (["post_logout_redirect_uris": ["https://evil.example/"]], "invalid_client_metadata"),
                (["response_types": ["id_token"]], "invalid_client_metadata"),
                (["jwks": ["keys": []]], "invalid_client_metadata"), (["client_name": 1], "invalid_client_metadata"),
            ]
            for (changes, error) in wrong {
                let answer = try await register(city, token, changes)
                expectTokenError(answer, 400, error)
            }
            for body in ["[]", "{", "x", #"{"a":1,"a":2}"#] {
                let answer = try await city.gateway.send(
                    .post, "/oauth2/register",
                    headers: [.authorization: "Bearer \(token)", .contentType: "application/json"], body: body)
                expectTokenError(answer, 400, "invalid_client_metadata")
            }
            let form = try await send(
                city, .post, "/oauth2/register", token, [:], type: "application/x-www-form-urlencoded")
            expectTokenError(form, 400, "invalid_request")
        }
    }

    @Test("attack 8, attack 107: nothing that only an admin decides comes with a registration")
    func beyond() async throws {
        try await withCity { city in
            let answer = try await register(
                city, right(city),
                [
                    "trusted": true, "tte": true, "administration": true, "personnel_feed": true,
                    "resource_server": true, "audience": ["https://lain"], "require_pkce": false, "profile": "legacy",
                    "scope": "openid tte admin personnel asn profile", "client_id": "web",
                ])
            #expect(answer.status == 201, "\(answer.text)")
            let json = try #require(answer.json)
            #expect(json["trusted"] == false)
            #expect(json["scope"] == "openid profile")
            #expect(json["require_pkce"] == true)
            #expect(json["resource_server"] == false)
            for name in ["tte", "administration", "personnel_feed", "audience"] { #expect(json[name] == nil) }
            #expect(json["client_id"]?.string?.hasPrefix("c-") == true)
            for scope in ["tte", "admin", "openid personnel"] {
                await #expect(throws: (any Error).self) { try await right(city, ["scope": .string(scope)]) }
            }
            for hosts in [[], ["*.contoh.go.id"], ["https://x"], ["a b"]] as [JSONValue] {
                await #expect(throws: (any Error).self) { try await right(city, ["hosts": hosts]) }
            }
        }
    }

    @Test("every address of a registration is on a host that the admin named")
    func hosts() async throws {
        try await withCity { city in
            let token = try await right(city)
            let evil = "https://phish.example/x"
            for member in [
                "client_uri", "policy_uri", "tos_uri", "logo_uri", "initiate_login_uri", "jwks_uri",
                "sector_identifier_uri", "frontchannel_logout_uri", "backchannel_logout_uri",
            ] {
                let answer = try await register(city, token, [member: .string(evil)])
                expectTokenError(answer, 400, "invalid_client_metadata")
            }
            for uri in [
                "com.evil.app://simpeg.contoh.go.id/cb", "com.evil.app:/cb?x=://simpeg.contoh.go.id/",
                "https://simpeg.contoh.go.id.evil.example/cb", "https://evil.example/?https://simpeg.contoh.go.id/",
                "https://simpeg.contoh.go.id@evil.example/",
            ] {
                let answer = try await register(
                    city, token, ["application_type": "native", "redirect_uris": [.string(uri)]])
                expectTokenError(answer, 400, "invalid_redirect_uri")
            }
        }
    }

    @Test("a client that registered itself moves no tile of the portal, and shows the name that the admin entered")
    func shown() async throws {
        try await withCity { city in
            let answer = try await register(
                city, right(city),
                ["client_name": "Bank Anda", "initiate_login_uri": "https://simpeg.contoh.go.id/mulai"])
            #expect(answer.status == 201, "\(answer.text)")
            let browser = try await city.signedIn()
            let portal = try await browser.get("/portal").text
            #expect(!portal.contains("/mulai"))
            let start = try await city.authorize(
                city.asking(answer.json?["client_id"]?.string ?? ""), in: browser)
            let page = try await browser.get(try #require(start.location))
            #expect(holds(page.body, "Izinkan SIMPEG membaca data Anda?"))
            #expect(!holds(page.body, "Bank Anda"))
        }
    }

    @Test("what an admin decided after a registration stays, whatever the vendor sends", arguments: bothEngines)
    func keeps(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let made = try await register(city, right(city, ["trusted": true, "scope": "openid profile email"]))
            let (id, access) = (
                try #require(made.json?["client_id"]), try #require(made.json?["registration_access_token"]?.string)
            )
            let own = try path(made)
            let body: JSONObject = [
                "client_id": id, "redirect_uris": [.string(City.redirectURI)], "scope": "openid profile email",
            ]
            let registry = ClientRegistry(city.gateway.gateway.services)
            let clientID = ClientID(id.string ?? "")
            let record = try #require(try await city.gateway.store.read { try $0.clients.find(clientID) })
            var json = try #require(try StrictJSON.parse(Array(record.settings.utf8)).object)
            for (name, value) in [
                ("trusted", false), ("scope", "openid profile"), ("audience", ["urn:surat"]),
            ] as [(String, JSONValue)] { json[name] = value }
            let (decided, now) = (try await registry.prepare(json), city.gateway.clock.now)
            try await city.gateway.store.write { tx in
                _ = try registry.update(clientID, decided, secret: "", by: .system, in: tx, at: now)
            }
            let replaced = try await send(city, .put, own, access, .object(body))
            #expect(replaced.status == 200, "\(replaced.text)")
            #expect(replaced.json?["trusted"] == false)
            #expect(replaced.json?["scope"] == "openid profile")
            #expect(replaced.json?["audience"] == ["urn:surat"])
            #expect(replaced.json?["registration_access_token"]?.string == access)
            #expect(try await send(city, .get, own, access).json?["registration_access_token"]?.string == access)

            // The right ends: nothing is replaced any more. The client ends: nothing is read either.
            let listed = try await run(city, "registration.list", [:])["registrations"]?.array
            _ = try await run(city, "registration.end", ["id": listed?.first?["id"] ?? ""])
            #expect(try await send(city, .put, own, access, .object(body)).status == 401)
            #expect(try await send(city, .get, own, access).status == 200)
            try await city.run("UPDATE clients SET state = 'disabled' WHERE id = \(clientID.text)")
            #expect(try await send(city, .get, own, access).status == 401)
            let rows = try await city.audit(.clientAdded)
            #expect(rows.contains { $0.detail.contains(#""registration":""#) })
        }
    }

    @Test("registrations that make us ask other hosts are few a minute, and all failures read the same")
    func asksFew() async throws {
        try await withTestServer { request in
            request.uri.path == "/list" ? .plain(.ok, "[]") : .plain(.notFound)
        } _: { port in
            try await withCity { city in
                let token = try await right(city, ["hosts": [.string(Self.host), "127.0.0.1"]])
                var texts: Set<String> = []
                var statuses: [Int] = []
                for path in Array(repeating: ["list", "gone"], count: 10).flatMap({ $0 }) + ["list"] {
                    let answer = try await register(
                        city, token,
                        [
                            "subject_type": "pairwise",
                            "sector_identifier_uri": .string("http://127.0.0.1:\(port)/\(path)"),
                        ])
                    statuses.append(answer.status)
                    if answer.status == 400 { texts.insert(answer.text) }
                }
                #expect(statuses == Array(repeating: 400, count: 20) + [429])
                #expect(texts.count == 1)
                #expect(try await register(city, token).status == 201)
            }
        }
    }

    @Test(
        "behaviour 62, RFC 7592: a client reads, replaces and removes its own registration, and no other",
        arguments: bothEngines)
    func manages(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let token = try await right(city)
            let one = try await register(city, token, ["initiate_login_uri": "https://simpeg.contoh.go.id/mulai"])
            let two = try await register(city, token)
            let access = try #require(one.json?["registration_access_token"]?.string)
            let (own, foreign) = (try path(one), try path(two))
            let read = try await send(city, .get, own, access)
            #expect(read.status == 200)
            #expect(read.json?["client_id"] == one.json?["client_id"])
            #expect(read.json?["initiate_login_uri"] == "https://simpeg.contoh.go.id/mulai")
            #expect(read.json?["client_secret"] == nil)
            for (path, token) in [(foreign, access), (own, "x"), (own, token), ("/oauth2/register/web", access)] {
                for method in [HTTPRequest.Method.get, .delete] {
                    #expect(try await send(city, method, path, token).status == 401)
                }
            }
            let id = try #require(one.json?["client_id"])
            let replaced = try await send(
                city, .put, own, access,
                ["client_id": id, "client_name": "Baru", "redirect_uris": [.string(City.redirectURI)]])
            #expect(replaced.status == 200, "\(replaced.text)")
            #expect(replaced.json?["client_name"] == "Baru")
            #expect(replaced.json?["initiate_login_uri"] == nil)
            let wrong: [JSONObject] = [
                ["client_id": "web"], [:], ["client_id": id, "registration_access_token": "x"],
                ["client_id": id, "client_secret": "x"],
            ]
            for body in wrong {
                let body = body.adding("redirect_uris", [.string(City.redirectURI)])
                expectTokenError(try await send(city, .put, own, access, .object(body)), 400, "invalid_request")
            }
            let moved = try await send(
                city, .put, own, access, ["client_id": id, "redirect_uris": ["https://evil.example/"]])
            expectTokenError(moved, 400, "invalid_redirect_uri")

            // Behaviour 64: removed is removed.
            let removed = try await send(city, .delete, own, access)
            #expect(removed.status == 204)
            #expect(removed.body.isEmpty)
            #expect(try await send(city, .get, own, access).status == 401)
            expectLocal400(try await city.authorize(city.asking(id.string ?? "")))
            #expect(try await send(city, .get, foreign, two.json?["registration_access_token"]?.string).status == 200)
        }
    }

    @Test("behaviour 64: DELETE answers 204, and the client's tokens are dead")
    func removes() async throws {
        try await withCity { city in
            let answer = try await register(
                city, right(city, ["trusted": true]), ["token_endpoint_auth_method": "none"])
            let id = try #require(answer.json?["client_id"]?.string)
            let code = try await city.freshCode(id)
            let tokens = try await city.token(city.redeeming(code), id).json
            let access = tokens?["access_token"]?.string
            #expect(try await city.isAlive(access))
            let removed = try await send(
                city, .delete, path(answer), answer.json?["registration_access_token"]?.string)
            #expect(removed.status == 204)
            #expect(try await city.isAlive(access) == false)
        }
    }

    @Test("behaviour 63, attack 262: a sector_identifier_uri that lacks an address, is no list, or is not there: 400")
    func sectors() async throws {
        let addresses = [City.redirectURI, "https://lain.contoh.go.id/cb"]
        try await withTestServer { request in
            switch request.uri.path {
            case "/good": .plain(.ok, JSONValue.array(addresses.map(JSONValue.string)).encodedText())
            case "/lacking": .plain(.ok, JSONValue.array([.string(City.redirectURI)]).encodedText())
            case "/html": .plain(.ok, "<html>")
            case "/object": .plain(.ok, "{}")
            case "/large": .plain(.ok, "[\"" + String(repeating: "x", count: 300_000) + "\"]")
            case "/elsewhere": .init(status: .found, headers: [.location: "/good"])
            default: .plain(.notFound)
            }
        } _: { port in
            try await withCity { city in
                let token = try await right(city, ["hosts": [.string(Self.host), "lain.contoh.go.id", "127.0.0.1"]])
                func ask(_ path: String) async throws -> TestAnswer {
                    city.gateway.clock.advance(seconds: 10)
                    return try await register(
                        city, token,
                        [
                            "redirect_uris": .array(addresses.map(JSONValue.string)), "subject_type": "pairwise",
                            "sector_identifier_uri": .string("http://127.0.0.1:\(port)/\(path)"),
                        ])
                }
                for path in ["lacking", "html", "object", "large", "elsewhere", "gone"] {
                    expectTokenError(try await ask(path), 400, "invalid_client_metadata")
                }
                #expect(try await ask("good").status == 201)
                // Without one, two hosts are no sector.
                let two = try await register(
                    city, token,
                    ["redirect_uris": .array(addresses.map(JSONValue.string)), "subject_type": "pairwise"])
                expectTokenError(two, 400, "invalid_client_metadata")
            }
        }
    }

    @Test("behaviour 82: neither a sector's list nor a logo is fetched from addresses that no setting opens")
    func guarded() async throws {
        let asked = Seen<String>()
        try await withTestServer { request in
            asked.append(request.uri.path)
            return .plain(.ok, JSONValue.array([.string(City.redirectURI)]).encodedText())
        } _: { port in
            try await withCity(configure: { $0.outgoingNetworks = [] }) { city in
                let base = "http://127.0.0.1:\(port)"
                let token = try await right(city, ["hosts": [.string(Self.host), "127.0.0.1"]])
                let sector = try await register(
                    city, token, ["subject_type": "pairwise", "sector_identifier_uri": .string(base + "/s")])
                expectTokenError(sector, 400, "invalid_client_metadata")
                #expect(try await register(city, token, ["logo_uri": .string(base + "/logo.png")]).status == 201)
            }
        }
        #expect(asked.all.isEmpty)
    }

    @Test("client add again answers the same client, also where an earlier version wrote fewer members")
    func sameAgain() async throws {
        try await withCity { city in
            let arguments: JSONObject = [
                "application": "simpeg", "client_id": "lagi",
                "metadata": ["client_name": "Lagi", "redirect_uris": [.string(City.redirectURI)]],
            ]
            #expect(try await run(city, "client.add", arguments)["new"] == true)
            _ = try await city.gateway.store.write { tx in
                try tx.run(
                    """
                    UPDATE clients SET settings = REPLACE(REPLACE(settings, '"profile":"standard",', ''),
                    '"subject_type":"public"', '"x":1') WHERE id = 'lagi'
                    """)
            }
            #expect(try await run(city, "client.add", arguments)["new"] == false)
            var other = arguments
            other["metadata"] = ["client_name": "Lain", "redirect_uris": [.string(City.redirectURI)]]
            let changed = other
            await #expect(throws: (any Error).self) { try await run(city, "client.add", changed) }
        }
    }
}
