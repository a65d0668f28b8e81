import GapuraFormats
package import GapuraStore

/// Who may use an application: where they work, and how they are employed.
package enum AccessPolicy {
    /// What the rules look at.
    package struct Subject: Sendable {
        package var employeeKind: EmployeeKind
        /// Ids from the root to the person's unit, each followed by `/`; nothing without a unit.
        package var unitPath: String?

        package init(employeeKind: EmployeeKind, unitPath: String?) {
            self.employeeKind = employeeKind
            self.unitPath = unitPath
        }
    }

    /// Whether the rules of an application let an account in as both are now: asked where a code is issued, and again
    /// where it or a refresh token becomes tokens.
    package static func admits(_ account: Account, to application: ApplicationID, in tx: Transaction) throws -> Bool {
        let rules = try tx.applications.rules(of: application)
        guard !rules.isEmpty else { return true }
        guard let personID = account.personID, let card = try PersonCard.read(personID, in: tx) else {
            return admits(Subject(employeeKind: .nonASN, unitPath: nil), rules: rules)
        }
        return admits(card.accessSubject, rules: rules)
    }

    /// No rule admits everyone. Otherwise one rule of each sort that is present must hold: a place (agency or unit,
    /// subtree included), and a kind of employment.
    package static func admits(_ subject: Subject, rules: [AccessRule]) -> Bool {
        let places = rules.filter { $0.kind != .employeeKind }
        let kinds = rules.filter { $0.kind == .employeeKind }
        if !kinds.isEmpty, !kinds.contains(where: { $0.value.isExactly(subject.employeeKind.rawValue) }) {
            return false
        }
        guard !places.isEmpty else { return true }
        guard let path = subject.unitPath else { return false }
        let above = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        return places.contains { rule in above.contains { $0.isExactly(rule.value) } }
    }
}
