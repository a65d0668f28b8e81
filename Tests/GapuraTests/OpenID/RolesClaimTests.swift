import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

extension City {
    /// A public client of an application that may ask for `roles`.
    fileprivate func addRolesClient(_ id: String, of slug: String, scope: String = "openid roles offline_access")
        async throws
    {
        let registry = ClientRegistry(gateway.gateway.services)
        let prepared = try await registry.prepare([
            "client_name": .string(id), "redirect_uris": [.string(City.redirectURI)],
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
            "scope": .string(scope),
        ])
        let now = gateway.clock.now
        try await gateway.store.write { tx in
            guard let application = try tx.applications.find(slug: slug) else { throw CityError(text: slug) }
            _ = try registry.add(
                prepared, application: application, clientID: id, secret: ClientRegistry.makeSecret(), by: .system,
                in: tx, at: now)
        }
    }

    fileprivate func roles(_ accessToken: JSONValue?) async throws -> JSONValue? {
        let answer = try await userinfo(accessToken?.string)
        #expect(answer.status == 200)
        return answer.json?["roles"]
    }

    /// A grant to ujang with seconds, which operations do not know.
    fileprivate func giveUjang(_ role: String, from start: Timestamp, to end: Timestamp?) async throws -> GrantID {
        let (subject, now) = (GrantSubject(.account, try #require(people["ujang"]).id.text), gateway.clock.now)
        return try await gateway.store.write { tx in
            guard let application = try tx.applications.find(slug: "simpeg") else { throw CityError(text: "simpeg") }
            let directory = GrantDirectory(tx, by: .system, at: now)
            _ = try directory.addRole(role, description: nil, to: application)
            let wish = GrantDirectory.Wish(
                role: QualifiedRole(application.id, role), subject: subject, validFrom: start, validTo: end,
                letterNumber: "1")
            return try directory.give(wish, today: now).grant.id
        }
    }
}

/// The scope `roles`: what an application learns about rights in itself.
@Suite("Claim roles")
struct RolesClaimTests {
    @Test(
        "the claim has the names of today's roles in the order of their bytes, and an empty array for none",
        arguments: bothEngines)
    func names(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addRolesClient("peran", of: "simpeg")
            let tokens = try await city.tokens("peran", scope: "openid roles")
            #expect(tokens["scope"] == "openid roles")
            #expect(try await city.roles(tokens["access_token"]) == [])
            for name in ["beta_2", "Zeta", "alfa", "beta-1", "10", "9"] {
                try await city.addRoles("simpeg:\(name)")
                try await city.give("simpeg:\(name)", ["kind": "PNS"])
            }
            // Two grants of one role are one name.
            try await city.give("simpeg:alfa", ["account": "ujang"])
            #expect(
                try await city.roles(tokens["access_token"]) == ["10", "9", "Zeta", "alfa", "beta-1", "beta_2"])
            // Beside it nothing of the person; and in the tokens themselves no scoped claim at all.
            let info = try await city.userinfo(tokens["access_token"]?.string).json?.object
            #expect(Set(info?.keys ?? []) == ["sub", "roles"])
            #expect(try city.claims(of: tokens["id_token"]?.string)["roles"] == nil)
            #expect(try city.claims(of: tokens["access_token"]?.string)["roles"] == nil)
        }
    }

    @Test("roles follow a grant's dates: one token sees them come and go with the clock", arguments: bothEngines)
    func dates(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addRolesClient("peran", of: "simpeg")
            let now = city.gateway.clock.now
            _ = try await city.giveUjang("penilai", from: now.adding(seconds: 60), to: now.adding(seconds: 120))
            let access = try await city.tokens("peran", scope: "openid roles")["access_token"]
            #expect(try await city.roles(access) == [])
            city.gateway.clock.advance(seconds: 59)
            #expect(try await city.roles(access) == [])
            city.gateway.clock.advance(seconds: 1)
            #expect(try await city.roles(access) == ["penilai"])
            city.gateway.clock.advance(seconds: 59)
            #expect(try await city.roles(access) == ["penilai"])
            city.gateway.clock.advance(seconds: 1)
            #expect(try await city.roles(access) == [])
        }
    }

    @Test(
        "attack 199: a role that was taken away is in no token that is out, and in none that is refreshed",
        arguments: bothEngines)
    func ended(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addRolesClient("peran", of: "simpeg")
            let id = try await city.giveUjang("penilai", from: city.gateway.clock.now, to: nil)
            let tokens = try await city.tokens("peran", scope: "openid roles")
            #expect(try await city.roles(tokens["access_token"]) == ["penilai"])
            let refreshed = try #require(try await city.refresh(tokens["refresh_token"]?.string, "peran").json)
            #expect(try await city.roles(refreshed["access_token"]) == ["penilai"])

            city.gateway.clock.advance(seconds: 30)
            _ = try await city.operate("grant.end", ["id": .string(id.text)])
            #expect(try await city.roles(refreshed["access_token"]) == [])
            let later = try #require(try await city.refresh(refreshed["refresh_token"]?.string, "peran").json)
            #expect(try await city.roles(later["access_token"]) == [])
        }
    }

    @Test("attack 199: a transfer takes the old unit's role out of the token that is out", arguments: bothEngines)
    func transferred(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addRolesClient("peran", of: "simpeg")
            try await city.addRoles("simpeg:unit", "simpeg:akun", "simpeg:tetap")
            try await city.give("simpeg:unit", ["unit": "UNOR-setda"])
            try await city.give("simpeg:akun", ["account": "ujang", "in_unit": "UNOR-hukum"])
            try await city.give("simpeg:tetap", ["kind": "PNS"])
            let access = try await city.tokens("peran", scope: "openid roles")["access_token"]
            #expect(try await city.roles(access) == ["akun", "tetap", "unit"])
            try await city.move("ujang", to: "dinkes")
            #expect(try await city.roles(access) == ["tetap"])
        }
    }

    @Test("attack 190: a client learns the roles of its own application and never another's", arguments: bothEngines)
    func otherApplications(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addRolesClient("peran", of: "simpeg")
            try await city.addRolesClient("rahasia", of: "tertutup")
            try await city.addRoles("simpeg:penilai", "tertutup:auditor", "tertutup:penilai")
            try await city.give("tertutup:auditor", ["account": "siti"])
            try await city.give("tertutup:penilai", ["kind": "PPPK"])
            let browser = try await city.signedIn("siti")
            let open = try await city.tokens("peran", for: "siti", scope: "openid roles", in: browser)
            let closed = try await city.tokens("rahasia", for: "siti", scope: "openid roles", in: browser)
            // The same name in another application is another role.
            #expect(try await city.roles(open["access_token"]) == [])
            #expect(try await city.roles(closed["access_token"]) == ["auditor", "penilai"])
            try await city.give("simpeg:penilai", ["account": "siti"])
            #expect(try await city.roles(open["access_token"]) == ["penilai"])
            #expect(try await city.roles(closed["access_token"]) == ["auditor", "penilai"])
            // Nobody else's roles either.
            let ujang = try await city.tokens("peran", for: "ujang", scope: "openid roles")
            #expect(try await city.roles(ujang["access_token"]) == [])
        }
    }

    @Test("two duties that exclude each other are told to neither application", arguments: bothEngines)
    func withheld(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addRolesClient("peran", of: "simpeg")
            try await city.addRoles("simpeg:bendahara", "simpeg:pegawai", "tertutup:verifikator")
            _ = try await city.operate(
                "role.exclude", ["first": "tertutup:verifikator", "second": "simpeg:bendahara"])
            try await city.give("simpeg:bendahara", ["account": "ujang"])
            try await city.give("simpeg:pegawai", ["account": "ujang"])
            try await city.give("tertutup:verifikator", ["unit": "UNOR-dinkes"])
            let access = try await city.tokens("peran", scope: "openid roles")["access_token"]
            #expect(try await city.roles(access) == ["bendahara", "pegawai"])
            try await city.move("ujang", to: "dinkes")
            #expect(try await city.roles(access) == ["pegawai"])
        }
    }

    @Test("attack 8: without the scope nothing is said, and a client that may not have it cannot ask for it")
    func scope() async throws {
        try await withCity { city in
            try await city.addRolesClient("peran", of: "simpeg")
            try await city.addRoles("simpeg:penilai")
            try await city.give("simpeg:penilai", ["kind": "PNS"])
            let bare = try await city.tokens("peran", scope: "openid")
            #expect(try await city.roles(bare["access_token"]) == nil)
            let refused = try await city.authorize(city.asking("web", ["scope": "openid roles"]))
            #expect(refused.parameter("error") == "invalid_scope")
            // What was granted can be narrowed and not widened by a refresh.
            let wide = try await city.refresh(bare["refresh_token"]?.string, "peran", [("scope", "openid roles")])
            expectTokenError(wide, 400, "invalid_scope")
        }
    }
}
