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

    /// Reads the card of a person in four statements at most.
    package static func read(_ id: PersonID, in tx: Transaction) throws -> PersonCard? {
        guard let person = try tx.people.find(id) else { return nil }
        let chain = try person.unitID.map { try tx.units.ancestors(of: $0) } ?? []
        let unit = chain.last
        return PersonCard(
            person: person, nip: try tx.people.currentNIP(of: id), unit: unit,
            agency: unit?.agencyID.flatMap { agency in chain.first { $0.id == agency } }, unitNames: chain.map(\.name)
        )
    }

    package var accessSubject: AccessPolicy.Subject {
        AccessPolicy.Subject(employeeKind: person.employeeKind, unitPath: unit?.path)
    }
}
