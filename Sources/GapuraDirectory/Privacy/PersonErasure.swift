package import GapuraFormats
package import GapuraStore

/// Finding a person in every form in which the database knows one, and forgetting them (UU PDP articles 8 and 43): each
/// function is one step inside the caller's transaction and writes its own audit row.
package struct PersonErasure {
    private let tx: Transaction
    private let actor: Actor
    private let now: Timestamp

    /// What stands where somebody's name was.
    package static let placeholder = "(dihapus)"

    package init(_ tx: Transaction, by actor: Actor, at now: Timestamp) {
        self.tx = tx
        self.actor = actor
        self.now = now
    }

    /// The person and the account behind an NIP, a `pns_id`, a user name, a verified email, or an id of either.
    /// - Throws: `DirectoryError` if there is nobody.
    package func subject(_ name: String) throws -> HeldSubject {
        if let id = PersonID(name), let person = try tx.people.find(id) { return try subject(of: person) }
        let accounts = AccountDirectory(tx, by: actor, at: now)
        let byID = try AccountID(name).flatMap { try tx.accounts.find($0) }
        if let account = try byID ?? accounts.find(named: name) {
            return HeldSubject(person: try account.personID.flatMap { try tx.people.find($0) }, account: account)
        }
        do {
            return try subject(of: ManagerDirectory(tx, by: actor, at: now).person(name))
        } catch is DirectoryError {
            throw DirectoryError(
                .notFound, "Nobody is known by that NIP, pns_id, user name, email or id.",
                id: "Tidak ada orang dengan NIP, pns_id, nama pengguna, surel, atau id tersebut.")
        }
    }

    private func subject(of person: Person) throws -> HeldSubject {
        HeldSubject(person: person, account: try tx.accounts.find(personID: person.id))
    }

    /// Whether the last load has the person as working here: then the city still needs the data, and the next load
    /// would bring it back.
    package func isAtWork(_ person: Person) throws -> Bool {
        guard person.worksHere, person.pnsID != nil, try tx.loads.latest() != nil else { return false }
        return try !tx.schedule.list(of: person.id).contains { $0.kind == .vanished && $0.state != .cancelled }
    }

    /// Closes the account, ends what is signed in, and removes what identifies the person. The ids stay, so that the
    /// audit stays whole and a `sub` is never given to somebody else.
    package func forget(_ subject: HeldSubject) throws {
        if let person = subject.person, try isAtWork(person) {
            throw DirectoryError(
                .refused, "The last load of personnel data has this person as working here; they are not forgotten.",
                id: "Muatan terakhir masih mencatat orang ini bekerja di sini; datanya tidak dihapus.")
        }
        let rows = try tx.heldData.counts(subject).reduce(Int64(0)) { $0 + $1.rows }
        if let account = subject.account {
            let accounts = AccountDirectory(tx, by: actor, at: now)
            try accounts.setState(account, .nonaktif)
            // Applications hear of it through the ledger, which keeps opaque ids only.
            try SessionEnding.endAll(of: account, reason: .accountState, by: actor, in: tx, at: now)
            if let closed = try tx.accounts.find(account.id) { try accounts.setRole(closed, .none) }
        }
        try tx.heldData.erase(subject, placeholder: Self.placeholder, at: now)
        var detail: JSONObject = ["rows": .integer(rows)]
        detail["person"] = subject.person.map { .string($0.id.text) }
        try tx.record(
            .personForgotten, by: actor, subject: subject.account?.id.text ?? subject.person?.id.text, detail: detail,
            at: now)
    }
}
