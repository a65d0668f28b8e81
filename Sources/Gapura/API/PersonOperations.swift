import GapuraDirectory
import GapuraFormats
import GapuraStore

/// One person's data: shown, looked up by NIK, exported for them, forgotten (UU PDP articles 5 to 13 and 43).
enum PersonOperations {
    static let all = [show, find, disclosures, export, data, forget]

    private static let show = Operation("person.show", ["name"], .needs(.peopleDisclose)) { arguments, context in
        let name = try arguments.text("name")
        let (now, actor, vault) = (context.now, context.actor, context.services.secrets.identities)
        return try await context.store.read { tx in
            .object(try PersonJSON.make(PersonErasure(tx, by: actor, at: now).subject(name), vault, tx, at: now))
        }
    }

    /// Whose NIK it is; it is itself in no answer and no log.
    private static let find = Operation("person.find", ["nik"], .needs(.peopleDisclose)) { arguments, context in
        let text = try arguments.text("nik")
        guard let nik = (try? NIK.parse(text)) ?? nil else {
            throw OperationError(
                .invalid, "A NIK has 16 digits with a possible day and serial.",
                id: "NIK terdiri dari 16 digit dengan tanggal dan nomor urut yang mungkin.")
        }
        let (now, actor, vault) = (context.now, context.actor, context.services.secrets.identities)
        let lookup = try vault.lookup(nik)
        return try await context.store.write { tx in
            let people = try tx.identities.find(lookup: lookup)
            for person in people { try tx.record(.identityLookedUp, by: actor, subject: person.personID.text, at: now) }
            let erasure = PersonErasure(tx, by: actor, at: now)
            return [
                "people": .array(
                    try people.map {
                        .object(try PersonJSON.make(erasure.subject($0.personID.text), vault, tx, at: now))
                    })
            ]
        }
    }

    private static let disclosures = Operation("person.disclosures", ["name"], .needs(.peopleDisclose)) {
        arguments, context in
        let name = try arguments.text("name")
        let (now, actor) = (context.now, context.actor)
        return try await context.store.read { tx in
            let subject = try PersonErasure(tx, by: actor, at: now).subject(name)
            let given = try subject.account.map { try tx.disclosures.list(about: $0.id) } ?? []
            return [
                "disclosures": .array(
                    given.map { one in
                        [
                            "application": .string(one.applicationName), "client_id": .string(one.clientID.text),
                            "claims": .array(one.claims.split(separator: " ").map { .string(String($0)) }),
                            "first_at": .time(one.firstAt), "last_at": .time(one.lastAt), "times": .integer(one.times),
                        ]
                    })
            ]
        }
    }

    private static let export = Operation("person.export", ["name", "file"], .console) { arguments, context in
        let name = try arguments.text("name")
        let path = try arguments.text("file")
        let file = try NewFile(path)
        let json = try await everything(about: name, showsNIK: true, context)
        try file.write(JSONValue.object(json).encodedText() + "\n")
        try file.finish()
        return [
            "file": .string(path),
            "tables": .object(
                JSONObject(
                    json.members.compactMap { key, value in
                        value.array.flatMap { $0.isEmpty ? nil : (key, .integer(Int64($0.count))) }
                    })),
        ]
    }

    /// The same as an answer, with the NIK covered: that leaves the server in a file of whoever sits at it, or under its
    /// scope.
    private static let data = Operation("person.data", ["name"], .needs(.peopleDisclose)) { arguments, context in
        .object(try await everything(about: try arguments.text("name"), showsNIK: false, context))
    }

    private static func everything(
        about name: String, showsNIK: Bool, _ context: OperationContext
    ) async throws -> JSONObject {
        let (now, actor, vault) = (context.now, context.actor, context.services.secrets.identities)
        // The row that says so is in it: it is about the person too.
        return try await context.store.write { tx in
            let subject = try PersonErasure(tx, by: actor, at: now).subject(name)
            try tx.record(
                .personExported, by: actor, subject: subject.account?.id.text ?? subject.person?.id.text, at: now)
            return try PersonExport.make(subject, vault, showsNIK: showsNIK, in: tx, at: now)
        }
    }

    private static let forget = Operation("person.forget", ["name", "confirmed"], .needs(.peopleForget)) {
        arguments, context in
        let name = try arguments.text("name")
        let isConfirmed = try arguments.flag("confirmed")
        let (now, actor) = (context.now, context.actor)
        guard isConfirmed else {
            return try await context.store.read { tx in
                let erasure = PersonErasure(tx, by: actor, at: now)
                let subject = try erasure.subject(name)
                var json = try PersonJSON.rows(subject, tx)
                json["at_work"] = .bool(try subject.person.map(erasure.isAtWork) ?? false)
                json["forgotten"] = false
                return .object(json)
            }
        }
        return try await context.store.write { tx in
            let erasure = PersonErasure(tx, by: actor, at: now)
            let subject = try erasure.subject(name)
            var json = try PersonJSON.rows(subject, tx)
            try erasure.forget(subject)
            json["forgotten"] = true
            return .object(json)
        }
    }
}

/// A person as operators see one: the NIK covered but for its serial.
enum PersonJSON {
    static func make(_ subject: HeldSubject, _ vault: IdentityVault, _ tx: Transaction, at now: Timestamp) throws
        -> JSONObject
    {
        let (person, account) = (subject.person, subject.account)
        let unit = try person?.unitID.flatMap { try tx.units.find($0) }
        let identity = try person.flatMap { try tx.identities.find($0.id) }
        return [
            "person_id": .text(person?.id.text), "account_id": .text(account?.id.text), "sub": .text(account?.sub),
            "name": .text(person?.fullName ?? account?.displayName), "pns_id": .text(person?.pnsID),
            "nip": .text(try person.flatMap { try tx.people.currentNIP(of: $0.id) }),
            // Unreadable is told apart from none: the keys are others than they were.
            "nik": .text(identity.map { vault.open($0)?.masked ?? "?" }),
            "user_name": .text(account?.userName), "employee_kind": .text(person?.employeeKind.rawValue),
            "post": .text(person?.postName), "unit": .text(unit?.name),
            "works_here": person.map { .bool($0.worksHere) } ?? .null,
            "state": .text(account?.state(at: now).rawValue),
        ]
    }

    static func rows(_ subject: HeldSubject, _ tx: Transaction) throws -> JSONObject {
        [
            "person_id": .text(subject.person?.id.text), "account_id": .text(subject.account?.id.text),
            "name": .text(subject.person?.fullName ?? subject.account?.displayName),
            "rows": .object(JSONObject(try tx.heldData.counts(subject).map { ($0.name, .integer($0.rows)) })),
        ]
    }
}
