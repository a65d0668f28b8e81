package import GapuraFormats
package import GapuraStore

/// Managers that are named by hand: each function is one step inside the caller's transaction and writes its own audit
/// row.
package struct ManagerDirectory {
    private let tx: Transaction
    private let actor: Actor
    private let now: Timestamp

    package init(_ tx: Transaction, by actor: Actor, at now: Timestamp) {
        self.tx = tx
        self.actor = actor
        self.now = now
    }

    /// The person behind an NIP or an id of personnel data.
    package func person(_ text: String) throws -> Person {
        if case .nip(let digits) = SignInName(text), let id = try tx.people.ids(nips: [digits])[digits],
            let person = try tx.people.find(id)
        {
            return person
        }
        if let person = try tx.people.find(pnsID: text) { return person }
        if let account = try AccountDirectory(tx, by: actor, at: now).find(named: text), let id = account.personID,
            let person = try tx.people.find(id)
        {
            return person
        }
        throw Authority.unknownPerson
    }

    package func standing(of person: Person) throws -> OrganisationStanding {
        try OrganisationStanding.read(
            person.id, unitPath: person.unitID.flatMap { try tx.units.find($0)?.path }, in: tx, at: now)
    }

    /// Names a manager, over what posts would say. The same call again changes nothing.
    package func set(_ manager: Person, for person: Person) throws {
        guard manager.id != person.id else {
            throw DirectoryError(
                .invalid, "Nobody is their own manager.", id: "Seseorang tidak dapat menjadi atasannya sendiri.")
        }
        let account = try tx.accounts.find(personID: manager.id)
        guard let account, account.state(at: now) != .nonaktif else {
            throw DirectoryError(
                .refused, "That manager has no account, or has left.",
                id: "Atasan itu tidak mempunyai akun atau sudah tidak bertugas."
            )
        }
        if try tx.standing.override(of: person.id)?.managerID == manager.id { return }
        try refuseLoop(from: manager, to: person)
        let before = try tx.standing.override(of: person.id)?.managerID
        try tx.standing.setOverride(
            ManagerOverride(personID: person.id, managerID: manager.id, setAt: now, setBy: actor.text))
        try tx.record(
            .managerSet, by: actor, subject: person.id.text,
            detail: ["before": before.map { .string($0.text) } ?? .null, "after": .string(manager.id.text)], at: now)
    }

    /// Lets posts decide again. Without a named manager it does nothing.
    package func clear(_ person: Person) throws {
        guard let known = try tx.standing.override(of: person.id), try tx.standing.clearOverride(of: person.id) else {
            return
        }
        try tx.record(
            .managerCleared, by: actor, subject: person.id.text, detail: ["before": .string(known.managerID.text)],
            at: now)
    }

    /// Goes up from the new manager; whoever comes back to the person made a loop.
    private func refuseLoop(from manager: Person, to person: Person) throws {
        var seen: Set<PersonID> = []
        var current = manager
        while seen.insert(current.id).inserted, let above = try standing(of: current).manager {
            guard above.personID != person.id else {
                throw DirectoryError(
                    .conflict, "That would be a loop: going up from that manager comes back to this person.",
                    id: "Hubungan itu melingkar: atasan tersebut pada akhirnya berada di bawah orang ini."
                )
            }
            guard let next = try tx.people.find(above.personID) else { return }
            current = next
        }
    }
}
