import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Pairwise subjects: OpenID Connect Core section 8.
@Suite("Pairwise subjects")
struct PairwiseTests {
    private func add(_ city: City, _ id: String, _ host: String, _ more: JSONObject = [:]) async throws {
        var metadata: JSONObject = [
            "client_name": .string(id), "redirect_uris": [.string("https://\(host)/cb")], "subject_type": "pairwise",
            "scope": "openid profile asn", "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        ]
        for member in more.members { metadata[member.key] = member.value }
        try await city.addClient(id, metadata)
    }

    private func tokens(
        _ city: City, _ id: String, _ host: String, _ person: String = "ujang", in browser: TestBrowser? = nil
    ) async throws -> JSONValue {
        let redirect = "https://\(host)/cb"
        let there = if let browser { browser } else { try await city.signedIn(person) }
        let code = try await city.freshCode(id, in: there, ["redirect_uri": redirect, "scope": "openid asn"])
        return try #require(try await city.token(city.redeeming(code, ["redirect_uri": redirect]), id).json)
    }

    @Test("one sub for each sector: the same in every token and answer, another elsewhere, and never the account's")
    func sectors() async throws {
        try await withCity { city in
            try await add(city, "satu", "vendor.contoh.go.id")
            try await add(city, "dua", "vendor.contoh.go.id")
            try await add(city, "tiga", "lain.contoh.go.id", ["access_token_format": "opaque"])
            let own = try #require(city.people["ujang"]).sub
            var subs: [String: String] = [:]
            for (id, host) in [
                ("satu", "vendor.contoh.go.id"), ("dua", "vendor.contoh.go.id"), ("tiga", "lain.contoh.go.id"),
            ] {
                let tokens = try await tokens(city, id, host)
                let sub = try #require(try city.claims(of: tokens["id_token"]?.string)["sub"]?.string)
                let access = tokens["access_token"]?.string
                #expect(try await city.userinfo(access).json?["sub"]?.string == sub)
                if id != "tiga" { #expect(try city.claims(of: access)["sub"]?.string == sub) }
                let again = try await city.refresh(tokens["refresh_token"]?.string, id).json
                #expect(try city.claims(of: again?["id_token"]?.string)["sub"]?.string == sub)
                subs[id] = sub
            }
            #expect(subs["satu"] == subs["dua"])
            #expect(subs["satu"] != subs["tiga"])
            #expect(!subs.values.contains(own))
            let other = try await tokens(city, "satu", "vendor.contoh.go.id", "siti")
            #expect(try city.claims(of: other["id_token"]?.string)["sub"]?.string != subs["satu"])
        }
    }

    @Test("behaviour 19: an id_token_hint with a pairwise sub names its person, to whichever client it is brought")
    func hints() async throws {
        try await withCity { city in
            try await add(
                city, "satu", "vendor.contoh.go.id", ["post_logout_redirect_uris": ["https://vendor.contoh.go.id/"]])
            let browser = try await city.signedIn()
            let token = try await tokens(city, "satu", "vendor.contoh.go.id", in: browser)["id_token"]?.string
            let silent = try await city.authorize(
                city.asking("web", ["prompt": "none", "id_token_hint": token]), in: browser)
            #expect(silent.parameter("code") != nil)
            let siti = try await city.signedIn("siti")
            expectRedirect(
                try await city.authorize(
                    city.asking("web", ["prompt": "none", "id_token_hint": token]), in: siti), "login_required")
            let out = try await browser.get(
                "/oauth2/logout?"
                    + FormURLEncoded.encode([
                        ("id_token_hint", token ?? ""), ("post_logout_redirect_uri", "https://vendor.contoh.go.id/"),
                    ]))
            #expect(out.location == "https://vendor.contoh.go.id/")
        }
    }

    @Test("programs at a loopback address are no sector together: every machine has one")
    func loopback() async throws {
        try await withCity { city in
            let native: JSONObject = [
                "client_name": "N", "application_type": "native", "redirect_uris": ["http://127.0.0.1/cb"],
                "subject_type": "pairwise",
            ]
            await #expect(throws: OAuthError.self) { try await city.addClient("n", native) }
            let named = native.adding("sector_identifier_uri", "https://vendor.contoh.go.id/sektor")
            try await city.addClient("n", named)
        }
    }

    @Test("the sub in introspection is the token's own client's, and a manager's sub that of the sector")
    func others() async throws {
        try await withCity { city in
            let secret = try await city.addClient(
                "satu",
                [
                    "client_name": "Satu", "redirect_uris": [.string(City.redirectURI)], "subject_type": "pairwise",
                    "scope": "openid asn",
                ])
            let code = try await city.freshCode("satu", ["scope": "openid asn"])
            let header = basicHeader("satu", secret)
            let tokens = try await city.gateway.post(
                "/oauth2/token", city.redeeming(code), headers: [.authorization: header]
            ).json
            let sub = try city.claims(of: tokens?["id_token"]?.string)["sub"]
            let told = try await city.gateway.post(
                "/oauth2/introspect", [("token", tokens?["access_token"]?.string ?? "")],
                headers: [.authorization: header]
            ).json
            #expect(told?["sub"] == sub)
            #expect(sub != .string(try #require(city.people["ujang"]).sub))
        }
    }
}
