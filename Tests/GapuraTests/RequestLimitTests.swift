import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// What one address and one client may ask.
@Suite("Request limits")
struct RequestLimitTests {
    private func admitted(_ rate: RequestRate, _ key: String, of asked: Int, at now: Timestamp) -> Int {
        (0..<asked).count { _ in rate.seconds(toWait: key, at: now) == nil }
    }

    @Test("ten seconds' worth at once, then as many as the rate, whole again after ten quiet seconds")
    func rate() {
        let rate = RequestRate(perSecond: 5)
        let start = Timestamp(milliseconds: 1_700_000_000_000)
        #expect(admitted(rate, "a", of: 200, at: start) == 50)
        #expect(rate.seconds(toWait: "a", at: start) == 1)
        #expect(rate.seconds(toWait: "a", at: start) == 1)
        #expect(admitted(rate, "b", of: 200, at: start) == 50)
        #expect(admitted(rate, "a", of: 200, at: start.adding(seconds: 2)) == 10)
        #expect(admitted(rate, "a", of: 200, at: start.adding(seconds: 12)) == 50)
        // A clock that is set back locks nobody out.
        #expect(admitted(rate, "a", of: 200, at: start.adding(seconds: -3600)) == 50)
    }

    @Test("attack 313: many addresses leave a table of a bounded size, and the next one comes in")
    func bounded() {
        let rate = RequestRate(perSecond: 5)
        let now = Timestamp(milliseconds: 1_700_000_000_000)
        for number in 0..<300_000 { _ = rate.seconds(toWait: "k\(number)", at: now) }
        #expect(rate.count <= RequestRate.limit)
        #expect(rate.seconds(toWait: "new", at: now) == nil)
    }

    @Test(
        "beyond its share an address is refused in the words of each endpoint, with Retry-After; another is served",
        arguments: [
            ("/oauth2/jwks", "application/json"), ("/oauth2/userinfo", "application/json"),
            ("/api/v1/me", "application/problem+json"), ("/scim/v2/Users", "application/scim+json"),
            ("/masuk", "text/html; charset=utf-8"), ("/oauth2/authorize", "text/html; charset=utf-8"),
            ("/tidak-ada", "text/html; charset=utf-8"),
        ])
    func address(path: String, type: String) async throws {
        let gateway = try await TestGateway.make { $0.addressRate = 2 }
        for _ in 0..<20 { #expect(try await gateway.send(.get, path, from: "2001:db8::1").status != 429) }
        // Of IPv6 a line has a /64 at least.
        let refused = try await gateway.send(.get, path, from: "2001:db8::2:1")
        #expect(refused.status == 429)
        #expect(refused.headers[.retryAfter] == "1")
        #expect(refused.headers[.contentType] == type)
        #expect(refused.headers[.cacheControl] == "no-store")
        #expect(try await gateway.send(.get, path, from: "2001:db8:0:1::1").status != 429)
        gateway.clock.advance(seconds: 1)
        #expect(try await gateway.send(.get, path, from: "2001:db8::1").status != 429)
        await gateway.close()
    }

    @Test("a flood writes one audit row a minute, and the next one says how many more there were")
    func audit() async throws {
        try await withCity(configure: { $0.addressRate = 1 }) { city in
            func flood(_ count: Int) async throws {
                for _ in 0..<count { _ = try await city.gateway.send(.get, "/masuk", from: "198.51.100.9") }
            }
            let before = try await city.audit(.requestRefused).count
            try await flood(30)
            #expect(try await city.audit(.requestRefused).count == before + 1)
            city.gateway.clock.advance(seconds: 60)
            try await flood(11)
            let rows = try await city.audit(.requestRefused)
            #expect(rows.count == before + 2)
            #expect(
                rows.contains {
                    $0.detail.contains(#""code":"too_many_requests""#) && $0.detail.contains(#""more":19"#)
                })
        }
    }

    @Test("a client has its share at all endpoints together; a public one at each address; a wrong secret uses none up")
    func client() async throws {
        try await withCity(configure: { $0.clientRate = 2 }) { city in
            let wrong: HTTPFields = [.authorization: basicHeader("web", "x")]
            for _ in 0..<30 {
                let answer = try await city.gateway.post("/oauth2/introspect", [("token", "x")], headers: wrong)
                #expect(answer.status == 401)
            }
            let right: HTTPFields = [.authorization: city.basic("web")]
            for number in 0..<20 {
                let path = ["/oauth2/introspect", "/oauth2/revoke"][number % 2]
                #expect(try await city.gateway.post(path, [("token", "x")], headers: right).status == 200)
            }
            for path in ["/oauth2/introspect", "/oauth2/revoke", "/oauth2/token", "/oauth2/par"] {
                let form =
                    path == "/oauth2/token"
                    ? [("grant_type", "refresh_token"), ("refresh_token", "x")] : [("token", "x")]
                // From wherever it asks.
                let answer = try await city.gateway.post(path, form, headers: right, from: "198.51.100.9")
                #expect(answer.status == 429, "\(path)")
                #expect(answer.json?["error"] == "too_many_requests")
                #expect(answer.headers[.retryAfter] == "1")
            }

            let form = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", "native")]
            for _ in 0..<20 { #expect(try await city.gateway.post("/oauth2/token", form).status == 400) }
            #expect(try await city.gateway.post("/oauth2/token", form).status == 429)
            #expect(try await city.gateway.post("/oauth2/token", form, from: "198.51.100.9").status == 400)
        }
    }

    @Test(
        "a sign-in has its share of refreshes: beyond it nothing is written, the token stays good, another is served",
        arguments: ["web", "native"])
    func refreshes(client: String) async throws {
        try await withCity(configure: { $0.refreshRate = 3 }) { city in
            let other = try await city.tokens(client)["refresh_token"]?.string
            var token = try await city.tokens(client)["refresh_token"]?.string
            func refresh() async throws -> TestAnswer {
                let answer = try await city.refresh(token, client)
                token = answer.json?["refresh_token"]?.string ?? token
                return answer
            }
            // What would not be granted uses nothing up.
            for _ in 0..<5 {
                let asked = try await city.refresh(token, client, [("scope", "openid admin")])
                expectTokenError(asked, 400, "invalid_scope")
            }
            for _ in 0..<3 { #expect(try await refresh().status == 200) }
            let refused = try await refresh()
            #expect(refused.status == 429)
            #expect(refused.json?["error"] == "too_many_requests")
            #expect(refused.headers[.retryAfter] == "20")
            #expect(try await city.audit(.tokensRefreshed).count == 3)
            #expect(try await city.refresh(other, client).status == 200)
            city.gateway.clock.advance(seconds: 20)
            #expect(try await refresh().status == 200)
            #expect(try await refresh().status == 429)
        }
    }

    @Test("attack 94: a spent token revokes its family though the share is used up")
    func spent() async throws {
        try await withCity(configure: { $0.refreshRate = 1 }) { city in
            let first = try await city.tokens("native")["refresh_token"]?.string
            let second = try await city.refresh(first, "native").json?["refresh_token"]?.string
            #expect(try await city.refresh(second, "native").status == 429)
            city.gateway.clock.advance(seconds: 11)
            expectTokenError(try await city.refresh(first, "native"), 400, "invalid_grant")
            #expect(try await city.audit(.refreshTokenReused).count == 1)
            city.gateway.clock.advance(seconds: 60)
            expectTokenError(try await city.refresh(second, "native"), 400, "invalid_grant")
        }
    }

    @Test("userinfo and the administration API count for the client that the token was given to")
    func resources() async throws {
        try await withCity(configure: { $0.clientRate = 2 }) { city in
            let token = try await city.tokens("web", for: "ujang")["access_token"]?.string
            var statuses: [Int] = []
            for _ in 0..<25 { statuses.append(try await city.userinfo(token).status) }
            #expect(statuses.first == 200)
            #expect(statuses.last == 429)
        }
    }
}
