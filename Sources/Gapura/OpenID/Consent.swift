package import GapuraDirectory
package import GapuraFormats
package import GapuraStore

/// What a person has to allow before an application that is not the city's own learns it: the scopes of a request, and
/// the claims that it asks for by name. What is sent is what was shown.
package struct ConsentItems: Sendable, Equatable {
    /// Of a claim that was asked for by name.
    private static let prefix = "claim:"

    /// As they are remembered, in order.
    package let names: [String]
    /// Names of claims, for the person to read.
    package let claims: [String]

    init(_ asked: AuthorizationRequest) { self.init(scope: asked.scope, claims: asked.claims) }

    init(scope: String, claims asked: RequestedClaims = RequestedClaims()) {
        let scopes = scope.utf8.split(separator: 0x20).map { String(Substring($0)) }
        let named = Set((asked.userinfo + asked.idToken).map(ExactText.init)).map {
            Self.prefix + $0.text
        }
        names = (scopes + named).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        claims = Scope.claims(of: scope, and: asked).utf8.split(separator: 0x20).map {
            String(Substring($0))
        }
    }

    /// Names of the claims that remembered items stand for.
    package static func claims(of items: [String]) -> [String] {
        let scope = items.filter { !$0.utf8.starts(with: prefix.utf8) }.joined(separator: " ")
        let named = items.filter { $0.utf8.starts(with: prefix.utf8) }.map { String($0.dropFirst(prefix.count)) }
        return Scope.claims(of: scope).utf8.split(separator: 0x20).map { String(Substring($0)) } + named
    }

    /// The application goes on after the person has left.
    package var isOffline: Bool { names.contains { $0.isExactly(Scope.offlineAccess.rawValue) } }

    /// As a form carries it back, so that nothing else is allowed than was shown.
    package var text: String { names.joined(separator: " ") }

    /// Whether all of it was allowed before.
    func areCovered(by remembered: [String]) -> Bool {
        let known = Set(remembered.map(ExactText.init))
        return names.allSatisfy { known.contains(ExactText($0)) }
    }
}

/// What a person said on the consent page.
package enum ConsentDecision: Sendable {
    /// What the page had shown.
    case allowed(shown: String)
    case denied
}

/// Remembering and taking back what somebody allowed.
package enum ConsentDirectory {
    /// Remembers what somebody has just allowed.
    static func give(
        _ items: ConsentItems, of account: Account, to client: ClientID, until end: Timestamp, in tx: Transaction,
        at now: Timestamp
    ) throws {
        try tx.consents.give(items.names, by: account.id, to: client, at: now, until: end)
        try tx.record(
            .consentGiven, by: .account(account.id.text), subject: account.id.text, clientID: client,
            detail: ["items": .string(items.text)], at: now)
    }

    /// Takes it back, and with it every token that the application has.
    /// - Returns: whether there was anything.
    package static func revoke(
        of account: Account, for client: ClientID, by actor: Actor, in tx: Transaction, at now: Timestamp
    ) throws -> Bool {
        guard try tx.consents.revoke(of: account.id, for: client) else { return false }
        try tx.tokens.revokeAll(of: account.id, for: client, reason: "consent_revoked", at: now)
        try tx.record(.consentRevoked, by: actor, subject: account.id.text, clientID: client, at: now)
        return true
    }
}
