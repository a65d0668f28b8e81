package import GapuraStore

/// A person as applications and pages see them: the record, the number of today, the unit and its agency, read
/// together.
package struct PersonCard: Sendable {
    package var person: Person
    package var nip: String?
    package var unit: Unit?
    package var agency: Unit?
    /// Names from the government down to the unit.
    package var unitNames: [String]

    /// Reads the card of a person: person, unit and agency in one statement, the number in another, and one for each
    /// further unit on the way to the root.
    package static func read(_ id: PersonID, in tx: Transaction) throws -> PersonCard? {
        guard let (person, unit, agency) = try tx.people.findPlaced(id) else { return nil }
        return PersonCard(
            person: person, nip: try tx.people.currentNIP(of: id), unit: unit, agency: agency,
            unitNames: try unit.map { try names(downTo: $0, agency, in: tx) } ?? []
        )
    }

    private static func names(downTo unit: Unit, _ agency: Unit?, in tx: Transaction) throws -> [String] {
        var upwards = [unit.name]
        var above = unit.parentID
        // As deep as the tree may be; whatever the data says, this ends.
        while let id = above, upwards.count <= 32 {
            let known = agency.flatMap { $0.id == id ? (name: $0.name, parentID: $0.parentID) : nil }
            guard let step = try known ?? tx.units.step(id) else { break }
            upwards.append(step.name)
            above = step.parentID
        }
        return upwards.reversed()
    }

    package var accessSubject: AccessPolicy.Subject {
        AccessPolicy.Subject(employeeKind: person.employeeKind, unitPath: unit?.path)
    }
}
