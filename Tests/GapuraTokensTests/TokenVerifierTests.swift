import GapuraFormats
import GapuraTokens
import Testing

@Suite("Access tokens")
struct TokenVerifierTests {
    let issuer = TokenIssuer(issuer: issuerName, key: Keys.of(.es256))

    private func verifier(_ change: (inout TokenExpectations) -> Void = { _ in }) -> TokenVerifier {
        var expectations = TokenExpectations.accessToken(issuer: issuerName, audience: audienceName)
        change(&expectations)
        return TokenVerifier(expectations, keys: .set(Keys.set))
    }

    private func refusalOf(_ claims: Claims, type: String = "at+jwt", now: Timestamp = moment) throws -> TokenError
        .Code?
    {
        let token = try JWS.sign(claims.object.encoded(), with: Keys.of(.es256), header: ["typ": .string(type)])
        return refusal { try verifier().verify(token, now: now) }
    }

    @Test("what the issuer issues, the verifier verifies, with every algorithm", arguments: SigningAlgorithm.allCases)
    func roundTrip(algorithm: SigningAlgorithm) throws {
        let key = Keys.of(algorithm)
        let token = try TokenIssuer(issuer: issuerName, key: key).issue(accessClaims(), type: .accessToken)
        let expectations = TokenExpectations.accessToken(issuer: issuerName, audience: audienceName)
        let verified = try TokenVerifier(expectations, keys: .key(key.verificationKey)).verify(token, now: moment)
        #expect(verified.claims == accessClaims())
        #expect(verified.claims.scopes == ["openid", "asn"])
        #expect(verified.claims.exp == moment.adding(seconds: 300))
        #expect(verified.algorithm == algorithm)
        #expect(verified.header["typ"] == "at+jwt")
    }

    @Test("the issuer names itself, and mints for nobody else")
    func issuing() throws {
        let token = try issuer.issue(["sub": "a"], type: .jwt)
        let claims = try Claims(json: JWS(token).unverifiedPayload())
        #expect(claims.iss == issuerName)
        #expect(try JWS(token).header["typ"] == "JWT")
        #expect(refusal { try issuer.issue(["iss": "https://other.example"], type: .jwt) } == .issuer)
        #expect(keyRefusal { try issuer.issue([:], type: .jwt, algorithm: .rs256) } == .algorithm)
    }

    @Test(
        "attack 127: aud is ours byte for byte, and names nobody besides",
        arguments: [
            "\"https://arsip.kota.example/\"", "\"https://arsip.kota.exampl\"", "\"https://ARSIP.kota.example\"",
            "\"https://arsip.kota.example.evil.example\"", "[\"https://arsip.kota.example\",\"other\"]",
            "[\"other\"]", "[]", "\"\"", "null", "1", "[\"https://arsip.kota.example\",1]", "{}",
            "[[\"https://arsip.kota.example\"]]",
        ])
    func audience(aud: String) throws {
        let value = try StrictJSON.parse(aud.utf8)
        let claims = accessClaims { $0["aud"] = value }
        #expect(try refusalOf(claims) == .audience)
    }

    @Test("aud may name others where the resource server says so, and may be an array of one")
    func otherAudiences() throws {
        let several = try issuer.issue(accessClaims { $0.aud = ["other", audienceName] }, type: .accessToken)
        #expect(refusal { try verifier { $0.allowsOtherAudiences = true }.verify(several, now: moment) } == nil)
        #expect(refusal { try verifier { $0.audiences.append("other") }.verify(several, now: moment) } == nil)
        #expect(try refusalOf(accessClaims { $0["aud"] = [.string(audienceName)] }) == nil)
    }

    @Test("RFC 9470: a sign-in that is too old or of another kind is its own refusal, with the challenge for it")
    func stepUp() throws {
        let token = try issuer.issue(
            accessClaims {
                $0["auth_time"] = .integer(moment.seconds - 600)
                $0["acr"] = "urn:kota:sandi"
            }, type: .accessToken)
        func refused(_ change: (inout TokenExpectations) -> Void) -> TokenError.Code? {
            refusal { try verifier(change).verify(token, now: moment) }
        }
        #expect(refused { $0.maximumAuthenticationAge = 600 } == nil)
        #expect(refused { $0.maximumAuthenticationAge = 589 } == .authentication)
        #expect(refused { $0.maximumAuthenticationAge = Int64.max } == nil)
        #expect(refused { $0.acrValues = ["urn:kota:sandi", "urn:kota:kunci"] } == nil)
        #expect(refused { $0.acrValues = ["urn:kota:kunci"] } == .authentication)
        // Neither claim is there.
        let bare = try issuer.issue(accessClaims(), type: .accessToken)
        #expect(
            refusal { try verifier { $0.maximumAuthenticationAge = 600 }.verify(bare, now: moment) } == .authentication)
        #expect(
            refusal { try verifier { $0.acrValues = ["urn:kota:sandi"] }.verify(bare, now: moment) } == .authentication)
        // A token that is no good otherwise is not mended by signing in.
        let late = moment.adding(seconds: 3600)
        #expect(refusal { try verifier { $0.maximumAuthenticationAge = 1 }.verify(token, now: late) } == .expired)

        var expectations = TokenExpectations.accessToken(issuer: issuerName, audience: audienceName)
        expectations.maximumAuthenticationAge = 300
        expectations.acrValues = ["urn:kota:kunci", "a\"b"]
        #expect(
            expectations.stepUpChallenge
                == #"Bearer error="insufficient_user_authentication", acr_values="urn:kota:kunci", max_age="300""#)
    }

    @Test(
        "attack 127: iss is the issuer byte for byte",
        arguments: [
            "https://masuk.kota.example/", "https://MASUK.kota.example", "http://masuk.kota.example",
            "https://masuk.kota.example/other", "https://masuk.kota.exampl", "", "https://masuk.kota.example\u{0}",
        ])
    func otherIssuer(iss: String) throws {
        #expect(try refusalOf(accessClaims { $0.iss = iss }) != nil)
    }

    @Test(
        "a claim that RFC 9068 requires must be there, with its type",
        arguments: [
            "iss", "exp", "aud", "sub", "client_id", "iat", "jti",
        ])
    func required(name: String) throws {
        #expect(try refusalOf(accessClaims()) == nil)
        #expect(try refusalOf(accessClaims { $0[name] = nil }) != nil)
        for wrong in [nil, true, [:], [], ""] as [JSONValue] {
            #expect(try refusalOf(accessClaims { $0[name] = wrong }) != nil)
        }
        let other: JSONValue = ["exp", "iat"].contains(name) ? "1800000300" : 1
        #expect(try refusalOf(accessClaims { $0[name] = other }) != nil)
    }

    @Test("times: expired, not yet valid and issued ahead are refused beyond the leeway of ten seconds")
    func times() throws {
        let end = moment.adding(seconds: 300)
        #expect(try refusalOf(accessClaims(), now: end.adding(seconds: 9)) == nil)
        #expect(try refusalOf(accessClaims(), now: end.adding(seconds: 10)) == .expired)
        #expect(try refusalOf(accessClaims { $0.nbf = moment.adding(seconds: 8) }) == nil)
        #expect(try refusalOf(accessClaims { $0.nbf = moment.adding(seconds: 61) }) == .notYetValid)
        #expect(try refusalOf(accessClaims { $0.iat = moment.adding(seconds: 8) }) == nil)
        #expect(try refusalOf(accessClaims { $0.iat = moment.adding(seconds: 61) }) == .notYetValid)
        #expect(try refusalOf(accessClaims { $0["exp"] = .double(Double(end.seconds) + 0.5) }) == nil)
        #expect(try refusalOf(accessClaims { $0["nbf"] = "soon" }) == .claims)
        for odd in [1e300, -1, -1e300, 1e18, 253_402_300_800] as [Double] {
            #expect(try refusalOf(accessClaims { $0["exp"] = .double(odd) }) == .claims)
            #expect(try refusalOf(accessClaims { $0["nbf"] = .double(odd) }) == .claims)
        }
        for odd in [Int64.max, .min, -1] {
            #expect(try refusalOf(accessClaims { $0["exp"] = .integer(odd) }) == .claims)
        }
    }

    @Test("attack 71: a lifetime beyond the limit is refused")
    func lifetime() throws {
        let year = try issuer.issue(accessClaims { $0.exp = moment.adding(seconds: 31_536_000) }, type: .accessToken)
        #expect(refusal { try verifier().verify(year, now: moment) } == nil)
        #expect(refusal { try verifier { $0.maximumLifetime = 3600 }.verify(year, now: moment) } == .claims)
    }

    @Test(
        "attack 128: a token of another type is no access token",
        arguments: [
            "JWT", "logout+jwt", "dpop+jwt", "oauth-authz-req+jwt", "secevent+jwt", "at+jwt ",
            "application/application/at+jwt", "",
        ])
    func types(type: String) throws {
        #expect(try refusalOf(accessClaims(), type: type) == .type)
        let untyped = try JWS.sign(accessClaims().object.encoded(), with: Keys.of(.es256))
        #expect(refusal { try verifier().verify(untyped, now: moment) } == .type)
        let odd = try JWS.sign(accessClaims().object.encoded(), with: Keys.of(.es256), header: ["typ": 1])
        #expect(refusal { try verifier().verify(odd, now: moment) } == .malformed)
    }

    @Test(
        "typ is a media type: any case, with or without application/",
        arguments: [
            "at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt",
        ])
    func typeForms(type: String) throws {
        let token = try JWS.sign(accessClaims().object.encoded(), with: Keys.of(.es256), header: ["typ": .string(type)])
        #expect(refusal { try verifier().verify(token, now: moment) } == nil)
    }

    @Test("an algorithm outside the list is refused though the key is there")
    func algorithms() throws {
        let token = try issuer.issue(accessClaims(), type: .accessToken)
        #expect(refusal { try verifier { $0.algorithms = [.rs256] }.verify(token, now: moment) } == .algorithm)
    }

    @Test("at_hash of OIDC Core A.3 is computed")
    func leftHalf() {
        // OIDC Core appendix A.3: code id_token, RS256.
        #expect(
            SigningAlgorithm.rs256.leftHalfHash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y")
                == "77QmUPtjPfzWtF2AnpK9RQ")
    }
}

@Suite("ID tokens and logout tokens")
struct IDTokenTests {
    let issuer = TokenIssuer(issuer: issuerName, key: Keys.of(.rs256))
    let idTokens = IDTokenVerifier(issuer: issuerName, clientID: "arsip", keys: .set(Keys.set))
    let logoutTokens = LogoutTokenVerifier(issuer: issuerName, clientID: "arsip", keys: .set(Keys.set))

    private func idClaims(_ change: (inout Claims) -> Void = { _ in }) -> Claims {
        var claims: Claims = ["sub": "s", "aud": "arsip", "nonce": "n-1"]
        claims.iat = moment
        claims.exp = moment.adding(seconds: 300)
        change(&claims)
        return claims
    }

    private func logoutClaims(_ change: (inout Claims) -> Void = { _ in }) -> Claims {
        var claims: Claims = ["sub": "s", "sid": "session", "aud": "arsip", "jti": "j"]
        claims["events"] = .object(JSONObject([(LogoutTokenVerifier.event, .object(JSONObject()))]))
        claims.iat = moment
        claims.exp = moment.adding(seconds: 120)
        change(&claims)
        return claims
    }

    private func idRefusal(_ claims: Claims, _ request: IDTokenVerifier.Request = .init(nonce: "n-1")) throws
        -> TokenError.Code?
    {
        let token = try issuer.issue(claims, type: .jwt)
        return refusal { try idTokens.verify(token, for: request, now: moment) }
    }

    private func logoutRefusal(_ claims: Claims, type: TokenType = .logoutToken) throws -> TokenError.Code? {
        let token = try issuer.issue(claims, type: type)
        return refusal { try logoutTokens.verify(token, now: moment) }
    }

    @Test("an ID token answers the request it belongs to: nonce, azp, max_age and hashes")
    func idToken() throws {
        #expect(try idRefusal(idClaims()) == nil)
        #expect(try idRefusal(idClaims(), .init(nonce: "n-2")) == .claims)
        #expect(try idRefusal(idClaims(), .init(nonce: nil)) == .claims)
        #expect(try idRefusal(idClaims { $0["nonce"] = nil }) == .claims)
        #expect(try idRefusal(idClaims { $0["nonce"] = nil }, .init(nonce: nil)) == nil)
        #expect(try idRefusal(idClaims { $0["azp"] = "other" }) == .audience)
        #expect(try idRefusal(idClaims { $0["azp"] = "arsip" }) == nil)
        #expect(try idRefusal(idClaims { $0["sub"] = "" }) == .claims)
        #expect(try idRefusal(idClaims { $0["iat"] = nil }) == .claims)
        #expect(try idRefusal(idClaims(), .init(nonce: "n-1", maximumAge: 60)) == .claims)
        let old = idClaims { $0["auth_time"] = .integer(moment.seconds - 71) }
        #expect(try idRefusal(old, .init(nonce: "n-1", maximumAge: 60)) == .claims)
        #expect(try idRefusal(old, .init(nonce: "n-1", maximumAge: 61)) == nil)
        let hashed = idClaims { $0["at_hash"] = .string(SigningAlgorithm.rs256.leftHalfHash("token")) }
        #expect(try idRefusal(hashed, .init(nonce: "n-1", accessToken: "token")) == nil)
        #expect(try idRefusal(hashed, .init(nonce: "n-1", accessToken: "other")) == .claims)
    }

    @Test("attack 127: an ID token for us and others, or for others, is refused")
    func idTokenAudience() throws {
        #expect(try idRefusal(idClaims { $0.aud = ["arsip", "other"] }) == .audience)
        #expect(try idRefusal(idClaims { $0.aud = ["arsi"] }) == .audience)
        #expect(try idRefusal(idClaims { $0.aud = ["arsip2"] }) == .audience)
    }

    @Test("an ID token of an algorithm that the client did not register is refused")
    func idTokenAlgorithm() throws {
        let token = try TokenIssuer(issuer: issuerName, key: Keys.of(.es256)).issue(idClaims(), type: .jwt)
        #expect(refusal { try idTokens.verify(token, for: .init(nonce: "n-1"), now: moment) } == .algorithm)
    }

    @Test("attack 128: ID token and logout token do not stand in for each other")
    func confusion() throws {
        #expect(try logoutRefusal(logoutClaims()) == nil)
        #expect(try logoutRefusal(logoutClaims(), type: .jwt) == .type)
        #expect(try logoutRefusal(idClaims { $0.jti = "j" }) == .type)
        let asID = try issuer.issue(logoutClaims(), type: .logoutToken)
        #expect(refusal { try idTokens.verify(asID, for: .init(nonce: nil), now: moment) } == .type)
        let untyped = try issuer.issue(logoutClaims(), type: .jwt)
        #expect(refusal { try idTokens.verify(untyped, for: .init(nonce: nil), now: moment) } == .type)
        let access = try issuer.issue(accessClaims { $0.aud = ["arsip"] }, type: .accessToken)
        #expect(refusal { try idTokens.verify(access, for: .init(nonce: nil), now: moment) } == .type)
        let lenient = LogoutTokenVerifier(
            issuer: issuerName, clientID: "arsip", keys: .set(Keys.set), allowsAbsentType: true)
        #expect(refusal { try lenient.verify(untyped, now: moment) } == nil)
        let idToken = try issuer.issue(idClaims { $0.jti = "j" }, type: .jwt)
        #expect(refusal { try lenient.verify(idToken, now: moment) } == .type)
    }

    @Test("a logout token has its event, no nonce, a jti, and sub or sid")
    func logoutToken() throws {
        #expect(try logoutRefusal(logoutClaims { $0["events"] = nil }) == .type)
        #expect(try logoutRefusal(logoutClaims { $0["events"] = [:] }) == .type)
        #expect(
            try logoutRefusal(logoutClaims { $0["events"] = .object(JSONObject([(LogoutTokenVerifier.event, true)])) })
                == .type)
        #expect(try logoutRefusal(logoutClaims { $0["nonce"] = "n" }) == .type)
        #expect(try logoutRefusal(logoutClaims { $0["jti"] = nil }) == .claims)
        #expect(try logoutRefusal(logoutClaims { $0["sub"] = nil }) == nil)
        #expect(try logoutRefusal(logoutClaims { $0["sid"] = nil }) == nil)
        #expect(
            try logoutRefusal(
                logoutClaims {
                    $0["sub"] = nil
                    $0["sid"] = nil
                }) == .claims)
        #expect(try logoutRefusal(logoutClaims { $0.exp = moment.adding(seconds: -60) }) == .expired)
    }
}
