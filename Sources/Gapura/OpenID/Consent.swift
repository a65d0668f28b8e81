package import GapuraDirectory
package import GapuraFormats
package import GapuraStore

/// What a person has to allow before an application that is not the city's own gets it: the scopes of a request, the
/// claims that it asks for by name, and the resources at which its tokens would be good. What is sent is what was shown.
package struct ConsentItems: Sendable, Equatable {
    private static let claimPrefix = "claim:"
    private static let resourcePrefix = "resource:"

    /// As they are remembered, in order.
    package let names: [String]

    /// - Parameter names: as they were remembered.
    package init(names: [String]) { self.names = names }

    init(_ asked: AuthorizationRequest) {
        self.init(scope: asked.scope, claims: asked.claims, resources: asked.resources)
    }

    init(scope: String, claims asked: RequestedClaims = RequestedClaims(), resources: [String] = []) {
        let scopes = scope.utf8.split(separator: 0x20).map { String(Substring($0)) }
        let named = Set((asked.userinfo + asked.idToken).map(ExactText.init)).map { Self.claimPrefix + $0.text }
        names = (scopes + named + resources.map { Self.resourcePrefix + $0 })
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Names of the claims that the application would learn.
    package var claims: [String] {
        var named = RequestedClaims()
        named.userinfo = rest(of: Self.claimPrefix)
        return Scope.claims(of: scopes.joined(separator: " "), and: named).utf8.split(separator: 0x20)
            .map { String(Substring($0)) }
    }

    /// Scopes that open no claim: what the application could do somewhere in the person's name.
    package var powers: [String] {
        scopes.filter { name in
            guard let known = Scope(rawValue: name) else { return true }
            return known.claimNames.isEmpty && known != .offlineAccess
        }
    }

    /// Where its tokens would be good.
    package var resources: [String] { rest(of: Self.resourcePrefix) }

    /// The application goes on after the person has left.
    package var isOffline: Bool { names.contains { $0.isExactly(Scope.offlineAccess.rawValue) } }

    /// As a form carries it back, so that nothing else is allowed than was shown.
    package var text: String { names.joined(separator: " ") }

    private var scopes: [String] {
        names.filter { name in
            ![Self.claimPrefix, Self.resourcePrefix].contains { name.utf8.starts(with: $0.utf8) }
        }
    }

    private func rest(of prefix: String) -> [String] {
        names.filter { $0.utf8.starts(with: prefix.utf8) }.map { String($0.dropFirst(prefix.count)) }
    }

    /// Until when all of it is allowed.
    /// - Parameter remembered: what was allowed before, each until its moment.
    /// - Returns: nothing where some of it is not.
    func end(in remembered: [ExactText: Timestamp]) -> Timestamp? {
        let ends = names.compactMap { remembered[ExactText($0)] }
        return ends.count == names.count ? ends.min() : nil
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

    /// Takes it back, and with it every token that the application has, also where what was allowed has run out.
    /// - Returns: whether anything was allowed.
    package static func revoke(
        of account: Account, for client: ClientID, by actor: Actor, in tx: Transaction, at now: Timestamp
    ) throws -> Bool {
        let wasAllowed = try tx.consents.revoke(of: account.id, for: client)
        let ended = try tx.tokens.revokeAll(of: account.id, for: client, reason: "consent_revoked", at: now)
        guard wasAllowed || ended > 0 else { return false }
        try tx.record(.consentRevoked, by: actor, subject: account.id.text, clientID: client, at: now)
        return true
    }
}
