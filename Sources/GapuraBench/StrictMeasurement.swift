import Foundation
import GapuraFormats
import GapuraTokens

/// A sign-in by FAPI 2.0 in a browser that has a session: a pushed request, the authorization endpoint, and the token
/// endpoint, with `private_key_jwt` and DPoP. What the server's processors spend, beside the signatures in it.
struct StrictMeasurement {
    private static let client = "ketat"
    /// Of each kind before the next, so that a code is young when it is redeemed.
    private static let batch = 50

    let city: CityUnderTest
    let gateway: ChildServer
    let browser: BenchBrowser
    /// Of ES256, by the bare loop.
    let signature: SignatureCost
    let rounds: Int

    /// Microseconds of the server.
    private struct Spent {
        var pushing = 0.0
        var authorizing = 0.0
        var redeeming = 0.0

        var all: Double { pushing + authorizing + redeeming }
    }

    func run(_ report: Report, person: BenchBrowser.Person) async throws {
        let (clientKey, proofKey) = (try SigningKey.generate(.es256), try SigningKey.generate(.es256))
        try register(clientKey)
        let cookie = try await browser.signedIn(person).cookie
        _ = try await batch(clientKey, proofKey, cookie)
        var spent = Spent()
        let batches = max(1, rounds / Self.batch)
        for _ in 0..<batches {
            let some = try await batch(clientKey, proofKey, cookie)
            spent.pushing += some.pushing
            spent.authorizing += some.authorizing
            spent.redeeming += some.redeeming
        }
        let count = Double(batches * Self.batch)
        // Checked: the assertion at both endpoints and the proof. Made: the access token and the ID token.
        let bare = 3 * signature.verify + 2 * signature.sign
        report.add(
            Line(
                "FAPI 2.0: PAR, authorize, token; ES256 and DPoP", spent.all / count / 1000, "ms",
                .atMost((1.5 * bare + 1000) / 1000),
                ceiling:
                    "1.5 times 3 checks and 2 signatures of \(Int(bare.rounded())) µs bare, and 1 ms; \(Int(count)) rounds"
            ))
        for (what, micros, beside) in [
            ("PAR", spent.pushing, "1 check \(Int(signature.verify.rounded())) µs"),
            ("authorize with a session", spent.authorizing, "no signature"),
            (
                "token", spent.redeeming,
                "2 checks and 2 signatures \(Int((2 * signature.verify + 2 * signature.sign).rounded())) µs"
            ),
        ] {
            report.add(Line("FAPI 2.0: \(what)", micros / count / 1000, "ms", ceiling: beside))
        }
    }

    private func register(_ key: SigningKey) throws {
        let file = "\(city.folder)/\(Self.client).json"
        let metadata: JSONObject = ["jwks": .object(try JSONWebKeySet([key.verificationKey]).jsonObject())]
        try Data(metadata.encoded()).write(to: URL(fileURLWithPath: file))
        try city.registerClient(
            Self.client,
            [
                "--metadata", file, "--profile", "fapi2", "--token-endpoint-auth-method", "private_key_jwt",
                "--redirect-uri", CityUnderTest.redirectURI, "--scope", CityUnderTest.signInScope,
                "--id-token-alg", "ES256", "--access-token-alg", "ES256",
            ])
    }

    /// One after the other, so that each answer has the server to itself.
    private func batch(_ clientKey: SigningKey, _ proofKey: SigningKey, _ cookie: String) async throws -> Spent {
        var spent = Spent()
        let pushes = try (0..<Self.batch).map { _ in try push(clientKey) }
        var handles: [String] = []
        spent.pushing = try await measured {
            for push in pushes {
                let answer = try await browser.answer(push)
                guard answer.status == 201, let handle = try StrictJSON.parse(answer.body)["request_uri"]?.string else {
                    throw BenchError("PAR: \(answer.status) \(String(decoding: answer.body, as: UTF8.self))")
                }
                handles.append(handle)
            }
        }
        var codes: [String] = []
        spent.authorizing = try await measured {
            for handle in handles {
                let query = FormURLEncoded.encode([("client_id", Self.client), ("request_uri", handle)])
                let answer = try await browser.answer(
                    LoadRequest(path: "/oauth2/authorize?\(query)", headers: [("Cookie", cookie)]))
                let items = answer.location.flatMap { URLComponents(string: $0) }?.queryItems
                guard let code = items?.first(where: { $0.name == "code" })?.value else {
                    throw BenchError("authorize: \(answer.status) \(answer.location ?? "")")
                }
                codes.append(code)
            }
        }
        let exchanges = try codes.map { try exchange($0, clientKey, proofKey) }
        spent.redeeming = try await measured {
            for exchange in exchanges {
                let answer = try await browser.answer(exchange)
                let tokens = try StrictJSON.parse(answer.body)
                guard answer.status == 200, tokens["token_type"]?.string == "DPoP",
                    tokens["access_token"]?.string != nil, tokens["id_token"]?.string != nil
                else { throw BenchError("token: \(answer.status) \(String(decoding: answer.body, as: UTF8.self))") }
            }
        }
        return spent
    }

    private func measured(_ body: () async throws -> Void) async throws -> Double {
        let before = try gateway.figures.processorTime().microseconds()
        try await body()
        return try gateway.figures.processorTime().microseconds() - before
    }

    private func push(_ key: SigningKey) throws -> LoadRequest {
        try post(
            "/oauth2/par", key,
            [
                ("response_type", "code"), ("client_id", Self.client), ("redirect_uri", CityUnderTest.redirectURI),
                ("scope", CityUnderTest.signInScope), ("state", "s"), ("nonce", "n"),
                ("code_challenge_method", "S256"),
                ("code_challenge", Base64URL.encode(SHA256.hash(BenchBrowser.verifier))),
            ])
    }

    private func exchange(_ code: String, _ clientKey: SigningKey, _ proofKey: SigningKey) throws -> LoadRequest {
        var request = try post(
            "/oauth2/token", clientKey,
            [
                ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CityUnderTest.redirectURI),
                ("code_verifier", BenchBrowser.verifier),
            ])
        let proof: JSONObject = [
            "jti": .string(SecureRandom.text(16)), "htm": "POST", "htu": .string("\(city.url)/oauth2/token"),
            "iat": .integer(Timestamp.now().seconds),
        ]
        let jwk = try proofKey.verificationKey.jsonWebKey()
        request.headers.append(
            (
                "DPoP",
                try JWS.sign(
                    proof.encoded(), with: proofKey, header: ["typ": "dpop+jwt", "jwk": .object(jwk.members)])
            ))
        return request
    }

    private func post(_ path: String, _ key: SigningKey, _ form: [(name: String, value: String)]) throws -> LoadRequest
    {
        let now = Timestamp.now()
        let assertion: JSONObject = [
            "iss": .string(Self.client), "sub": .string(Self.client), "aud": .string(city.url),
            "jti": .string(SecureRandom.text(16)), "iat": .integer(now.seconds),
            "exp": .integer(now.adding(seconds: 60).seconds),
        ]
        let form =
            form + [
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", try JWS.sign(assertion.encoded(), with: key)),
            ]
        return LoadRequest(
            method: "POST", path: path, headers: [("Content-Type", "application/x-www-form-urlencoded")],
            body: FormURLEncoded.encode(form))
    }
}
