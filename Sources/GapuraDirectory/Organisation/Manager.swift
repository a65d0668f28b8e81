package import GapuraFormats
package import GapuraStore

/// Somebody's manager (atasan langsung), and why it is that one.
package struct Manager: Sendable, Equatable {
    package enum Rule: String, Sendable {
        /// Named by hand.
        case named
        /// Plt, Plh or Pj of the head post of a unit.
        case acting
        /// Head of a unit.
        case head
    }

    package var personID: PersonID
    /// By which applications know the manager.
    package var sub: String
    package var rule: Rule
    /// The unit that the manager leads; nothing for one who was named.
    package var unitID: UnitID?
}

/// Who leads a unit at a moment.
struct UnitLeaders: Sendable {
    var unitID: UnitID
    /// Plt, Plh or Pj of the head post.
    var acting: [PostHolder] = []
    var head: PostHolder?

    func isLed(by person: PersonID) -> Bool {
        head?.personID == person || acting.contains { $0.personID == person }
    }
}

/// The order of the domain notes, 2.5: who was named; who acts for the head of my unit; its head; the same one unit
/// further up, and so on.
///
/// Whoever leads a unit, acting or not, has a manager above it: the one who stands in for them while they are away is
/// no manager of theirs, nor is the head of a unit below the one they lead. That keeps two people from being each
/// other's manager. Whoever has left, or has no account, is passed over.
enum ManagerRule {
    /// - Parameter upwards: from the person's own unit to the government.
    static func manager(
        of person: PersonID, upwards: some Sequence<UnitLeaders>, named: PostHolder?, at now: Timestamp
    ) -> Manager? {
        func isPossible(_ holder: PostHolder) -> Bool { holder.personID != person && holder.isInService(at: now) }
        if let named, let sub = named.sub, isPossible(named) {
            return Manager(personID: named.personID, sub: sub, rule: .named, unitID: nil)
        }
        var found: Manager?
        for unit in upwards {
            if unit.isLed(by: person) {
                found = nil
            } else if found == nil {
                let acting = unit.acting.first(where: isPossible)
                if let holder = acting ?? unit.head.flatMap({ isPossible($0) ? $0 : nil }), let sub = holder.sub {
                    found = Manager(
                        personID: holder.personID, sub: sub, rule: acting == nil ? .head : .acting, unitID: unit.unitID)
                }
            }
        }
        return found
    }
}
