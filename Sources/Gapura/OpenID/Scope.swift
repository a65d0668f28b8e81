import GapuraFormats

/// The scopes of design.md section 2, and how a request's text becomes the scopes that are granted. One function serves
/// every grant.
package enum Scope: String, Sendable, CaseIterable {
    case openid
    case profile
    case email
    case phone
    case asn
    /// The roles of this client's application.
    case roles
    /// The NIK, for electronic signatures; of clients that are marked for it.
    case tte
    /// The administration API, with what the person's role allows; of clients that are marked for it.
    case admin
    /// Delivering personnel data, by a client itself that is marked for it.
    case personnel
    case offlineAccess = "offline_access"

    /// Longer texts are refused before they are split (attack 7).
    static let maximumBytes = 2048

    /// Splits a `scope` parameter.
    /// - Returns: tokens in order, each once; nothing if the text is longer than any honest one or holds characters RFC
    ///   6749 section 3.3 forbids.
    package static func tokens(_ text: String) -> [String]? {
        guard text.utf8.count <= maximumBytes else { return nil }
        var tokens: [String] = []
        for part in text.utf8.split(separator: 0x20) {
            guard part.allSatisfy({ $0 == 0x21 || (0x23...0x5b).contains($0) || (0x5d...0x7e).contains($0) }) else {
                return nil
            }
            let token = String(decoding: part, as: UTF8.self)
            if !tokens.contains(where: { $0.isExactly(token) }) { tokens.append(token) }
        }
        return tokens
    }

    /// What of a granted scope the client may still have: its registration may have been narrowed since.
    static func left(of granted: String, to client: Client) -> String {
        granted.utf8.split(separator: 0x20).map { String(Substring($0)) }
            .filter { token in client.metadata.scopes.contains { $0.isExactly(token) } }.joined(separator: " ")
    }

    /// What a client gets of what it asked (attack 8): unknown values are ignored (OpenID Connect Core section
    /// 3.1.2.1), known or registered ones that this client may not have are an error.
    /// - Throws: `OAuthError` `invalid_scope`.
    static func granted(_ requested: String?, to client: Client) throws(OAuthError) -> [String] {
        guard let requested else {
            // What is more than an application needs to let somebody in has to be asked for by name.
            return client.metadata.scopes.filter { token in
                ![Scope.offlineAccess, .tte, .admin].contains { token.isExactly($0.rawValue) }
            }
        }
        guard let tokens = tokens(requested) else {
            throw OAuthError(.invalidScope, "The scope is too long or has forbidden characters.")
        }
        var granted: [String] = []
        for token in tokens {
            if client.metadata.scopes.contains(where: { $0.isExactly(token) }) {
                granted.append(token)
            } else if Scope(rawValue: token) != nil {
                throw OAuthError(.invalidScope, "A scope was asked for that this client may not have.")
            }
        }
        return granted
    }
}

extension Scope {
    /// The claims that a scope opens, in the order of userinfo.
    package var claimNames: [String] {
        switch self {
        case .openid: ["sub"]
        case .profile: ["name", "preferred_username", "local_id", "zoneinfo", "locale", "updated_at"]
        case .email: ["email", "email_verified"]
        case .phone: ["phone_number", "phone_number_verified"]
        case .asn: ["nip", "employee_kind", "unor", "opd", "position", "acting", "manager_sub"]
        case .roles: ["roles"]
        case .tte: ["nik"]
        case .admin, .personnel, .offlineAccess: []
        }
    }

    /// What a granted scope lets a client learn about somebody, for the record of disclosures: always in one order, so
    /// that one set is one row. Every token has `sub`.
    static func claims(of granted: String, and named: RequestedClaims = RequestedClaims()) -> String {
        let asked = named.userinfo + named.idToken
        let names = allCases.filter { $0 != .openid }.flatMap { scope in
            granted.holds(scope)
                ? scope.claimNames : scope.claimNames.filter { name in asked.contains { $0.isExactly(name) } }
        }
        return (Scope.openid.claimNames + names).joined(separator: " ")
    }
}

extension String {
    /// Whether a space-separated list of scopes holds one. Asked a dozen times for each answer: nothing is split for it.
    func holds(_ scope: Scope) -> Bool {
        var (list, name) = (self, scope.rawValue)
        return name.withUTF8 { name in
            list.withUTF8 { list in
                var rest = list[...]
                while !rest.isEmpty {
                    let word = rest.prefix { $0 != 0x20 }
                    if word.elementsEqual(name) { return true }
                    rest = rest[word.endIndex...].dropFirst()
                }
                return false
            }
        }
    }
}
