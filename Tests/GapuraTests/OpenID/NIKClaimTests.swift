import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

extension City {
    /// As a load would.
    func setNIK(_ person: String, _ digits: String) async throws {
        let vault = gateway.gateway.services.secrets.identities
        let nik = try #require(try NIK.parse(digits))
        let id = try #require(try await account(person).personID)
        let row = SealedIdentity(
            personID: id, sealed: try vault.seal(nik, of: id), lookup: try vault.lookup(nik),
            changedAt: gateway.clock.now)
        try await gateway.store.write { try $0.identities.put([row]) }
    }

    /// A public client of SIMPEG.
    func addClient(_ id: String, scope: String, tte: Bool) async throws {
        _ = try await operate(
            "client.add",
            [
                "application": "simpeg", "client_id": .string(id),
                "metadata": [
                    "client_name": .string(id), "redirect_uris": [.string(City.redirectURI)],
                    "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
                    "scope": .string(scope), "tte": .bool(tte),
                ],
            ])
    }
}

/// The scope `tte`: the NIK, for applications of electronic signatures.
@Suite("Claim nik")
struct NIKClaimTests {
    private static let nik = "3299990101600001"

    @Test("a marked client that asks for tte reads the NIK in userinfo, and in no token", arguments: bothEngines)
    func released(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.setNIK("ujang", Self.nik)
            try await city.addClient("esign", scope: "openid profile tte", tte: true)
            let tokens = try await city.tokens("esign", scope: "openid tte")
            #expect(tokens["scope"] == "openid tte")
            let info = try await city.userinfo(tokens["access_token"]?.string)
            #expect(info.json?["nik"] == .string(Self.nik))
            #expect(Set(info.json?.object?.keys ?? []) == ["sub", "nik"])
            for token in ["id_token", "access_token"] {
                #expect(try city.claims(of: tokens[token]?.string)["nik"] == nil)
                #expect(tokens[token]?.string?.contains(Self.nik) == false)
            }
            // Somebody without one has no claim.
            let siti = try await city.tokens("esign", for: "siti", scope: "openid tte")
            #expect(try await city.userinfo(siti["access_token"]?.string).json?["nik"] == nil)
        }
    }

    @Test("attack 8: who is not marked cannot register tte, cannot ask for it, and is not given it")
    func unmarked() async throws {
        try await withCity { city in
            try await city.setNIK("ujang", Self.nik)
            #expect(
                await city.refusal(
                    "client.add",
                    [
                        "application": "simpeg", "client_id": "nakal",
                        "metadata": [
                            "client_name": "x", "redirect_uris": [.string(City.redirectURI)], "scope": "openid tte",
                        ],
                    ]) == .invalid)
            let asked = try await city.authorize(city.asking("web", ["scope": "openid tte"]))
            #expect(asked.parameter("error") == "invalid_scope")
            // Marked, and asked without a scope: what is more than signing in needs is asked for by name.
            try await city.addClient("esign", scope: "openid profile tte", tte: true)
            for scope in ["openid", "openid profile"] {
                let tokens = try await city.tokens("esign", scope: scope)
                #expect(try await city.userinfo(tokens["access_token"]?.string).json?["nik"] == nil)
            }
            let reader = ClientReader(city.gateway.gateway.services)
            let client = try #require(
                try await city.gateway.store.read { try reader.findAny(ClientID("esign"), in: $0) })
            let bare = try Scope.granted(nil, to: client)
            #expect(bare == ["openid", "profile"])
        }
    }

    @Test("a client that lost its mark is given nothing with a token that is still out; the audit names the change")
    func unmarkedLater() async throws {
        try await withCity { city in
            try await city.setNIK("ujang", Self.nik)
            try await city.addClient("esign", scope: "openid tte", tte: true)
            let tokens = try await city.tokens("esign", scope: "openid tte")
            #expect(try await city.userinfo(tokens["access_token"]?.string).json?["nik"] == .string(Self.nik))
            _ = try await city.operate(
                "client.update", ["client_id": "esign", "metadata": ["tte": false, "scope": "openid"]])
            #expect(try await city.userinfo(tokens["access_token"]?.string).json?["nik"] == nil)
            let changed = try await city.latest(.clientUpdated)["changed"]?.strings ?? []
            #expect(Set(changed) == ["tte", "scope"])
        }
    }

    @Test("a NIK that other keys sealed is left out of the answer, and doctor says why")
    func otherKeys() async throws {
        try await withCity { city in
            try await city.setNIK("ujang", Self.nik)
            func check() async throws -> JSONValue? {
                try await city.operate("doctor")["checks"]?.array?.first { $0["check"] == "nik" }
            }
            #expect(try await check()?["status"] == "OK")
            try await city.gateway.store.write { _ = try $0.run("UPDATE identity_numbers SET sealed = 'AAAA'") }
            try await city.addClient("esign", scope: "openid tte", tte: true)
            let tokens = try await city.tokens("esign", scope: "openid tte")
            let info = try await city.userinfo(tokens["access_token"]?.string)
            #expect(info.status == 200)
            #expect(info.json?["nik"] == nil)
            #expect(try await check()?["status"] == "FAIL")
            #expect(try await city.operate("person.show", ["name": "ujang"])["nik"] == "?")
        }
    }

    // MARK: What applications received

    @Test(
        "a redemption and a refresh are written down: one row a set of claims; userinfo writes nothing",
        arguments: bothEngines)
    func disclosed(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addClient("esign", scope: "openid profile email tte offline_access", tte: true)
            func rows() async throws -> [JSONValue] {
                try await city.operate("person.disclosures", ["name": "ujang"])["disclosures"]?.array ?? []
            }
            #expect(try await rows().isEmpty)
            let tokens = try await city.tokens("esign", scope: "openid profile tte offline_access")
            let first = city.gateway.clock.now
            city.gateway.clock.advance(seconds: 90)
            for _ in 0..<3 { #expect(try await city.userinfo(tokens["access_token"]?.string).status == 200) }
            var row = try #require(try await rows().first)
            #expect(row["times"] == 1)
            #expect(row["client_id"] == "esign")
            #expect(row["application"] == "SIMPEG")
            #expect(
                row["claims"]?.strings == [
                    "sub", "name", "preferred_username", "local_id", "zoneinfo", "locale", "updated_at", "nik",
                ])
            let refreshed = try #require(try await city.refresh(tokens["refresh_token"]?.string, "esign").json)
            row = try #require(try await rows().first)
            #expect(try await rows().count == 1)
            #expect(row["times"] == 2)
            #expect(row["first_at"] == .time(first))
            #expect(row["last_at"] == .time(city.gateway.clock.now))
            // Narrowed, it is another set.
            city.gateway.clock.advance(seconds: 1)
            _ = try await city.refresh(refreshed["refresh_token"]?.string, "esign", [("scope", "openid")])
            #expect(try await rows().map { $0["claims"]?.strings?.count } == [1, 8])
            #expect(try await city.operate("person.disclosures", ["name": "siti"])["disclosures"] == [])
        }
    }

    @Test("the person reads on /akun what applications received, in words, and nobody else's")
    func page() async throws {
        try await withCity { city in
            let browser = try await city.signedIn("ujang")
            #expect(try await browser.get("/akun").text.contains("Belum ada aplikasi yang menerima data Anda."))
            _ = try await city.tokens("web", scope: "openid email", in: browser)
            let page = try await browser.get("/akun").text
            #expect(page.contains("Data yang diterima aplikasi"))
            #expect(page.contains("tanda pengenal akun; alamat email"))
            #expect(page.contains("SIMPEG"))
            let other = try await city.signedIn("siti").get("/akun").text
            #expect(other.contains("Belum ada aplikasi yang menerima data Anda."))
        }
    }
}
