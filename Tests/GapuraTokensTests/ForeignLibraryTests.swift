import GapuraFormats
import GapuraTokens
import Testing

/// PyJWT, joserfc and jwcrypto sign for us, and check what we sign. The Python with these packages is
/// `GAPURA_PYTHON`, else `python3`.
@Suite("Foreign libraries")
struct ForeignLibraryTests {
    struct MissingPython: Error, CustomStringConvertible {
        let description: String
    }

    private func ask(_ question: JSONValue) throws -> JSONValue {
        let (answer, complaint) = try PythonScript("foreign_jose.py").finish(writing: question.encoded())
        if let complaint {
            throw MissingPython(
                description: """
                    \(PythonScript.python) needs the packages pyjwt[crypto], joserfc and jwcrypto \
                    (GAPURA_PYTHON names another Python): \(complaint)
                    """)
        }
        return try StrictJSON.parse(answer)
    }

    @Test("tokens signed by each foreign library verify here, and changed ones do not")
    func theirs() throws {
        let keys = try SigningAlgorithm.allCases.map { JSONValue.object(try Keys.of($0).privateJSONWebKey().members) }
        let claims = accessClaims().object
        let answer = try ask(["act": "sign", "keys": .array(keys), "claims": .object(claims)])
        let tokens = try #require(answer["tokens"]?.array)
        // PyJWT and joserfc know all thirteen algorithms, jwcrypto too.
        #expect(tokens.count == 3 * SigningAlgorithm.allCases.count)
        for item in tokens {
            let token = try #require(item["token"]?.string)
            let algorithm = try #require(SigningAlgorithm(name: item["alg"]?.string ?? ""))
            let verifier = TokenVerifier(
                .accessToken(issuer: issuerName, audience: audienceName), keys: .key(Keys.of(algorithm).verificationKey)
            )
            let code = refusal { try verifier.verify(token, now: moment) }
            #expect(code == nil, "\(item["library"]?.string ?? "") \(algorithm)")
            for part in 0..<3 {
                let changed = tamper(token, part: part, letter: 5)
                #expect(refusal { try verifier.verify(changed, now: moment) } != nil)
            }
        }
    }

    @Test("tokens signed here verify in each foreign library, by our public keys, and changed ones do not")
    func ours() throws {
        var items: [JSONValue] = []
        for algorithm in SigningAlgorithm.allCases {
            let key = Keys.of(algorithm)
            let token = try TokenIssuer(issuer: issuerName, key: key).issue(accessClaims(), type: .accessToken)
            let jwk = algorithm.isSymmetric ? try key.privateJSONWebKey() : try key.verificationKey.jsonWebKey()
            items.append([
                "alg": .string(algorithm.rawValue), "key": .object(jwk.members), "token": .string(token),
                "changed": .string(tamper(token, part: 1, letter: 7)),
            ])
        }
        let answer = try ask(["act": "verify", "items": .array(items)])
        let results = try #require(answer["results"]?.array)
        #expect(results.count == 3 * SigningAlgorithm.allCases.count)
        for result in results {
            #expect(result["sub"]?.string == accessClaims().sub, "\(result.encodedText())")
            #expect(result["changed"] == "refused", "\(result.encodedText())")
        }
    }

    @Test("thumbprints and PEM agree with jwcrypto")
    func forms() throws {
        let pairs = SigningAlgorithm.allCases.filter { !$0.isSymmetric }
        let items = try pairs.map { algorithm -> JSONValue in
            [
                "pem": .string(try Keys.of(algorithm).pem()),
                "public": .string(try Keys.of(algorithm).verificationKey.pem()),
            ]
        }
        let answer = try ask(["act": "thumbprint", "items": .array(items)])
        let expected = try pairs.map { JSONValue.string(try Keys.of($0).verificationKey.thumbprint()) }
        #expect(answer["private"] == .array(expected))
        #expect(answer["public"] == .array(expected))
    }

    @Test("a key that jwcrypto encrypted with a password is refused, and nobody is asked for one")
    func encryptedPEM() throws {
        let answer = try ask(["act": "encrypt", "pem": .string(try Keys.of(.es256).pem())])
        let encrypted = try #require(answer["pem"]?.string)
        #expect(encrypted.contains("ENCRYPTED"))
        #expect(keyRefusal { try SigningKey(pem: encrypted, algorithm: .es256) } == .unsupported)
        let relabelled = encrypted.replacing("ENCRYPTED ", with: "")
        #expect(keyRefusal { try SigningKey(pem: relabelled, algorithm: .es256) } == .malformed)
    }
}
