import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
import HTTPTypes
import Hummingbird
import Synchronization

/// A proof that whoever sends a request has a private key (RFC 9449 section 4), checked except for whether it came
/// before.
struct DPoPProof: Sendable {
    /// Thumbprint of the key (RFC 7638), as it stands in `cnf`.
    let jkt: String
    let once: SignedOnce
}

/// Reads DPoP proofs (RFC 9449 section 4.3).
struct DPoPReader: Sendable {
    static let header = HTTPField.Name("DPoP")
    /// Seconds that `iat` may be away.
    private static let window: Int64 = 60
    private static let maximumText = 512

    private let issuer: String
    private let keys: ProofKeys

    init(_ services: Services) {
        issuer = services.settings.issuer
        keys = services.proofKeys
    }

    /// The proof of a request, if it has one.
    /// - Parameter token: the access token beside it, at a resource.
    /// - Throws: `OAuthError` `invalid_dpop_proof`.
    func read(_ request: Request, for token: String? = nil, at now: Timestamp) throws(OAuthError) -> DPoPProof? {
        guard let name = Self.header else { return nil }
        let headers = request.headers[values: name]
        guard let header = headers.first else { return nil }
        guard headers.count == 1 else { throw Self.invalid("more than one") }
        let (claims, jkt) = try verified(header)
        guard claims["htm"]?.string?.isExactly(request.method.rawValue) == true else { throw Self.invalid("htm") }
        guard let htu = claims["htu"]?.string, isOurs(htu, request.uri.path) else { throw Self.invalid("htu") }
        guard let iat = claims.iat, abs(now.seconds - iat.seconds) <= Self.window else { throw Self.invalid("iat") }
        guard let jti = claims.jti, (1...Self.maximumText).contains(jti.utf8.count) else { throw Self.invalid("jti") }
        if let token {
            let hash = Base64URL.encode(SHA256.hash(token))
            guard claims["ath"]?.string?.isExactly(hash) == true else { throw Self.invalid("ath") }
        }
        let once = SignedOnce(
            digest: StoredSecret.digest("\(jkt) \(jti)", of: .dpopProof),
            endsAt: iat.adding(seconds: 2 * Self.window), seen: Self.invalid("the proof came before"))
        return DPoPProof(jkt: jkt, once: once)
    }

    /// Signed with the key that it carries: asymmetric, public, and fit for the algorithm.
    private func verified(_ header: String) throws(OAuthError) -> (Claims, jkt: String) {
        do {
            let jws = try JWS(header)
            guard jws.type == .dpopProof else { throw Self.invalid("typ") }
            guard ClientSecurity.strongAlgorithms.contains(jws.algorithm) else { throw Self.invalid("alg") }
            guard let members = jws.header["jwk"]?.object else { throw Self.invalid("jwk") }
            let jwk = try JSONWebKey(members)
            guard !jwk.isPrivate else { throw Self.invalid("a private key") }
            let payload = try keys.verify(jws, jwk)
            return (try Claims(json: payload), try jwk.thumbprint())
        } catch let error as OAuthError {
            throw error
        } catch {
            throw Self.invalid("no JWS that its own key signed")
        }
    }

    /// Compared without query and fragment, scheme and host in any case, the default port as none (section 4.3).
    private func isOurs(_ htu: String, _ path: String) -> Bool {
        guard htu.utf8.count <= 2048 else { return false }
        let plain = htu.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        guard let (origin, rest) = Self.split(String(Substring(plain))), let (ours, base) = Self.split(issuer) else {
            return false
        }
        return origin.isExactly(ours) && rest.isExactly((base == "/" ? "" : base) + path)
    }

    /// `https://HOST:443/x` as `https://host` and `/x`.
    private static func split(_ text: String) -> (origin: String, path: String)? {
        let bytes = Array(text.utf8)
        guard let slashes = bytes.firstRange(of: Array("://".utf8)) else { return nil }
        let start = slashes.upperBound
        let end = bytes[start...].firstIndex(of: UInt8(ascii: "/")) ?? bytes.endIndex
        var origin = bytes[..<end].map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        for (scheme, port) in [("https://", ":443"), ("http://", ":80")] {
            if origin.starts(with: scheme.utf8), origin.suffix(port.utf8.count).elementsEqual(port.utf8) {
                origin.removeLast(port.utf8.count)
            }
        }
        let path = end == bytes.endIndex ? "/" : String(decoding: bytes[end...], as: UTF8.self)
        return (String(decoding: origin, as: UTF8.self), path)
    }

    static func invalid(_ reason: String) -> OAuthError {
        OAuthError(.invalidDPoPProof, "The DPoP proof is not usable.", reason: "DPoP: \(reason)")
    }
}

/// The keys of proofs, ready to check signatures: a client proves the same one with each request. Only making it ready
/// is spared; which key a proof has is said by the proof. Kept once it has signed something.
///
/// Bounded, and forgotten whole when full.
package final class ProofKeys: Sendable {
    private static let limit = 2000

    /// By the hash of algorithm and JWK as it was sent, with members that say what it may be used for.
    private let known = Mutex<[[UInt8]: VerificationKey]>([:])

    package init() {}

    /// - Returns: the payload.
    /// - Throws: `KeyError`, `TokenError`.
    func verify(_ jws: JWS, _ jwk: JSONWebKey) throws -> [UInt8] {
        let name = SHA256.hash(Array(jws.algorithm.rawValue.utf8) + jwk.encoded())
        if let key = known.withLock({ $0[name] }) { return try jws.verify(with: key) }
        let key = try VerificationKey(jwk, algorithm: jws.algorithm)
        let payload = try jws.verify(with: key)
        known.withLock { known in
            if known.count >= Self.limit { known.removeAll(keepingCapacity: true) }
            known[name] = key
        }
        return payload
    }
}
