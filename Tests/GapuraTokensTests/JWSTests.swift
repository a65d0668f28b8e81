import GapuraFormats
import GapuraTokens
import Testing

@Suite("Compact JWS")
struct JWSTests {
    @Test("each algorithm signs, and its key alone verifies", arguments: SigningAlgorithm.allCases)
    func roundTrip(algorithm: SigningAlgorithm) throws {
        let key = Keys.of(algorithm)
        let token = try JWS.sign(Array("{}".utf8), with: key)
        let jws = try JWS(token)
        #expect(jws.algorithm == algorithm)
        #expect(jws.kid == key.kid)
        #expect(try jws.verify(with: key.verificationKey) == Array("{}".utf8))
        let other = try SigningKey.generate(algorithm).verificationKey
        #expect(refusal { try jws.verify(with: other) } == .signature)
        for part in 0..<3 {
            for letter in 0..<40 {
                let changed = tamper(token, part: part, letter: letter)
                #expect(refusal { try JWS(changed).verify(with: key.verificationKey) } != nil)
            }
        }
    }

    @Test(
        "attack 110: no spelling of none, no missing and no odd algorithm is accepted",
        arguments: [
            #""none""#, #""None""#, #""NONE""#, #""nOnE""#, #""""#, "1", "null", #"["RS256"]"#, #"{"a":"RS256"}"#,
            "true",
            #""rs256""#, #""RS256 ""#, #""RS256\u0000""#, #""HS1""#, #""RSA-OAEP-256""#, #""dir""#,
        ])
    func algorithmNone(alg: String) throws {
        let key = Keys.of(.rs256)
        for header in [#"{"alg":\#(alg),"kid":"key-RS256"}"#, #"{"kid":"key-RS256"}"#] {
            let signed = try forge(header, "{}", key)
            #expect(refusal { try JWS(signed).verify(with: key.verificationKey) } != nil)
            let bare = try forge(header, "{}", nil)
            #expect(refusal { try JWS(bare).verify(with: key.verificationKey) } != nil)
        }
    }

    @Test("attack 112: a token of another algorithm than the key's is refused, even where the key could")
    func algorithmBound() throws {
        let rsa = Keys.of(.rs256)
        let pem = try rsa.pem()
        for algorithm in [SigningAlgorithm.ps256, .rs384, .rs512, .ps384, .ps512] {
            let same = try SigningKey(pem: pem, algorithm: algorithm, kid: rsa.kid)
            let token = try JWS.sign(Array("{}".utf8), with: same)
            #expect(refusal { try JWS(token).verify(with: rsa.verificationKey) } == .algorithm)
            // Signed by one way, named as the other.
            let named = try forge(#"{"alg":"RS256","kid":"key-RS256"}"#, "{}", same)
            #expect(refusal { try JWS(named).verify(with: rsa.verificationKey) } == .signature)
        }
        let es384 = try forge(#"{"alg":"ES384"}"#, "{}", Keys.of(.es256))
        #expect(refusal { try JWS(es384).verify(with: Keys.of(.es256).verificationKey) } == .algorithm)
        #expect(refusal { try JWS(es384).verify(with: Keys.of(.es384).verificationKey) } == .signature)
        #expect(keyRefusal { try SigningKey(pem: Keys.of(.es256).pem(), algorithm: .es384) } == .algorithm)
        #expect(keyRefusal { try SigningKey(pem: pem, algorithm: .es256) } == .algorithm)
        #expect(keyRefusal { try SigningKey(pem: Keys.of(.edDSA).pem(), algorithm: .rs256) } == .algorithm)
    }

    @Test("attack 73: HS256 with the bytes of a public RSA key as the secret is refused")
    func publicKeyAsSecret() throws {
        let key = Keys.of(.rs256).verificationKey
        for secret in [Array(try key.pem().utf8), try key.jsonWebKey().encoded()] {
            let forger = try SigningKey(secret: secret, algorithm: .hs256, kid: "key-RS256")
            let token = try JWS.sign(Array("{}".utf8), with: forger)
            #expect(refusal { try JWS(token).verify(with: key) } == .algorithm)
        }
    }

    @Test("attack 113: a kid is looked up as bytes among the keys there are, and no more")
    func kid() throws {
        let key = Keys.of(.es256)
        let long = String(repeating: "k", count: 1_000_000)
        for kid in [
            "../../dev/null", "' OR 1=1--", "|cmd", "key-ES256\u{0}", "KEY-ES256", " key-ES256", "key-ES256 ",
            "\u{212a}ey-ES256", long, "",
        ] {
            let header: JSONObject = ["alg": "ES256", "kid": .string(kid)]
            let token = try forge(header.encodedText(), "{}", key)
            let verifier = TokenVerifier(.accessToken(issuer: issuerName, audience: audienceName), keys: .set(Keys.set))
            #expect(refusal { try verifier.verify(token) } != nil)
            #expect(Keys.set.key(kid) == nil)
        }
        #expect(Keys.set.key(nil) == nil)
        #expect(try JSONWebKeySet([key.verificationKey]).key(nil) != nil)
        #expect(keyRefusal { try JSONWebKeySet([key.verificationKey, key.verificationKey]) } == .duplicateKid)
        for kid in ["1", "null", #"["key-ES256"]"#, "{}"] {
            let token = try forge(#"{"alg":"ES256","kid":\#(kid)}"#, "{}", key)
            #expect(refusal { try JWS(token) } == .malformed)
        }
    }

    @Test(
        "attack 115: a header with crit or b64 is refused, whatever it holds",
        arguments: [
            #""crit":["exp"]"#, #""crit":["x"],"x":1"#, #""crit":[]"#, #""crit":"b64""#, #""crit":null"#,
            #""crit":["alg"]"#,
            #""crit":["x","x"],"x":1"#, #""crit":["b64"],"b64":false"#, #""b64":false"#, #""b64":true"#,
            #""\u0063rit":["x"]"#,
        ])
    func crit(members: String) throws {
        let token = try forge(#"{"alg":"ES256",\#(members)}"#, "{}", Keys.of(.es256))
        #expect(refusal { try JWS(token).verify(with: Keys.of(.es256).verificationKey) } == .unsupported)
    }

    @Test("attack 116: equal names in header or payload are refused")
    func duplicateNames() throws {
        let key = Keys.of(.es256)
        for header in [
            #"{"alg":"none","alg":"ES256"}"#, #"{"alg":"ES256","alg":"ES256"}"#, #"{"alg":"ES256","\u0061lg":"none"}"#,
            #"{"alg":"ES256","kid":"a","kid":"key-ES256"}"#,
        ] {
            let token = try forge(header, "{}", key)
            #expect(refusal { try JWS(token) } == .malformed)
        }
        let twice = accessClaims().object.encodedText().dropLast() + #","s\u0075b":"admin"}"#
        let token = try forge(#"{"alg":"ES256","kid":"key-ES256","typ":"at+jwt"}"#, String(twice), key)
        let verifier = TokenVerifier(.accessToken(issuer: issuerName, audience: audienceName), keys: .set(Keys.set))
        #expect(refusal { try verifier.verify(token, now: moment) } == .malformed)
    }

    @Test("attack 118: dots are counted before anything is decoded, and long tokens are refused")
    func dots() throws {
        let key = Keys.of(.es256)
        let token = try JWS.sign(Array("{}".utf8), with: key)
        let parts = token.split(separator: ".").map(String.init)
        for count in [1, 2, 4, 5, 6, 7, 10_001] {
            let many = (0..<count).map { parts[$0 % 3] }.joined(separator: ".")
            #expect(refusal { try JWS(many) } != nil)
        }
        for text in [
            "", ".", "..", "...", "....", String(repeating: ".", count: 10_000), "\(parts[0])..\(parts[2])",
            ".\(parts[1]).\(parts[2])", "\(parts[0]).\(parts[1]).", token + ".", "." + token,
        ] {
            #expect(refusal { try JWS(text) } != nil)
        }
        let long = try JWS.sign([UInt8](repeating: 0x20, count: 16_000), with: key)
        #expect(refusal { try JWS(long) } == .malformed)
    }

    @Test("attack 118: padding, the other alphabet and non-zero trailing bits are refused in every part")
    func encoding() throws {
        let key = Keys.of(.es256)
        let token = try JWS.sign(Array(#"{"a":"??>>"}"#.utf8), with: key)
        let parts = token.split(separator: ".").map(String.init)
        for part in 0..<3 {
            for addition in ["=", "==", " ", "\n", "+", "/", "\0", "é", "\u{200b}"] {
                for changed in [parts[part] + addition, addition + parts[part]] {
                    var all = parts
                    all[part] = changed
                    let text = all.joined(separator: ".")
                    #expect(refusal { try JWS(text).verify(with: key.verificationKey) } != nil)
                }
            }
        }
        // 64 bytes of signature leave four bits over: the 15 other texts of the same bytes.
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let letter = try #require(token.last)
        let last = try #require(alphabet.firstIndex(of: letter))
        for bits in 1..<16 {
            let text = token.dropLast() + String(alphabet[last | bits])
            #expect(refusal { try JWS(text).verify(with: key.verificationKey) } == .malformed)
        }
    }

    @Test("attack 119: white space, NUL and the JSON forms of a JWS are refused")
    func spaces() throws {
        let key = Keys.of(.es256)
        let token = try JWS.sign(Array("{}".utf8), with: key)
        let parts = token.split(separator: ".").map(String.init)
        for addition in [" ", "\n", "\r\n", "\0", "\t", "\u{feff}", "\u{a0}"] {
            for text in [
                addition + token, token + addition, parts.joined(separator: "." + addition),
                parts.joined(separator: addition + "."),
            ] {
                #expect(refusal { try JWS(text).verify(with: key.verificationKey) } != nil)
            }
        }
        let flat: JSONObject = [
            "protected": .string(parts[0]), "payload": .string(parts[1]), "signature": .string(parts[2]),
        ]
        #expect(refusal { try JWS(flat.encodedText()) } == .malformed)
    }

    @Test("attacks 122 and 124: whatever is encrypted or compressed is refused")
    func encrypted() throws {
        for header in [
            #"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#, #"{"alg":"RSA1_5","enc":"A128CBC-HS256"}"#,
            #"{"alg":"RSA-OAEP-256","enc":"A256GCM"}"#,
        ] {
            let five = [Base64URL.encode(header.utf8), "AA", "AA", "AA", "AA"].joined(separator: ".")
            #expect(refusal { try JWS(five) } == .unsupported)
            let empty = [Base64URL.encode(header.utf8), "", "", "", ""].joined(separator: ".")
            #expect(refusal { try JWS(empty) } == .unsupported)
        }
        for member in [#""zip":"DEF""#, #""enc":"A256GCM""#] {
            let token = try forge(#"{"alg":"ES256",\#(member)}"#, "{}", Keys.of(.es256))
            #expect(refusal { try JWS(token) } == .unsupported)
        }
    }

    @Test("attack 125: a token inside a token is no claims, however deep")
    func nested() throws {
        let key = Keys.of(.es256)
        let verifier = TokenVerifier(.accessToken(issuer: issuerName, audience: audienceName), keys: .set(Keys.set))
        var token = try TokenIssuer(issuer: issuerName, key: key).issue(accessClaims(), type: .accessToken)
        #expect(refusal { try verifier.verify(token, now: moment) } == nil)
        for _ in 0..<6 {
            token = try JWS.sign(Array(token.utf8), with: key, header: ["typ": "at+jwt", "cty": "JWT"])
            #expect(refusal { try verifier.verify(token, now: moment) } == .malformed)
        }
    }

    @Test("a header cannot bring its own key")
    func embeddedKey() throws {
        let stranger = try SigningKey.generate(.es256, kid: "key-ES256")
        let header: JSONObject = [
            "alg": "ES256", "kid": "key-ES256", "jwk": .object(try stranger.verificationKey.jsonWebKey().members),
            "jku": "https://stranger.example/jwks",
        ]
        let token = try forge(header.encodedText(), "{}", stranger)
        #expect(refusal { try JWS(token).verify(with: Keys.of(.es256).verificationKey) } == .signature)
    }

    @Test("attack 287: headers and payloads too deep, of odd numbers, or of lone surrogates are refused")
    func oddJSON() throws {
        let key = Keys.of(.es256)
        let deep = String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)
        for header in [
            #"{"alg":"ES256","x":\#(deep)}"#, #"{"alg":"ES256","x":"\ud800"}"#, #"{"alg":"ES256","x":1e999}"#, "[]",
            "1", "null",
            #""ES256""#, "", "{", #"{"alg":"ES256"}x"#,
        ] {
            let token = try forge(header, "{}", key)
            #expect(refusal { try JWS(token) } == .malformed)
        }
        for payload in [deep, "[]", "1", "null", #"{"x":"\udc00"}"#, #"{"x":\#(deep)}"#, "{} ,", "\u{feff}{}"] {
            #expect(refusal { try Claims(json: payload.utf8) } == .malformed)
        }
    }

    @Test("signatures of ECDSA that are zero, cut or DER are refused")
    func oddECDSA() throws {
        let key = Keys.of(.es256).verificationKey
        let message = Array("message".utf8)
        let good = try Keys.of(.es256).sign(message)
        #expect(key.isValid(signature: good, for: message))
        let zero = [UInt8](repeating: 0, count: 32)
        for signature in [
            [], zero, zero + zero, Array(good.prefix(32)) + zero, zero + Array(good.suffix(32)), Array(good.dropLast()),
            good + [0], [UInt8](repeating: 0xff, count: 64), [0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],
        ] {
            #expect(!key.isValid(signature: signature, for: message))
        }
    }
}
