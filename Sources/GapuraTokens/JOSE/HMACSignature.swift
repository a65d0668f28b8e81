/// HS256, HS384 and HS512: RFC 7518 section 3.2.
struct HMACSignature: SignatureScheme {
    private let hmac: HMAC

    init(_ secret: [UInt8], _ algorithm: SigningAlgorithm) throws(KeyError) {
        guard secret.count >= algorithm.digest.size else {
            throw KeyError(.weak, "a secret for \(algorithm.rawValue) has \(algorithm.digest.size) bytes or more")
        }
        hmac = HMAC(key: secret, digest: algorithm.digest)
    }

    func sign(_ message: UnsafeRawBufferPointer) -> [UInt8]? {
        hmac.code(message)
    }

    func isValid(_ signature: UnsafeRawBufferPointer, for message: UnsafeRawBufferPointer) -> Bool {
        guard let code = hmac.code(message) else { return false }
        return constantTimeEquals(code, signature)
    }
}
