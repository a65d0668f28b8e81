package import GapuraFormats

/// What clients may be that register themselves with one right: an admin says so when giving it, and nothing that a
/// registration asks for goes beyond.
package struct RegistrationRight: Sendable, Equatable {
    /// Hosts of all their addresses, which an admin vouches for: errors are redirected there (attack 20), pages of ours
    /// link to them, and the gateway calls them.
    package let hosts: [String]
    /// The scopes that they may have.
    package let scopes: [String]
    package let profile: ClientSecurity.Profile
    /// The city's own: nobody is asked for consent.
    package let isTrusted: Bool

    /// Members that only an admin decides about; sent by a client they are ignored like any unknown one.
    private static let ours = [
        "trusted", "tte", "administration", "personnel_feed", "resource_server", "audience", "require_pkce", "profile",
        "access_token_format", "may_exchange", "access_token_signed_response_alg", "state", "request_uris",
    ]

    /// - Throws: `OAuthError` `invalid_client_metadata` with what is wrong.
    package init(_ json: JSONObject) throws(OAuthError) {
        let reader = MetadataReader(json: json)
        hosts = (try reader.strings("hosts") ?? []).map { $0.lowercased() }
        guard (1...50).contains(hosts.count), hosts.allSatisfy(Self.isHost) else {
            throw ClientMetadata.invalid("hosts: 1 to 50 names of hosts, such as absensi.vendor.id.")
        }
        scopes = Scope.tokens(try reader.string("scope") ?? "openid profile email offline_access") ?? []
        let forbidden = [Scope.tte, .admin, .personnel]
        guard !scopes.isEmpty, !scopes.contains(where: { name in forbidden.contains { $0.rawValue.isExactly(name) } })
        else { throw ClientMetadata.invalid("scope: no tte, admin or personnel for clients that register themselves.") }
        guard let known = ClientSecurity.Profile(rawValue: try reader.string("profile") ?? "standard") else {
            throw ClientMetadata.invalid("profile is standard, fapi2 or legacy.")
        }
        profile = known
        isTrusted = try reader.bool("trusted") ?? false
    }

    package var jsonObject: JSONObject {
        [
            "hosts": .array(hosts.map(JSONValue.string)), "scope": .string(scopes.joined(separator: " ")),
            "profile": .string(profile.rawValue), "trusted": .bool(isTrusted),
        ]
    }

    /// Members with one address.
    private static let addresses = [
        "client_uri", "policy_uri", "tos_uri", "logo_uri", "initiate_login_uri", "jwks_uri", "sector_identifier_uri",
        "frontchannel_logout_uri", "backchannel_logout_uri",
    ]

    /// The registration that a client asks for, within what the right allows.
    /// - Parameter known: the client as it is registered, of one that replaces its registration: what an admin decided
    ///   since stays, and no scope comes back.
    /// - Throws: `OAuthError` `invalid_redirect_uri` for an address on another host.
    func limited(_ asked: JSONObject, known: ClientMetadata? = nil) throws(OAuthError) -> JSONObject {
        var json = asked
        let kept = known?.jsonObject ?? ["profile": .string(profile.rawValue), "trusted": .bool(isTrusted)]
        for name in Self.ours { json[name] = kept[name] }
        let scopes = scopes.filter { scope in known?.scopes.contains { $0.isExactly(scope) } ?? true }
        let wanted = try MetadataReader(json: asked).string("scope").map { Scope.tokens($0) ?? [] }
        let given = wanted.map { wanted in scopes.filter { scope in wanted.contains { $0.isExactly(scope) } } }
        json["scope"] = .string((given ?? scopes).joined(separator: " "))
        if json["client_name"].map(\.isNull) ?? true { json["client_name"] = .string(hosts[0]) }
        for member in ["redirect_uris", "post_logout_redirect_uris"] {
            for uri in try MetadataReader(json: asked).strings(member) ?? [] where !allows(uri) {
                throw OAuthError(
                    member.isExactly("redirect_uris") ? .invalidRedirectURI : .invalidClientMetadata,
                    "\(member): an address is on a host that this registration is not for.")
            }
        }
        for member in Self.addresses {
            guard let uri = try MetadataReader(json: asked).string(member), !allows(uri) else { continue }
            throw ClientMetadata.invalid("\(member): the address is on a host that this registration is not for.")
        }
        return json
    }

    private func allows(_ uri: String) -> Bool {
        guard ["https://", "http://"].contains(where: { uri.utf8.starts(with: $0.utf8) }),
            let host = RedirectURI.host(of: uri)
        else { return false }
        return hosts.contains { $0.isExactly(host) }
    }

    private static func isHost(_ name: String) -> Bool {
        (1...253).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d || $0 == 0x2e
            }
    }
}
