import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// Who may call the administration API at all, and what a token is worth there.
@Suite("Administration API: callers")
struct APICallerTests {
    @Test("without a token, with a bad one, without the scope: 401 and 403 with what is missing")
    func tokens() async throws {
        try await withAPI(["super", "feed"]) { world in
            let none = try await world.send(.get, "/me", as: nil)
            #expect(none.status == 401 && none.problem() == "no_token")
            #expect(none.headers[.wwwAuthenticate] == #"Bearer realm="gapura", scope="admin""#)

            for header in ["Bearer nonsense", "Bearer a.b.c", "Basic YTpi", "Bearer", "bearer  "] {
                let answer = try await world.send(.get, "/me", as: nil, headers: [.authorization: header])
                #expect(answer.status == 401 && answer.problem() == "invalid_token", "\(header)")
            }
            // In the query and in a body a token is nothing.
            let token = try #require(world.tokens["super"])
            #expect(try await world.send(.get, "/me?access_token=\(token)", as: nil).status == 401)

            for (scope, status) in [("openid", 403), ("openid admin", 200), ("admin", 200)] {
                let token = try await world.freshToken("super", scope: scope)
                #expect(try await world.send(.get, "/me", token: token).status == status, "\(scope)")
            }
            let other = try await world.city.tokens("web", for: "ujang")["access_token"]?.string
            let answer = try await world.send(.get, "/me", token: other)
            #expect(answer.status == 403 && answer.problem() == "insufficient_scope")

            let machine = try await world.city.token([("grant_type", "client_credentials")], "machine")
            let own = machine.json?["access_token"]?.string
            #expect(try await world.send(.get, "/me", token: own).status == 403)
        }
    }

    @Test("a client that is not marked for it gets no token of scope admin, and asking for nothing gives none")
    func scope() async throws {
        try await withAPI { world in
            await #expect(throws: OAuthError.self) {
                try await world.city.addClient(
                    "lain",
                    [
                        "client_name": "Lain", "redirect_uris": [.string(City.redirectURI)],
                        "token_endpoint_auth_method": "none", "scope": "openid admin",
                    ])
            }
            // RFC 6749 section 3.3: without a scope the client gets what lets somebody in, not what governs a city.
            let (verifier, challenge) = City.pkce()
            let browser = world.gateway.browser()
            _ = try await browser.signIn("super", City.password)
            let start = try await browser.get(
                world.city.authorizePath(APIWorld.tool, scope: nil, challenge: challenge))
            let answer = try await world.city.redeem(start.parameter("code"), APIWorld.tool, verifier: verifier)
            #expect(answer.json?["scope"]?.string == "openid")
        }
    }

    @Test("attack 199: what was taken away is gone at once: role, state, mark of the client, session")
    func takenAway() async throws {
        try await withAPI(["super", "bkd"]) { world in
            let path = "/accounts/\(try world.id("siti"))"
            #expect(try await world.get(path, as: "bkd").status == 200)

            _ = try await world.city.operate("account.role", ["name": .string(try world.id("bkd")), "role": "none"])
            let answer = try await world.get(path, as: "bkd")
            #expect(answer.status == 403 && answer.problem() == "forbidden")
            _ = try await world.city.operate(
                "account.role", ["name": .string(try world.id("bkd")), "role": "personnel_admin"])
            #expect(try await world.get(path, as: "bkd").status == 200)

            try await world.gateway.store.write { [id = try #require(world.admins.accounts["bkd"]).id] tx in
                try tx.accounts.updateState(id, .terbatas, by: .admin, at: world.gateway.clock.now)
            }
            #expect([401, 403].contains(try await world.get(path, as: "bkd").status))

            _ = try await world.city.operate(
                "client.update",
                ["client_id": .string(APIWorld.tool), "metadata": ["administration": .null, "scope": "openid"]])
            #expect(try await world.get(path).status == 403)
        }
    }

    @Test("attack 199: a token opens the API for five minutes, and only one that is meant for this gateway")
    func ageAndAudience() async throws {
        try await withAPI { world in
            world.gateway.clock.advance(seconds: 299)
            #expect(try await world.get("/me").status == 200)
            world.gateway.clock.advance(seconds: 2)
            #expect(try await world.get("/me").status == 401)

            _ = try await world.city.operate(
                "client.update",
                ["client_id": .string(APIWorld.tool), "metadata": ["audience": ["https://lain.contoh.go.id"]]])
            let token = try await world.freshToken("super")
            #expect(try await world.send(.get, "/me", token: token).status == 401)
        }
    }

    @Test("a feed delivers personnel data and reads about loads and units, and nothing else")
    func feed() async throws {
        try await withAPI(["feed"]) { world in
            #expect(try await world.get("/personnel/loads", as: "feed").status == 200)
            #expect(try await world.get("/units", as: "feed").status == 200)
            for path in ["/accounts", "/me", "/grants", "/audit", "/clients", "/people/\(try world.id("siti"))"] {
                #expect(try await world.get(path, as: "feed").status == 403, "\(path)")
            }
        }
    }

    @Test("/me says who asks, what they may do and how far")
    func me() async throws {
        try await withAPI(["super", "hukum", "ujang"]) { world in
            let own = try #require(try await world.get("/me", as: "hukum").json)
            #expect(own["role"]?.string == "agency_admin" && own["reach"]?.string == "unit")
            #expect(own["unit_id"]?.string == (try world.admins.unit("hukum")))
            #expect(own["verbs"]?.strings?.contains("accounts.change") == true)
            #expect(try await world.get("/me").json?["reach"]?.string == "everything")
            #expect(try await world.get("/me", as: "ujang").status == 403)
        }
    }
}
