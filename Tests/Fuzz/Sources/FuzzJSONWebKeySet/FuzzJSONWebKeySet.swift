import Fuzzing
import GapuraTokens

/// A key set, and one key, as somebody else publishes or registers it.
///
/// What is accepted is published again as the same keys, shows nothing private, and verifies nothing by itself.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = FuzzInput(start, count).bytes
    if let set = try? JSONWebKeySet(json: bytes) { look(at: set) }
    guard let jwk = try? JSONWebKey(json: bytes) else { return 0 }
    check((try? JSONWebKey(json: jwk.encoded())) == jwk, "a key that is written is read back")
    let shown = (try? StrictJSON.parse(Array(jwk.description.utf8)))?.object
    for name in JSONWebKey.privateMembers where jwk.members.contains(name) {
        check(shown?[name] == "•••", "no description shows a private member")
    }
    for algorithm in [nil, SigningAlgorithm.rs256, .ps256, .hs256, .es256] {
        if let key = try? SigningKey(jwk, algorithm: algorithm) { use(key) }
        if let key = try? VerificationKey(jwk, algorithm: algorithm), !key.algorithm.isSymmetric { look(at: key) }
    }
    return 0
}

private func look(at set: JSONWebKeySet) {
    check(set.keys.count <= JSONWebKeySet.maximumKeys, "no more keys than allowed")
    for key in set.keys {
        check(!key.algorithm.isSymmetric, "a published set has no secrets")
        look(at: key)
        if let kid = key.kid { check(set.key(kid)?.kid?.isExactly(kid) == true, "a key is found by its name") }
    }
    guard let written = try? set.encoded() else { return check(false, "a set that was read is written") }
    let again = try? JSONWebKeySet(json: written)
    check(again?.keys.map { try? $0.thumbprint() } == set.keys.map { try? $0.thumbprint() }, "the same keys come back")
}

private func look(at key: VerificationKey) {
    guard let jwk = try? key.jsonWebKey(), let pem = try? key.pem(), let thumbprint = try? key.thumbprint() else {
        return check(false, "an accepted key has its public forms")
    }
    check(!jwk.isPrivate, "the public form shows nothing private")
    check((try? VerificationKey(jwk).thumbprint()) == thumbprint, "the key comes back from JSON")
    check((try? VerificationKey(pem: pem, algorithm: key.algorithm).thumbprint()) == thumbprint, "and from PEM")
    for size in [0, 64, 96, 132, 256] {
        let zeros = [UInt8](repeating: 0, count: size)
        check(!key.isValid(signature: zeros, for: zeros), "zeros are no signature")
    }
}

private func use(_ key: SigningKey) {
    let message = Array("pesan".utf8)
    guard let signature = try? key.sign(message) else { return check(false, "an accepted key signs") }
    check(key.verificationKey.isValid(signature: signature, for: message), "what a key signs, it verifies")
    check(!"\(key)".contains("•••") && (try? key.privateJSONWebKey().isPrivate) == true, "its private form is private")
}
