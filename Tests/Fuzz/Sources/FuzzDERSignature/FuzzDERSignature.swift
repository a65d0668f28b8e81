import Fuzzing

@testable import GapuraTokens

/// The first letter says what the rest is: `r` a raw signature, `d` one in DER, `k` a public key in DER, `t` PEM as it
/// stands, `p` and `q` damage to a private and a public key of this process in DER.
///
/// Both forms of a signature turn into each other; a key that is accepted comes back from its other forms, and what it
/// signs it verifies.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    switch input.byte() {
    case UInt8(ascii: "r"): raw(&input)
    case UInt8(ascii: "d"): der(&input)
    case UInt8(ascii: "k"): publicKey(pem("PUBLIC KEY", input.bytes))
    case UInt8(ascii: "t"):
        publicKey(input.text)
        privateKey(input.text)
    case UInt8(ascii: "p"): damage(&input, "PRIVATE KEY") { try $0.pem() }
    case UInt8(ascii: "q"): damage(&input, "PUBLIC KEY") { try $0.verificationKey.pem() }
    default: break
    }
    return 0
}

private let keys: [SigningKey] = must {
    try [SigningAlgorithm.es256, .es384, .es512, .edDSA, .rs256].map { try SigningKey.generate($0) }
}
private let schemes = keys.compactMap { $0.verificationKey.scheme as? ECDSASignature }
private let message = Array("pesan".utf8)
private let signatures: [[UInt8]] = must { try keys.map { try $0.sign(message) } }

// MARK: Signatures

private func raw(_ input: inout FuzzInput) {
    let chosen = Int(input.byte()) % schemes.count
    let size = signatures[chosen].count
    var signature = Array(input.bytes.prefix(size))
    signature += [UInt8](repeating: 0, count: size - signature.count)
    let back = signature.withUnsafeBufferPointer { bytes in
        bytes.baseAddress.flatMap { schemes[chosen].withDER($0) { schemes[chosen].raw($0, $1) } }
    }
    check(back == signature, "raw to DER to raw")
    let damaged = input.damage(signatures[chosen])
    let isValid = keys[chosen].verificationKey.isValid(signature: damaged, for: message)
    check(isValid == (damaged == signatures[chosen]), "an untouched signature and no other is valid")
}

private func der(_ input: inout FuzzInput) {
    let chosen = Int(input.byte()) % schemes.count
    let bytes = input.bytes
    let signature = bytes.withUnsafeBufferPointer { bytes in
        bytes.baseAddress.flatMap { schemes[chosen].raw($0, bytes.count) }
    }
    guard let signature else { return }
    check(signature.count == signatures[chosen].count, "a raw signature has its one size")
    let back = signature.withUnsafeBufferPointer { raw in
        raw.baseAddress.flatMap { schemes[chosen].withDER($0) { Array(UnsafeBufferPointer(start: $0, count: $1)) } }
    }
    let again = back.flatMap { der in
        der.withUnsafeBufferPointer { der in der.baseAddress.flatMap { schemes[chosen].raw($0, der.count) } }
    }
    // Not always the same DER: OpenSSL reads lengths that are written longer than they need be, and never writes them.
    check(again == signature, "DER to raw to DER is the same signature")
    check(!keys[chosen].verificationKey.isValid(signature: signature, for: message), "nobody's signature is not valid")
}

// MARK: Keys

private func damage(_ input: inout FuzzInput, _ label: String, _ form: (SigningKey) throws -> String) {
    // RSA's primes are looked at for a tenth of a second: seldom.
    let chosen = Int(input.byte())
    guard let key = chosen == 255 ? keys.last : keys[chosen % 4] else { return }
    guard let text = try? form(key) else { return check(false, "a key has its PEM form") }
    let damaged = pem(label, input.damage(body(text)))
    // OpenSSL takes a millisecond for each reading: only for the key's own algorithm.
    if label == "PRIVATE KEY" {
        privateKey(damaged, [key.algorithm])
    } else {
        publicKey(damaged, [key.algorithm])
    }
}

private func publicKey(_ text: String, _ algorithms: [SigningAlgorithm] = keys.map(\.algorithm)) {
    for algorithm in algorithms {
        guard let key = try? VerificationKey(pem: text, algorithm: algorithm, kid: "1") else { continue }
        check(key.algorithm == algorithm, "a key is for the algorithm it was loaded for")
        guard let jwk = try? key.jsonWebKey(), let thumbprint = try? key.thumbprint(), let again = try? key.pem() else {
            return check(false, "an accepted public key has its other forms")
        }
        check(!jwk.isPrivate, "the public form shows nothing private")
        check((try? VerificationKey(jwk).thumbprint()) == thumbprint, "a key comes back from JSON")
        check((try? VerificationKey(pem: again, algorithm: algorithm).thumbprint()) == thumbprint, "and from PEM")
        for signature in signatures
        where !keys.contains(where: { (try? $0.verificationKey.thumbprint()) == thumbprint }) {
            check(!key.isValid(signature: signature, for: message), "another key's signature is not valid")
        }
    }
}

private func privateKey(_ text: String, _ algorithms: [SigningAlgorithm] = keys.map(\.algorithm)) {
    for algorithm in algorithms {
        guard let key = try? SigningKey(pem: text, algorithm: algorithm, kid: "1") else { continue }
        guard let signature = try? key.sign(message) else { return check(false, "an accepted private key signs") }
        check(key.verificationKey.isValid(signature: signature, for: message), "what a key signs, it verifies")
        guard let jwk = try? key.privateJSONWebKey(), let back = try? SigningKey(jwk) else {
            return check(false, "an accepted private key comes back from JSON")
        }
        check(back.verificationKey.isValid(signature: signature, for: message), "and is the same key")
    }
}

private func pem(_ label: String, _ der: [UInt8]) -> String {
    let letters = Array(Base64URL.encode(der).utf8).map { byte in
        byte == UInt8(ascii: "-") ? UInt8(ascii: "+") : byte == UInt8(ascii: "_") ? UInt8(ascii: "/") : byte
    }
    let padded = letters + [UInt8](repeating: UInt8(ascii: "="), count: (4 - letters.count % 4) % 4)
    let lines = stride(from: 0, to: padded.count, by: 64).map {
        String(decoding: padded[$0...].prefix(64), as: UTF8.self)
    }
    return (["-----BEGIN \(label)-----"] + lines + ["-----END \(label)-----", ""]).joined(separator: "\n")
}

/// The bytes within a PEM text that OpenSSL wrote.
private func body(_ pem: String) -> [UInt8] {
    let letters = pem.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined().utf8.compactMap { byte in
        switch byte {
        case UInt8(ascii: "+"): UInt8(ascii: "-")
        case UInt8(ascii: "/"): UInt8(ascii: "_")
        case UInt8(ascii: "="): nil
        default: byte
        }
    }
    return (try? Base64URL.decode(letters)) ?? []
}
