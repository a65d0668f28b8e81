import GapuraFormats
import GapuraTokens

/// Typed access to the members of a registration; unknown members are ignored (RFC 7591 section 2).
struct MetadataReader {
    let json: JSONObject

    func string(_ name: String) throws(OAuthError) -> String? {
        guard let value = json[name], !value.isNull else { return nil }
        guard let text = value.string else { throw ClientMetadata.invalid("\(name) must be a string.") }
        return text
    }

    func strings(_ name: String) throws(OAuthError) -> [String]? {
        guard let value = json[name], !value.isNull else { return nil }
        guard let texts = value.strings else { throw ClientMetadata.invalid("\(name) must be an array of strings.") }
        return texts
    }

    func bool(_ name: String) throws(OAuthError) -> Bool? {
        guard let value = json[name], !value.isNull else { return nil }
        guard let truth = value.bool else { throw ClientMetadata.invalid("\(name) must be true or false.") }
        return truth
    }

    func integer(_ name: String) throws(OAuthError) -> Int64? {
        guard let value = json[name], !value.isNull else { return nil }
        guard let number = value.integer else { throw ClientMetadata.invalid("\(name) must be a whole number.") }
        return number
    }

    /// An https address that a page may link to; `javascript:` and its kin have no way in (attack 145).
    func webURI(_ name: String) throws(OAuthError) -> String? { try uri(name, testHosts: []) }

    /// An address that the gateway itself calls, or a page of ours frames; what may be called is looked at each time
    /// (`OutgoingGuard`).
    func calledURI(_ name: String, _ settings: GatewaySettings) throws(OAuthError) -> String? {
        try uri(name, testHosts: settings.testHosts)
    }

    private func uri(_ name: String, testHosts: [String]) throws(OAuthError) -> String? {
        guard let uri = try string(name) else { return nil }
        do {
            try RedirectURI.check(uri, isNative: false, testHosts: testHosts)
        } catch {
            throw ClientMetadata.invalid("\(name): \(error.text).")
        }
        return uri
    }

    func isPairwise() throws(OAuthError) -> Bool {
        switch try string("subject_type") ?? "public" {
        case "public": return false
        case "pairwise": return true
        default: throw ClientMetadata.invalid("subject_type is public or pairwise.")
        }
    }

    func algorithm(_ name: String) throws(OAuthError) -> SigningAlgorithm? {
        guard let text = try string(name) else { return nil }
        guard let algorithm = SigningAlgorithm(name: text) else {
            throw ClientMetadata.invalid("\(name) is not one of the metadata's algorithms.")
        }
        return algorithm
    }

    /// Members whose features this version lacks are refused rather than stored as if they worked, above all those that
    /// ask for more protection. What only describes a client (`software_id` …) is ignored.
    func refuseUnserved() throws(OAuthError) {
        for name in [
            "request_uris", "userinfo_encrypted_response_alg", "request_object_encryption_alg",
            "tls_client_certificate_bound_access_tokens",
        ] {
            guard let value = json[name], !value.isNull, value != false else { continue }
            throw ClientMetadata.invalid("\(name) is not served by this version.")
        }
        if let alg = json["id_token_encrypted_response_alg"], !alg.isNull {
            throw ClientMetadata.invalid("ID tokens are not encrypted.")
        }
    }
}
