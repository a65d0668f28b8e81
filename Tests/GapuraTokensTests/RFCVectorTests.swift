import GapuraFormats
import GapuraTokens
import Testing

@Suite("RFC examples")
struct RFCVectorTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let name: String
        let token: String
        let key: String
        let algorithm: SigningAlgorithm

        var testDescription: String { name }

        func verificationKey() throws -> VerificationKey {
            try VerificationKey(JSONWebKey(json: key.utf8), algorithm: algorithm)
        }
    }

    static let examples = [
        Example(name: "RFC 7515 A.1", token: RFCVectors.a1, key: RFCVectors.a1Key, algorithm: .hs256),
        Example(name: "RFC 7515 A.2", token: RFCVectors.a2, key: RFCVectors.a2Key, algorithm: .rs256),
        Example(name: "RFC 7515 A.3", token: RFCVectors.a3, key: RFCVectors.a3Key, algorithm: .es256),
        Example(name: "RFC 7515 A.4", token: RFCVectors.a4, key: RFCVectors.a4Key, algorithm: .es512),
        Example(name: "RFC 7520 4.1", token: RFCVectors.s41, key: RFCVectors.key33, algorithm: .rs256),
        Example(name: "RFC 7520 4.2", token: RFCVectors.s42, key: RFCVectors.key34, algorithm: .ps384),
        Example(name: "RFC 7520 4.3", token: RFCVectors.s43, key: RFCVectors.key31, algorithm: .es512),
        Example(name: "RFC 7520 4.4", token: RFCVectors.s44, key: RFCVectors.key35, algorithm: .hs256),
        Example(name: "RFC 8037 A.4", token: RFCVectors.ed25519, key: RFCVectors.ed25519Key, algorithm: .edDSA),
    ]

    @Test("each example verifies with its key", arguments: examples)
    func verifies(example: Example) throws {
        let payload = try JWS(example.token).verify(with: example.verificationKey())
        #expect(!payload.isEmpty)
        if example.name.hasPrefix("RFC 7520") {
            #expect(payload == (try Base64URL.decode(RFCVectors.payload4)))
        }
    }

    @Test("no example survives a change, anywhere in any part", arguments: examples)
    func tampered(example: Example) throws {
        let key = try example.verificationKey()
        for part in 0..<3 {
            let length = example.token.split(separator: ".")[part].utf8.count
            for letter in stride(from: 0, to: length, by: max(1, length / 23)) {
                let changed = tamper(example.token, part: part, letter: letter)
                #expect(refusal { try JWS(changed).verify(with: key) } != nil)
            }
            var parts = example.token.split(separator: ".").map(String.init)
            parts[part].removeLast(4)
            #expect(refusal { try JWS(parts.joined(separator: ".")).verify(with: key) } != nil)
        }
    }

    @Test("examples whose signatures are not random are signed to the same text again")
    func signs() throws {
        for example in Self.examples where [.hs256, .rs256, .edDSA].contains(example.algorithm) {
            let json =
                example.algorithm == .rs256 && example.name.hasPrefix("RFC 7520") ? RFCVectors.key34 : example.key
            let key = try SigningKey(JSONWebKey(json: json.utf8), algorithm: example.algorithm)
            let end = try #require(example.token.utf8.lastIndex(of: UInt8(ascii: ".")))
            let signature = try key.sign(example.token.utf8[..<end])
            #expect(Base64URL.encode(signature) == String(example.token[end...].dropFirst()))
        }
    }

    @Test("attack 110: RFC 7515 A.5, a token of algorithm none, is refused")
    func none() throws {
        #expect(refusal { try JWS(RFCVectors.a5) } != nil)
        #expect(refusal { try JWS(RFCVectors.a5 + "AA") } == .unsupported)
    }

    @Test("the keys of RFC 7520 section 3 are read, and written again as they were")
    func keys() throws {
        for (json, algorithm) in [
            (RFCVectors.key32, SigningAlgorithm.es512), (RFCVectors.key34, .rs256), (RFCVectors.key35, .hs256),
            (RFCVectors.a3Key, .es256), (RFCVectors.ed25519Key, .edDSA),
        ] {
            let read = try JSONWebKey(json: json.utf8)
            let key = try SigningKey(read, algorithm: algorithm)
            let written = try key.privateJSONWebKey()
            for member in read.members.members where member.key != "alg" && member.key != "use" {
                #expect(written.members[member.key] == member.value)
            }
        }
        let publicKey = try JSONWebKey(json: RFCVectors.key31.utf8)
        let privateKey = try SigningKey(JSONWebKey(json: RFCVectors.key32.utf8))
        #expect(try privateKey.verificationKey.jsonWebKey().members["x"] == publicKey.members["x"])
        #expect(keyRefusal { try SigningKey(publicKey) } == .malformed)
    }

    @Test("thumbprints are those of RFC 7638 section 3.1 and RFC 8037 A.3")
    func thumbprints() throws {
        #expect(try JSONWebKey(json: RFCVectors.rfc7638Key.utf8).thumbprint() == RFCVectors.rfc7638Thumbprint)
        #expect(try JSONWebKey(json: RFCVectors.ed25519Key.utf8).thumbprint() == RFCVectors.ed25519Thumbprint)
        let key = try VerificationKey(JSONWebKey(json: RFCVectors.rfc7638Key.utf8), algorithm: .rs256)
        #expect(try key.thumbprint() == RFCVectors.rfc7638Thumbprint)
    }
}
