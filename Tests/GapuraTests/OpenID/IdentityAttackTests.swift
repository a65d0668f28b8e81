import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import Testing

@testable import Gapura

/// Who a token is about: attacks 107 and 109.
@Suite("Subjects and claims: attacks")
struct IdentityAttackTests {
    @Test("attack 107: no registration and no person overrides a reserved claim")
    func reservedClaims() async throws {
        try await withCity { city in
            let names = ["sub", "iss", "aud", "exp", "roles", "acr", "nonce"]
            var metadata: JSONObject = [
                "client_name": "Licik", "redirect_uris": [.string(City.redirectURI)],
                "token_endpoint_auth_method": "none",
                "scope": "openid profile email phone asn sub iss exp aud",
                "protocolMappers": [["name": "sub", "claim.name": "sub", "claim.value": "admin"]],
                "claims": ["sub": "admin", "roles": ["admin"]],
            ]
            for name in names { metadata[name] = "admin" }
            try await city.addClient("licik", metadata)
            let code = try await city.freshCode(
                "licik",
                [
                    "scope": "openid profile email phone asn sub iss exp aud",
                    "claims":
                        #"{"id_token":{"iss":{"value":"admin"},"acr":{"value":"admin"},"roles":null,"exp":null}}"#,
                ])
            let tokens = try await city.token(city.redeeming(code), "licik").json
            let sub = JSONValue.string(try #require(city.people["ujang"]).sub)
            let id = try city.claims(of: tokens?["id_token"]?.string)
            #expect(id["sub"] == sub)
            #expect(id["iss"] == .string(TestGateway.issuer))
            #expect(id["aud"] == "licik")
            #expect(id["roles"] == nil)
            let access = try city.claims(of: tokens?["access_token"]?.string)
            #expect(access["sub"] == sub)
            #expect(access["aud"] == .string(TestGateway.issuer))
            #expect(access["roles"] == nil)
            let info = try #require(try await city.userinfo(tokens?["access_token"]?.string).json?.object)
            #expect(info["sub"] == sub)
            #expect(Set(info.keys).intersection(Claims.reserved) == ["sub"])
            #expect(!holds(info.encoded(), "admin"))
            for scope in ["tte"] {
                #expect(throws: OAuthError.self) {
                    try ClientMetadata(
                        [
                            "client_name": "X", "redirect_uris": [.string(City.redirectURI)],
                            "scope": .string("openid \(scope)"),
                        ],
                        settings: GatewaySettings()
                    )
                }
            }
        }
    }

    @Test(
        "attack 109: a NIP that goes to another person brings nothing along: sub is random and stays with its owner",
        arguments: bothEngines)
    func recycledNIP(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let before = try await city.tokens("web", scope: "openid offline_access")
            let old = try #require(city.people["ujang"])
            let oldSub = try #require(try city.claims(of: before["id_token"]?.string)["sub"]?.string)
            #expect(oldSub == old.sub)
            #expect(oldSub.utf8.count == 36)
            #expect(Array(oldSub.utf8)[14] == UInt8(ascii: "4"))
            #expect(!oldSub.contains(City.nips["ujang"] ?? "?"))

            let (nip, now) = (try #require(City.nips["ujang"]), city.gateway.clock.now)
            let newSub = try await city.gateway.store.write { tx in
                let aliases = try tx.people.aliases(of: try #require(old.personID))
                for alias in aliases { try tx.people.end(alias.id, at: now) }
                let person = Person(
                    id: .make(now: now), pnsID: "PNS-baru", name: "Orang Lain", employeeKind: .pns, createdAt: now,
                    updatedAt: now)
                try tx.people.insert(person)
                try tx.people.insert(
                    PersonAlias(id: .make(now: now), personID: person.id, kind: .nip, value: nip, validFrom: now))
                let account = Account(
                    id: .make(now: now), personID: person.id, sub: UUIDText.version4(), state: .aktif,
                    stateBy: .personnel,
                    passwordHash: old.passwordHash, createdAt: now, updatedAt: now
                )
                try tx.accounts.insert(account)
                return account.sub
            }
            let after = try await city.tokens("web", for: "ujang", scope: "openid asn")
            #expect(try city.claims(of: after["id_token"]?.string)["sub"] == .string(newSub))
            #expect(newSub != oldSub)
            #expect(try await city.userinfo(after["access_token"]?.string).json?["nip"] == .string(nip))
            // The tokens of the first owner are still about the first owner.
            let refreshed = try await city.refresh(before["refresh_token"]?.string).json
            #expect(try city.claims(of: refreshed?["access_token"]?.string)["sub"] == .string(oldSub))
        }
    }
}
