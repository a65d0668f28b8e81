import COpenSSL
import GapuraTokens

/// The algorithms of the report.
enum Algorithm: String, CaseIterable {
    case rs256 = "RS256", es256 = "ES256", edDSA = "EdDSA"

    var ours: SigningAlgorithm {
        switch self {
        case .rs256: .rs256
        case .es256: .es256
        case .edDSA: .edDSA
        }
    }
}

/// Microseconds of one signature and of checking it, by the fastest bare loop.
struct SignatureCost {
    let sign: Double
    let verify: Double
}

/// Signing and checking signatures, against bare loops over the same OpenSSL, on one core.
struct LibraryMeasurement {
    /// Of each loop, in all.
    let seconds: Double

    func run(_ report: Report) throws -> [Algorithm: SignatureCost] {
        var signatures: [Algorithm: SignatureCost] = [:]
        for algorithm in Algorithm.allCases {
            let sample = try Sample(algorithm)
            let (bareSign, sign) = best(sample.bareSigning, { _ = try? sample.key.sign(sample.input) })
            add("sign \(algorithm.rawValue)", bare: bareSign, ours: sign, least: 95, report)

            let checker = sample.key.verificationKey
            let (bareVerify, verify) = best(
                sample.bareVerifying, { _ = checker.isValid(signature: sample.signature, for: sample.input) })
            add("verify \(algorithm.rawValue), signature step", bare: bareVerify, ours: verify, least: 95, report)
            signatures[algorithm] = SignatureCost(sign: bareSign, verify: bareVerify)

            let verifier = TokenVerifier(
                .accessToken(issuer: Sample.issuer, audience: Sample.audience), keys: .set(try JSONWebKeySet([checker]))
            )
            _ = try verifier.verify(sample.token)
            let (bare, whole) = best(sample.bareVerifying, { _ = try? verifier.verify(sample.token) })
            add(
                "TokenVerifier.verify \(algorithm.rawValue)", bare: bare, ours: whole,
                least: algorithm == .rs256 ? 70 : nil, report)
        }
        return signatures
    }

    private func add(_ what: String, bare: Double, ours: Double, least: Double?, _ report: Report) {
        report.add(
            Line(
                "library: \(what)", 100 * bare / ours, "%", least.map { .atLeast($0) } ?? .none,
                ceiling: "ours \(text(ours)), bare loop \(text(bare))"
            )
        )
    }

    private func text(_ microseconds: Double) -> String {
        "\((microseconds * 100).rounded() / 100) µs"
    }

    /// The fastest round of the bare loops and of ours, taken in turns, so that whatever slows the machine down slows
    /// both.
    private func best(_ bare: [() -> Void], _ ours: () -> Void) -> (bare: Double, ours: Double) {
        let rounds = 12
        let loops = bare.count + 1
        var fewest = (bare: Double.infinity, ours: Double.infinity)
        let count = max(20, Int(seconds * 1e6 / Double(rounds * loops) / time(20, ours)))
        for _ in 0..<rounds {
            for loop in bare { fewest.bare = min(fewest.bare, time(count, loop)) }
            fewest.ours = min(fewest.ours, time(count, ours))
        }
        return fewest
    }

    /// Microseconds of processor time of one call.
    private func time(_ count: Int, _ body: () -> Void) -> Double {
        let start = ThreadClock.microseconds()
        for _ in 0..<count { body() }
        return (ThreadClock.microseconds() - start) / Double(count)
    }
}

/// A token and its parts, and the bare loops over them. What it makes of OpenSSL lives as long as the bench.
private struct Sample {
    static let issuer = "https://masuk.kota.example"
    static let audience = "https://api.kota.example"

    let key: SigningKey
    let token: String
    /// What is signed.
    let input: [UInt8]
    /// As it stands in the token.
    let signature: [UInt8]
    /// Each a way to use the interface; the fastest counts.
    let bareSigning: [() -> Void]
    let bareVerifying: [() -> Void]

    init(_ algorithm: Algorithm) throws {
        key = try SigningKey.generate(algorithm.ours)
        let now = Timestamp.now()
        var claims: Claims = [
            "sub": "7b1c1e9e-0f4a-4c55-9e7d-111111111111", "aud": .string(Self.audience), "client_id": "arsip",
            "jti": "abcdefghijklmnop",
            "scope": "openid profile asn",
        ]
        claims.iat = now
        claims.exp = now.adding(seconds: 3600)
        token = try TokenIssuer(issuer: Self.issuer, key: key).issue(claims, type: .accessToken)
        let dot = token.utf8.lastIndex(of: UInt8(ascii: ".")) ?? token.utf8.startIndex
        let input = Array(token.utf8[..<dot])
        self.input = input
        signature = try key.sign(input)

        let digest = algorithm == .edDSA ? nil : EVP_MD_fetch(nil, "SHA256", nil)
        let pem = Array(try key.pem().utf8)
        let loaded = pem.withUnsafeBytes {
            PEM_read_bio_PrivateKey(BIO_new_mem_buf($0.baseAddress, Int32($0.count)), nil, nil, nil)
        }
        guard let pair = loaded else { throw BenchError("OpenSSL does not read the key") }
        let size = Int(EVP_PKEY_get_size(pair))

        func sign(_ context: OpaquePointer?) -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                count = size
                EVP_DigestSign(context, buffer.baseAddress, &count, input, input.count)
            }
        }
        let signer = EVP_MD_CTX_new()
        guard EVP_DigestSignInit(signer, nil, digest, nil, pair) == 1 else { throw BenchError("OpenSSL does not sign") }
        bareSigning = [
            {
                let context = EVP_MD_CTX_new()
                EVP_DigestSignInit(context, nil, digest, nil, pair)
                _ = sign(context)
                EVP_MD_CTX_free(context)
            },
            {
                let context = EVP_MD_CTX_new()
                EVP_MD_CTX_copy_ex(context, signer)
                _ = sign(context)
                EVP_MD_CTX_free(context)
            },
        ]

        let copy = EVP_MD_CTX_new()
        EVP_MD_CTX_copy_ex(copy, signer)
        let der = sign(copy)
        EVP_MD_CTX_free(copy)
        let checker = EVP_MD_CTX_new()
        guard EVP_DigestVerifyInit(checker, nil, digest, nil, pair) == 1 else {
            throw BenchError("OpenSSL does not verify")
        }
        bareVerifying = [
            {
                let context = EVP_MD_CTX_new()
                EVP_DigestVerifyInit(context, nil, digest, nil, pair)
                EVP_DigestVerify(context, der, der.count, input, input.count)
                EVP_MD_CTX_free(context)
            },
            {
                let context = EVP_MD_CTX_new()
                EVP_MD_CTX_copy_ex(context, checker)
                EVP_DigestVerify(context, der, der.count, input, input.count)
                EVP_MD_CTX_free(context)
            },
        ]
    }
}
