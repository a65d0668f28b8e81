package import GapuraFormats
package import GapuraStore

/// The managers of everybody, in one pass: the units, their heads and who acts for them are read once, and then each
/// person is looked at where they stand.
package struct ManagerList: Sendable {
    /// Somebody without a manager.
    package struct Missing: Sendable {
        package enum Reason: String, Sendable, CaseIterable {
            /// Personnel data has no unit for them.
            case noUnit = "no_unit"
            /// Nobody leads a unit above them.
            case noLeader = "no_leader"
            /// Going from manager to manager comes back to them.
            case loop
        }

        package var person: ManagedPerson
        package var reason: Reason
    }

    /// How many people were looked at, of those who count.
    package private(set) var people = 0
    package private(set) var missing: [Missing] = []

    private struct Place {
        let parentID: UnitID?
        let path: String
        var leaders: UnitLeaders
    }

    /// - Parameter path: of a unit: only people of its subtree count; nil for the whole city.
    package init(in tx: Transaction, under path: String? = nil, at now: Timestamp) throws {
        var places: [UnitID: Place] = [:]
        // A unit that was closed leads nobody, and is still the way up for who is booked in it.
        for unit in try tx.units.list() + tx.units.listPast(limit: 1_000_000) {
            places[unit.id] = Place(
                parentID: unit.parentID, path: unit.path, leaders: UnitLeaders(unitID: unit.id))
        }
        for head in try tx.standing.heads() { places[head.unitID]?.leaders.head = head.holder }
        for held in try tx.standing.acting(at: now) where held.isHead {
            places[held.appointment.unitID]?.leaders.acting.append(held.holder)
        }
        let named = try tx.standing.overrides()
        // Only who manages somebody can be part of a loop: nobody else is remembered.
        var candidates = Set(named.values.map(\.personID))
        for place in places.values {
            if let head = place.leaders.head { candidates.insert(head.personID) }
            candidates.formUnion(place.leaders.acting.map(\.personID))
        }
        var above: [PersonID: PersonID] = [:]
        var leaders: [PersonID: ManagedPerson] = [:]
        func counts(_ person: ManagedPerson) -> Bool {
            guard let path else { return true }
            return person.unitID.flatMap { places[$0] }?.path.utf8.starts(with: path.utf8) ?? false
        }
        try tx.standing.eachInService(at: now) { person in
            let isCounted = counts(person)
            if isCounted { people += 1 }
            let upwards = Self.upwards(from: person.unitID, places)
            let manager = ManagerRule.manager(
                of: person.id, upwards: upwards.lazy.map(\.leaders), named: named[person.id], at: now)
            if let manager {
                guard candidates.contains(person.id) else { return }
                above[person.id] = manager.personID
                leaders[person.id] = person
            } else if isCounted {
                missing.append(Missing(person: person, reason: upwards.isEmpty ? .noUnit : .noLeader))
            }
        }
        for id in Self.loops(above) {
            if let person = leaders[id], counts(person) { missing.append(Missing(person: person, reason: .loop)) }
        }
        missing.sort { ($0.person.unitID?.text ?? "", $0.person.id) < ($1.person.unitID?.text ?? "", $1.person.id) }
    }

    /// The places from a unit to the root; whatever the data says, this ends.
    private static func upwards(from unitID: UnitID?, _ places: [UnitID: Place]) -> [Place] {
        var found: [Place] = []
        var seen: Set<UnitID> = []
        var current = unitID
        while let id = current, found.count < UnitTree.maximumDepth, seen.insert(id).inserted, let place = places[id] {
            found.append(place)
            current = place.parentID
        }
        return found
    }

    /// Everybody from whom the way from manager to manager comes back.
    private static func loops(_ above: [PersonID: PersonID]) -> Set<PersonID> {
        var done: Set<PersonID> = []
        var looped: Set<PersonID> = []
        for start in above.keys where !done.contains(start) {
            var way: [PersonID] = []
            var places: [PersonID: Int] = [:]
            var current: PersonID? = start
            while let id = current, !done.contains(id) {
                if let place = places[id] {
                    looped.formUnion(way[place...])
                    break
                }
                places[id] = way.count
                way.append(id)
                current = above[id]
            }
            done.formUnion(way)
        }
        return looped
    }
}
