import Fuzzing
import GapuraTokens

/// The first letter says what the rest is: `r` a whole token, `e` damage to a genuine one, `f` header and payload that
/// somebody without our keys signs in some way, `s` header and payload that a key of ours signs.
///
/// Nothing verifies but what a key of this process signed, and then only for whom and as long as it says. The keys are
/// made when the process starts: no file can hold a genuine token.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    switch input.byte() {
    case UInt8(ascii: "r"): refuse(input.bytes, "a token of nobody's")
    case UInt8(ascii: "e"): damage(&input)
    case UInt8(ascii: "f"): forge(&input)
    case UInt8(ascii: "s"): sign(&input)
    default: break
    }
    return 0
}

private let now = Timestamp(seconds: 1_800_000_000)
private let (issuer, audience) = ("https://masuk.kota.example", "https://arsip.kota.example")

private struct Genuine: Sendable {
    let key: SigningKey
    let token: [UInt8]
    let verifiers: [TokenVerifier]
}

private let keys: [SigningKey] = must {
    try [SigningAlgorithm.es256, .rs256, .hs256, .edDSA].map { try SigningKey.generate($0, kid: $0.rawValue) }
}

/// A token of each key, and who would take it: whoever knows the key, and whoever knows the whole set.
private let genuine: [Genuine] = must {
    let expectations = TokenExpectations.accessToken(issuer: issuer, audience: audience)
    let set = try JSONWebKeySet(keys.map(\.verificationKey))
    let claims: Claims = [
        "aud": .string(audience), "sub": "1", "client_id": "arsip", "jti": "1", "iat": .integer(now.seconds),
        "exp": .integer(now.seconds + 300),
    ]
    return try keys.map { key in
        Genuine(
            key: key,
            token: Array(try TokenIssuer(issuer: issuer, key: key).issue(claims, type: .accessToken).utf8),
            verifiers: [
                TokenVerifier(expectations, keys: .set(set)),
                TokenVerifier(expectations, keys: .key(key.verificationKey)),
            ])
    }
}

private let stranger = must { try SigningKey.generate(.es256, kid: "ES256") }

/// What is public of our keys, as a secret for HMAC: the oldest confusion of algorithms.
private let confusions: [SigningKey] = must {
    try keys.filter { !$0.algorithm.isSymmetric }.flatMap { key in
        let jwk = try key.verificationKey.jsonWebKey()
        return [Array(try key.verificationKey.pem().utf8), jwk.encoded()]
    }.map { try SigningKey(secret: $0, algorithm: .hs256) }
}

private func refuse(_ token: [UInt8], _ what: String) {
    for verifier in genuine.flatMap(\.verifiers) {
        check((try? verifier.verify(bytes: token, now: now)) == nil, "\(what) is refused")
    }
}

private func damage(_ input: inout FuzzInput) {
    let chosen = genuine[Int(input.byte()) % genuine.count]
    let token = input.damage(chosen.token)
    if token == chosen.token {
        for verifier in chosen.verifiers {
            check((try? verifier.verify(bytes: token, now: now)) != nil, "an untouched token is accepted")
        }
    } else {
        refuse(token, "a damaged token")
    }
}

private func forge(_ input: inout FuzzInput) {
    let way = Int(input.byte()) % 10
    let message = signed(&input)
    let signature: [UInt8]? =
        switch way {
        case 0: []
        case 1: [UInt8](repeating: 0, count: 64)
        case 2: [UInt8](repeating: 0, count: 256)
        case 3: try? stranger.sign(message)
        case 4..<10 where way - 4 < confusions.count: try? confusions[way - 4].sign(message)
        default: nil
        }
    if let signature { refuse(message + [UInt8(ascii: ".")] + Base64URL.encodedBytes(signature), "a forged token") }
    for other in genuine {
        let taken = other.token.drop { $0 != UInt8(ascii: ".") }.dropFirst().drop { $0 != UInt8(ascii: ".") }
        if !other.token.starts(with: message) { refuse(message + taken, "another token's signature") }
    }
}

private func sign(_ input: inout FuzzInput) {
    let chosen = genuine[Int(input.byte()) % genuine.count]
    let copy = input
    let message = signed(&input)
    guard let signature = try? chosen.key.sign(message) else { return check(false, "our own key signs") }
    let token = message + [UInt8(ascii: ".")] + Base64URL.encodedBytes(signature)
    for verifier in chosen.verifiers {
        guard let verified = try? verifier.verify(bytes: token, now: now) else { continue }
        var parts = copy
        judge(parts.line(), parts.bytes, verified, chosen.key)
    }
}

/// Header in the first line, payload in what is left.
private func signed(_ input: inout FuzzInput) -> [UInt8] {
    Base64URL.encodedBytes(input.line()) + [UInt8(ascii: ".")] + Base64URL.encodedBytes(input.bytes)
}

/// What an accepted token must have said, read apart from the verifier.
private func judge(_ header: [UInt8], _ payload: [UInt8], _ verified: VerifiedToken, _ key: SigningKey) {
    let header = (try? StrictJSON.parse(header)) ?? .null
    let claims = (try? StrictJSON.parse(payload)) ?? .null
    check(
        verified.header == header.object && verified.claims.object == claims.object, "header and claims are the token's"
    )
    check(header["alg"] == .string(key.algorithm.rawValue), "alg is the key's")
    check(["crit", "b64", "zip", "enc"].allSatisfy { header[$0] == nil }, "nothing that we do not understand")
    check(["at+jwt", "application/at+jwt"].contains(header["typ"]?.string?.lowercased() ?? ""), "an access token")
    check(header["kid"] == nil || header["kid"] == .string(key.kid ?? ""), "kid is the key's")
    check(claims["iss"] == .string(issuer), "iss is the issuer")
    check(
        claims["aud"] == .string(audience) || claims["aud"]?.strings?.allSatisfy { $0.isExactly(audience) } == true,
        "aud")
    check(claims["aud"] != .array([]), "aud names us")
    for name in ["sub", "client_id", "jti"] { check(claims[name]?.string?.isEmpty == false, "\(name) is text") }
    let seconds = Double(now.seconds)
    check((claims["exp"]?.number ?? 0) > seconds - 11, "it has not expired")
    check((claims["iat"]?.number ?? .infinity) < seconds + 11, "it is not of tomorrow")
    check((claims["nbf"]?.number ?? 0) < seconds + 11, "it is valid already")
}
