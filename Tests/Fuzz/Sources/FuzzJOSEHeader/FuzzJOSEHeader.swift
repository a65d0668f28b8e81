import Fuzzing
import GapuraTokens

/// The input as a whole token, and as the header of one.
///
/// What is accepted names an algorithm that exists, says nothing that we do not understand, and is what its JSON says.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = FuzzInput(start, count).bytes
    look(at: bytes)
    look(at: Base64URL.encodedBytes(bytes) + Array(".e30.AA".utf8), header: bytes)
    return 0
}

private let refused = ["crit", "b64", "zip", "enc"]
private let algorithms = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
]

private func look(at token: [UInt8], header json: [UInt8]? = nil) {
    guard let jws = try? JWS(bytes: token) else { return }
    check(token.count <= JWS.maximumBytes, "a longer token is refused")
    check(token.filter { $0 == UInt8(ascii: ".") }.count == 2, "two dots")
    check(refused.allSatisfy { !jws.header.contains($0) }, "what we do not understand is refused")
    let algorithm = jws.header["alg"]?.string
    check(algorithms.contains { $0.isExactly(algorithm ?? "") }, "alg is one of ours, letter by letter")
    check(jws.algorithm.rawValue.isExactly(algorithm ?? ""), "and the one that the header has")
    check(jws.kid.map { ExactText($0) } == jws.header["kid"]?.string.map { ExactText($0) }, "kid is the header's")
    check(jws.header.contains("kid") == (jws.kid != nil), "a kid that is no text is refused")
    check(jws.header.contains("typ") == (jws.type != nil), "a typ that is no text is refused")
    if let json { check((try? StrictJSON.parse(json))?.object == jws.header, "the header is what its JSON says") }
    if let type = jws.type {
        check(TokenType(type.name) == type || type.name.hasPrefix("application/"), "typ is normal")
    }
    guard let payload = try? jws.unverifiedPayload() else { return }
    let part = token.drop { $0 != UInt8(ascii: ".") }.dropFirst().prefix { $0 != UInt8(ascii: ".") }
    check(Base64URL.encodedBytes(payload) == Array(part), "the payload is the token's")
    if let claims = try? Claims(json: payload) { moments(claims) }
}

private func moments(_ claims: Claims) {
    for moment in [claims.exp, claims.nbf, claims.iat].compactMap({ $0 }) {
        check((0...253_402_300_799).contains(moment.seconds), "moments are of 1970 to 9999")
    }
    _ = (claims.aud, claims.scopes, claims.jti, claims.clientID, claims.sid, claims.sub, claims.iss)
}
