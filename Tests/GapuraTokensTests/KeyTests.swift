import Foundation
import GapuraFormats
import GapuraTokens
import Testing

@Suite("Keys")
struct KeyTests {
    static let pairs = SigningAlgorithm.allCases.filter { !$0.isSymmetric }

    @Test("keys go through PEM and JWK and sign the same afterwards", arguments: pairs)
    func forms(algorithm: SigningAlgorithm) throws {
        let key = Keys.of(algorithm)
        let message = Array("message".utf8)
        let pem = try key.pem()
        #expect(pem.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
        #expect(try key.verificationKey.pem().hasPrefix("-----BEGIN PUBLIC KEY-----\n"))
        let copies = [
            try SigningKey(pem: pem, algorithm: algorithm), try SigningKey(key.privateJSONWebKey()),
            try SigningKey(JSONWebKey(json: key.privateJSONWebKey().encoded())),
        ]
        let publics = [
            try VerificationKey(pem: key.verificationKey.pem(), algorithm: algorithm),
            try VerificationKey(key.verificationKey.jsonWebKey()),
        ]
        for copy in copies {
            let signature = try copy.sign(message)
            #expect(try copy.verificationKey.thumbprint() == key.verificationKey.thumbprint())
            for checker in publics + [key.verificationKey] {
                #expect(checker.isValid(signature: signature, for: message))
                #expect(!checker.isValid(signature: signature, for: message + [0]))
            }
        }
        #expect(copies[0].kid == (try key.verificationKey.thumbprint()))
        #expect(copies[1].kid == key.kid)
    }

    @Test("attack 130: public forms and key sets hold no private member and no secret")
    func publicMembers() throws {
        let set = try JSONWebKeySet(SigningAlgorithm.allCases.map { Keys.of($0).verificationKey })
        let keys = try #require(try set.jsonObject()["keys"]?.array)
        #expect(keys.count == Self.pairs.count)
        for key in keys {
            for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
                #expect(key[name] == nil)
            }
            #expect(key["kid"]?.string?.isEmpty == false)
            #expect(key["use"] == "sig")
            #expect(key["alg"] != nil)
        }
        #expect(keyRefusal { try Keys.of(.hs256).verificationKey.jsonWebKey() } == .unsupported)
        #expect(keyRefusal { try Keys.of(.hs256).verificationKey.pem() } == .unsupported)
        let read = try JSONWebKeySet(json: set.encoded())
        #expect(read.keys.map(\.kid) == Self.pairs.map { "key-\($0.rawValue)" })
    }

    @Test("attack 130: a key set that shows private members is refused")
    func leakedSet() throws {
        for algorithm in SigningAlgorithm.allCases {
            let set: JSONObject = ["keys": [.object(try Keys.of(algorithm).privateJSONWebKey().members)]]
            #expect(keyRefusal { try JSONWebKeySet(set) } == .privateMembers)
        }
    }

    @Test("attack 121: RSA keys too short, too long, of small exponents or of a broken generator are refused")
    func weakRSA() throws {
        let good = try Keys.of(.rs256).verificationKey.jsonWebKey().members
        func refusalOf(_ n: [UInt8], _ e: [UInt8] = [1, 0, 1]) -> KeyError.Code? {
            var members = good
            members["n"] = .string(Base64URL.encode(n))
            members["e"] = .string(Base64URL.encode(e))
            return keyRefusal { try VerificationKey(JSONWebKey(members)) }
        }
        let modulus = try #require(good["n"]?.string)
        let n = try Base64URL.decode(modulus)
        #expect(refusalOf(n) == nil)
        for exponent in [[1], [3], [17], [0xff, 0xff], [1, 0, 0], [0]] as [[UInt8]] {
            #expect(refusalOf(n, exponent) != nil)
        }
        #expect(refusalOf(n, [UInt8](repeating: 0xff, count: 100)) != nil)
        for bytes in [1, 64, 128, 255, 513, 1024] {
            #expect(refusalOf([0x81] + [UInt8](repeating: 0xa5, count: bytes - 1)) == .weak)
        }
        #expect(refusalOf(Array(n.dropLast()) + [0]) == .weak)
        // ROCA's mark is a modulus that is a power of 65537 modulo every small prime: 65537 to the 128th is one
        // modulo all of them.
        var power: [UInt8] = [1]
        for _ in 0..<128 {
            var sum = [UInt8](repeating: 0, count: power.count + 2)
            var carry = 0
            for position in sum.indices {
                let low = position < power.count ? Int(power[position]) : 0
                let high = position >= 2 ? Int(power[position - 2]) : 0
                carry += low + high
                sum[position] = UInt8(carry & 255)
                carry >>= 8
            }
            power = sum
        }
        #expect(refusalOf(power.reversed()) == .weak)
        for bits in [0, 512, 1024, 2047, 4097, 16384] {
            #expect(keyRefusal { try SigningKey.generate(.rs256, bits: bits) } == .weak)
        }
    }

    @Test("secrets shorter than the hash are refused")
    func shortSecrets() {
        for (algorithm, size) in [(SigningAlgorithm.hs256, 32), (.hs384, 48), (.hs512, 64)] {
            #expect(
                keyRefusal { try SigningKey(secret: [UInt8](repeating: 1, count: size - 1), algorithm: algorithm) }
                    == .weak)
            #expect(
                keyRefusal { try SigningKey(secret: [UInt8](repeating: 1, count: size), algorithm: algorithm) } == nil)
        }
        #expect(
            keyRefusal { try SigningKey(secret: [UInt8](repeating: 1, count: 64), algorithm: .rs256) } == .algorithm)
    }

    @Test("points beside the curve, and private numbers of another key, are refused")
    func inconsistent() throws {
        for algorithm in [SigningAlgorithm.es256, .es384, .es512, .edDSA] {
            let one = try Keys.of(algorithm).privateJSONWebKey().members
            let other = try SigningKey.generate(algorithm).privateJSONWebKey().members
            var mixed = one
            mixed["d"] = other["d"]
            #expect(keyRefusal { try SigningKey(JSONWebKey(mixed)) } == .malformed)
            var short = one
            short["x"] = "AAAA"
            #expect(keyRefusal { try SigningKey(JSONWebKey(short)) } == .malformed)
        }
        var beside = try Keys.of(.es256).verificationKey.jsonWebKey().members
        beside["y"] = beside["x"]
        #expect(keyRefusal { try VerificationKey(JSONWebKey(beside)) } == .malformed)
        var mixed = try Keys.of(.rs256).privateJSONWebKey().members
        mixed["d"] = try Keys.of(.ps256).privateJSONWebKey().members["d"]
        #expect(keyRefusal { try SigningKey(JSONWebKey(mixed)) } == .malformed)
    }

    /// Found by fuzzing: OpenSSL reads such PEM, and looked at nothing but numbers in JSON.
    @Test("PEM with a private number of another point, or with the point at infinity, is refused")
    func inconsistentPEM() throws {
        let own = try der(SigningKey.generate(.es256).pem())
        let other = try der(SigningKey.generate(.es256).pem())
        // PKCS #8 of a P-256 key ends in its public point.
        let mixed = pem("PRIVATE KEY", own.dropLast(65) + other.suffix(65))
        #expect(keyRefusal { try SigningKey(pem: mixed, algorithm: .es256, kid: "1") } == .malformed)
        #expect(keyRefusal { try SigningKey(pem: pem("PRIVATE KEY", own), algorithm: .es256, kid: "1") } == nil)
        let infinity: [UInt8] = [
            0x30, 0x19, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x02, 0x00, 0x00,
        ]
        let nobody = pem("PUBLIC KEY", Data(infinity))
        #expect(keyRefusal { try VerificationKey(pem: nobody, algorithm: .es256, kid: "1") } == .malformed)
        var exponent = try der(SigningKey.generate(.rs256).pem())
        // Within the private exponent: what is left still is a key in form.
        exponent[300] ^= 1
        let damaged = pem("PRIVATE KEY", exponent)
        #expect(keyRefusal { try SigningKey(pem: damaged, algorithm: .rs256, kid: "1") } == .malformed)
    }

    private func der(_ pem: String) throws -> Data {
        let lines = pem.split(separator: "\n").filter { !$0.hasPrefix("-") }
        return try #require(Data(base64Encoded: lines.joined()))
    }

    private func pem(_ label: String, _ der: Data) -> String {
        "-----BEGIN \(label)-----\n\(der.base64EncodedString())\n-----END \(label)-----\n"
    }

    /// Found by fuzzing: with such a key 64 zeros were a signature.
    @Test(
        "Ed25519 points of small order are refused, in every spelling",
        arguments: [
            "00\(String(repeating: "00", count: 30))00", "01\(String(repeating: "00", count: 30))00",
            "01\(String(repeating: "00", count: 30))80", "ec\(String(repeating: "ff", count: 30))7f",
            "ed\(String(repeating: "ff", count: 30))7f", "ee\(String(repeating: "ff", count: 30))ff",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        ])
    func smallOrder(hexadecimal: String) throws {
        let letters = Array(hexadecimal)
        let point = stride(from: 0, to: 64, by: 2).compactMap { UInt8(String(letters[$0...$0 + 1]), radix: 16) }
        #expect(point.count == 32)
        let members: JSONObject = ["kty": "OKP", "crv": "Ed25519", "x": .string(Base64URL.encode(point))]
        #expect(keyRefusal { try VerificationKey(JSONWebKey(members)) } == .weak)
    }

    @Test("key sets skip what they do not know, and refuse too many keys, equal names and what is no set")
    func sets() throws {
        let good = try Keys.of(.es256).verificationKey.jsonWebKey().members
        let strange: [JSONValue] = [
            ["kty": "AKP", "alg": "ML-DSA-65", "pub": "AA"], ["kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"],
            ["kty": "OKP", "crv": "X25519", "x": "AA"], ["kty": "RSA", "use": "enc", "n": "AA", "e": "AQAB"],
            ["kty": "EC", "crv": "P-256", "key_ops": ["deriveKey"], "x": "AA", "y": "AA"],
        ]
        #expect(try JSONWebKeySet(["keys": .array(strange + [.object(good)])]).keys.count == 1)
        #expect(keyRefusal { try JSONWebKeySet(["keys": [.object(good), .object(good)]]) } == .duplicateKid)
        let many = (0..<101).map { number -> JSONValue in
            var key = good
            key["kid"] = .string("k\(number)")
            return .object(key)
        }
        #expect(keyRefusal { try JSONWebKeySet(["keys": .array(many)]) } == .tooMany)
        #expect(try JSONWebKeySet(["keys": .array(Array(many.prefix(100)))]).keys.count == 100)
        for text in [
            "", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[1]}"#, #"{"keys":[{}]}"#, #"{"keys":[{"kty":1}]}"#,
            #"{"keys":[],"keys":[]}"#, #"{"keys":[{"kty":"EC","kid":1}]}"#,
        ] {
            #expect(keyRefusal { try JSONWebKeySet(json: text.utf8) } != nil)
        }
        var nameless = try Keys.of(.rs256).verificationKey.jsonWebKey().members
        nameless["alg"] = nil
        #expect(try JSONWebKeySet(["keys": [.object(nameless)]]).keys.first?.algorithm == .rs256)
        #expect(try JSONWebKeySet(["keys": [.object(nameless)]], rsaAlgorithm: .ps256).keys.first?.algorithm == .ps256)
    }

    @Test("PEM that is encrypted, cut, of another kind or too long is refused, and nobody is asked for a password")
    func badPEM() throws {
        let pem = try Keys.of(.es256).pem()
        let encrypted =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
            + pem.split(separator: "\n").dropFirst().dropLast().joined(separator: "\n")
            + "\n-----END ENCRYPTED PRIVATE KEY-----\n"
        #expect(keyRefusal { try SigningKey(pem: encrypted, algorithm: .es256) } == .unsupported)
        for text in ["", "x", String(pem.dropLast(60)), String(repeating: "A", count: 20_000)] {
            #expect(keyRefusal { try SigningKey(pem: text, algorithm: .es256) } == .malformed)
            #expect(keyRefusal { try VerificationKey(pem: text, algorithm: .es256) } == .malformed)
        }
        #expect(keyRefusal { try VerificationKey(pem: pem, algorithm: .es256) } == .malformed)
    }

    @Test("one key signs and verifies in many tasks at once")
    func parallel() async throws {
        for algorithm in SigningAlgorithm.allCases {
            let key = Keys.of(algorithm)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        let message = Array("message \(number)".utf8)
                        let signature = try key.sign(message)
                        return key.verificationKey.isValid(signature: signature, for: message)
                            && !key.verificationKey.isValid(signature: signature, for: message + [1])
                    }
                }
                for try await isRight in group {
                    #expect(isRight)
                }
            }
        }
    }

    @Test("attack 130: a key that is printed, dumped or logged shows no secret")
    func description() throws {
        for algorithm in SigningAlgorithm.allCases {
            let key = Keys.of(algorithm)
            let jwk = try key.privateJSONWebKey()
            let secret = try #require((jwk.members["d"] ?? jwk.members["k"])?.string)
            let raw = try Base64URL.decode(secret).map { "\($0)" }.joined(separator: ", ")
            for value in [key, key.verificationKey, jwk] as [any Sendable] {
                var dumped = ""
                dump(value, to: &dumped)
                for text in ["\(value)", String(reflecting: value), dumped] {
                    #expect(!text.contains(secret))
                    #expect(!text.contains(raw))
                }
            }
        }
    }
}
