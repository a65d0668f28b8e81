import GapuraFormats

/// What the parameter `claims` asks for by name (OpenID Connect Core section 5.5). Of the claims about a person a client
/// gets those that a scope of its registration opens, and no others; what is unknown is ignored.
package struct RequestedClaims: Sendable, Equatable {
    /// An `acr` that was asked for.
    package struct Level: Sendable, Equatable {
        let values: [String]
        let isEssential: Bool
    }

    /// Longer texts are refused before they are read.
    static let maximumBytes = 4096
    private static let maximumNames = 50

    /// Names of claims about the person, for userinfo and for the ID token.
    package var userinfo: [String] = []
    package var idToken: [String] = []
    package var level: Level?
    /// One of whom the ID token has to be about; nothing where it may be anybody.
    package var subjects: [String]?

    package init() {}

    /// - Throws: `OAuthError` `invalid_request` where it is not the JSON object of that section.
    init(_ text: String, for client: Client) throws(OAuthError) {
        guard text.utf8.count <= Self.maximumBytes,
            let json = try? StrictJSON.parse(Array(text.utf8), maximumDepth: 6), let object = json.object
        else { throw OAuthError.invalidRequest("claims must be a JSON object of at most 4096 bytes.") }
        let open = Scope.allCases.filter { scope in
            client.metadata.scopes.contains { $0.isExactly(scope.rawValue) }
        }.flatMap(\.claimNames)
        userinfo = try Self.names(object["userinfo"], open)
        idToken = try Self.names(object["id_token"], open)
        if let wanted = object["id_token"]?["acr"], let member = wanted.object {
            level = Level(values: try Self.values(member), isEssential: member["essential"]?.bool ?? false)
        }
        for place in ["id_token", "userinfo"] {
            guard let member = object[place]?["sub"]?.object else { continue }
            let named = try Self.values(member)
            guard !named.isEmpty else { continue }
            let both = subjects.map { known in named.filter { name in known.contains { $0.isExactly(name) } } } ?? named
            guard !both.isEmpty else { throw OAuthError.invalidRequest("claims names two people.") }
            subjects = both
        }
    }

    /// As it is kept with the tokens; nothing where nothing about the person is asked for by name.
    package var stored: String? {
        guard !userinfo.isEmpty || !idToken.isEmpty else { return nil }
        let object: JSONObject = [
            "userinfo": .array(userinfo.map(JSONValue.string)), "id_token": .array(idToken.map(JSONValue.string)),
        ]
        return JSONValue.object(object).encodedText()
    }

    package init(stored: String?) {
        guard let stored, let object = try? StrictJSON.parse(Array(stored.utf8)).object else { return }
        userinfo = object["userinfo"]?.strings ?? []
        idToken = object["id_token"]?.strings ?? []
    }

    private static func names(_ value: JSONValue?, _ open: [String]) throws(OAuthError) -> [String] {
        guard let value, !value.isNull else { return [] }
        guard let object = value.object, object.members.count <= maximumNames else {
            throw OAuthError.invalidRequest("claims: userinfo and id_token are objects of at most 50 members.")
        }
        for member in object.members where !member.value.isNull && member.value.object == nil {
            throw OAuthError.invalidRequest("claims: each member is null or an object.")
        }
        // `sub` is always told.
        return open.filter { name in !name.isExactly("sub") && object.contains(name) }
    }

    private static func values(_ member: JSONObject) throws(OAuthError) -> [String] {
        if let value = member["value"] {
            guard let text = value.string else { throw OAuthError.invalidRequest("claims: value is no text.") }
            return [text]
        }
        guard let values = member["values"] else { return [] }
        guard let texts = values.strings else { throw OAuthError.invalidRequest("claims: values are no texts.") }
        return texts
    }
}
