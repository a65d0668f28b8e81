internal import COpenSSL

/// Numbers to `EVP_PKEY` and back.
enum KeyBuilder {
    struct RSAPrivatePart {
        let d, p, q, dp, dq, qi: [UInt8]
    }

    /// OpenSSL's names that its header puts together from parts, which Swift does not see.
    private enum RSAName {
        static let factor1 = "rsa-factor1"
        static let factor2 = "rsa-factor2"
        static let exponent1 = "rsa-exponent1"
        static let exponent2 = "rsa-exponent2"
        static let coefficient1 = "rsa-coefficient1"
    }

    static func rsa(n: [UInt8], e: [UInt8], privatePart: RSAPrivatePart?) throws(KeyError) -> EVPKey {
        let parameters = Parameters()
        parameters.add(OSSL_PKEY_PARAM_RSA_N, number: n)
        parameters.add(OSSL_PKEY_PARAM_RSA_E, number: e)
        if let part = privatePart {
            parameters.add(OSSL_PKEY_PARAM_RSA_D, number: part.d)
            parameters.add(RSAName.factor1, number: part.p)
            parameters.add(RSAName.factor2, number: part.q)
            parameters.add(RSAName.exponent1, number: part.dp)
            parameters.add(RSAName.exponent2, number: part.dq)
            parameters.add(RSAName.coefficient1, number: part.qi)
        }
        let key = try parameters.key("RSA", isPrivate: privatePart != nil)
        try check(key)
        return key
    }

    static func ec(_ curve: EllipticCurve, x: [UInt8], y: [UInt8], d: [UInt8]?) throws(KeyError) -> EVPKey {
        let parameters = Parameters()
        parameters.add(OSSL_PKEY_PARAM_GROUP_NAME, text: curve.opensslName)
        parameters.add(OSSL_PKEY_PARAM_PUB_KEY, bytes: [4] + x + y)
        if let d {
            parameters.add(OSSL_PKEY_PARAM_PRIV_KEY, number: d)
        }
        let key = try parameters.key("EC", isPrivate: d != nil)
        try check(key)
        return key
    }

    static func ed25519(x: [UInt8], d: [UInt8]?) throws(KeyError) -> EVPKey {
        let pointer =
            if let d {
                EVP_PKEY_new_raw_private_key_ex(nil, "ED25519", nil, d, d.count)
            } else {
                EVP_PKEY_new_raw_public_key_ex(nil, "ED25519", nil, x, x.count)
            }
        guard let pointer else { throw malformed() }
        let key = EVPKey(adopting: pointer, isPrivate: d != nil)
        guard try ed25519Public(key) == x else { throw KeyError(.malformed, "x is not the key's") }
        return key
    }

    static func publicMembers(_ key: EVPKey) throws(KeyError) -> JSONObject {
        if key.kind == EVP_PKEY_RSA {
            return ["kty": "RSA", "n": try text(key, OSSL_PKEY_PARAM_RSA_N), "e": try text(key, OSSL_PKEY_PARAM_RSA_E)]
        }
        if key.kind == EVP_PKEY_EC, let curve = key.curve {
            return [
                "kty": "EC", "crv": .string(curve.rawValue),
                "x": try text(key, OSSL_PKEY_PARAM_EC_PUB_X, size: curve.size),
                "y": try text(key, OSSL_PKEY_PARAM_EC_PUB_Y, size: curve.size),
            ]
        }
        if key.kind == EVP_PKEY_ED25519 {
            return ["kty": "OKP", "crv": "Ed25519", "x": .string(Base64URL.encode(try ed25519Public(key)))]
        }
        throw KeyError(.unsupported, "a kind of key that we do not use")
    }

    static func privateMembers(_ key: EVPKey) throws(KeyError) -> JSONObject {
        guard key.isPrivate else { throw KeyError(.malformed, "a public key has no private members") }
        var members = try publicMembers(key)
        if key.kind == EVP_PKEY_RSA {
            members["d"] = try text(key, OSSL_PKEY_PARAM_RSA_D)
            members["p"] = try text(key, RSAName.factor1)
            members["q"] = try text(key, RSAName.factor2)
            members["dp"] = try text(key, RSAName.exponent1)
            members["dq"] = try text(key, RSAName.exponent2)
            members["qi"] = try text(key, RSAName.coefficient1)
        } else if key.kind == EVP_PKEY_EC {
            members["d"] = try text(key, OSSL_PKEY_PARAM_PRIV_KEY, size: key.curve?.size)
        } else {
            var bytes = [UInt8](repeating: 0, count: 32)
            var count = bytes.count
            guard EVP_PKEY_get_raw_private_key(key.pointer, &bytes, &count) == 1, count == 32 else { throw malformed() }
            members["d"] = .string(Base64URL.encode(bytes))
        }
        return members
    }

    private static func text(_ key: EVPKey, _ name: String, size: Int? = nil) throws(KeyError) -> JSONValue {
        .string(Base64URL.encode(try key.number(name, size: size)))
    }

    static func ed25519Public(_ key: EVPKey) throws(KeyError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = bytes.count
        guard EVP_PKEY_get_raw_public_key(key.pointer, &bytes, &count) == 1, count == 32 else { throw malformed() }
        return bytes
    }

    /// What OpenSSL takes in as numbers or PEM need not be a key: that a point is on its curve and not at infinity, and
    /// that private numbers are the public ones'. Curves and sizes that no algorithm of ours has are refused elsewhere,
    /// and would only cost time here.
    static func check(_ key: EVPKey) throws(KeyError) {
        if key.kind == EVP_PKEY_EC, key.curve != nil {
            try check(key) { EVP_PKEY_public_check($0) }
            if key.isPrivate { try check(key) { EVP_PKEY_pairwise_check($0) } }
        } else if key.kind == EVP_PKEY_RSA, key.isPrivate, RSASignature.sizes.contains(key.bits) {
            try check(key) { EVP_PKEY_check($0) }
        }
    }

    private static func check(_ key: EVPKey, _ check: (OpaquePointer) -> Int32) throws(KeyError) {
        guard let context = EVP_PKEY_CTX_new_from_pkey(nil, key.pointer, nil) else { throw malformed() }
        defer { EVP_PKEY_CTX_free(context) }
        guard check(context) == 1 else { throw malformed() }
    }

    static func malformed() -> KeyError {
        ERR_clear_error()
        return KeyError(.malformed, "the numbers are not a key")
    }

    /// OpenSSL's parameter list, and the numbers it points at until the key is made.
    private final class Parameters {
        private let builder = OSSL_PARAM_BLD_new()
        private var numbers: [OpaquePointer] = []
        /// The builder keeps pointers, to names as well as to values, until `OSSL_PARAM_BLD_to_param`.
        private var copies: [UnsafeMutableRawPointer] = []
        private var isComplete = true

        deinit {
            OSSL_PARAM_BLD_free(builder)
            for copy in copies {
                copy.deallocate()
            }
            for number in numbers {
                BN_clear_free(number)
            }
        }

        func add(_ name: String, number bytes: [UInt8]) {
            guard let number = BN_bin2bn(bytes, Int32(clamping: bytes.count), nil) else {
                isComplete = false
                return
            }
            numbers.append(number)
            keep(name) { OSSL_PARAM_BLD_push_BN(builder, $0, number) }
        }

        func add(_ name: String, text: String) {
            keep(name) { OSSL_PARAM_BLD_push_utf8_string(builder, $0, copy(Array(text.utf8)), text.utf8.count) }
        }

        func add(_ name: String, bytes: [UInt8]) {
            keep(name) { OSSL_PARAM_BLD_push_octet_string(builder, $0, copy(bytes), bytes.count) }
        }

        func key(_ kind: String, isPrivate: Bool) throws(KeyError) -> EVPKey {
            guard isComplete, let list = OSSL_PARAM_BLD_to_param(builder) else { throw malformed() }
            defer { OSSL_PARAM_free(list) }
            guard let context = EVP_PKEY_CTX_new_from_name(nil, kind, nil) else { throw malformed() }
            defer { EVP_PKEY_CTX_free(context) }
            var key: OpaquePointer?
            guard EVP_PKEY_fromdata_init(context) == 1,
                EVP_PKEY_fromdata(context, &key, isPrivate ? gapura_selection_pair : gapura_selection_public, list)
                    == 1,
                let key
            else { throw malformed() }
            return EVPKey(adopting: key, isPrivate: isPrivate)
        }

        private func copy(_ bytes: [UInt8]) -> UnsafeMutablePointer<CChar> {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + 1, alignment: 1)
            memory.copyMemory(from: bytes, byteCount: bytes.count)
            memory.storeBytes(of: 0, toByteOffset: bytes.count, as: UInt8.self)
            copies.append(memory)
            return memory.assumingMemoryBound(to: CChar.self)
        }

        private func keep(_ name: String, _ push: (UnsafePointer<CChar>) -> Int32) {
            if push(copy(Array(name.utf8))) != 1 {
                isComplete = false
            }
        }
    }
}
