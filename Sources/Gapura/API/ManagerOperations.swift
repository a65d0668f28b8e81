import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Who is whose manager (atasan langsung) today.
enum ManagerOperations {
    static let all = [show, set, clear, missing]

    private static let show = Operation("manager.show", ["person"], .scoped(.appointmentsRead)) { arguments, context in
        let name = try arguments.text("person")
        let (now, actor) = (context.now, context.actor)
        return try await context.store.read { tx, authority in
            let person = try authority.person(ManagerDirectory(tx, by: actor, at: now).person(name), in: tx)
            return try ManagerJSON.make(person, tx, actor, now, within: authority)
        }
    }

    private static let set = Operation("manager.set", ["person", "manager"], .needs(.appointmentsChange)) {
        arguments, context in
        let name = try arguments.text("person")
        let managerName = try arguments.text("manager")
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            let directory = ManagerDirectory(tx, by: actor, at: now)
            let person = try directory.person(name)
            try directory.set(directory.person(managerName), for: person)
            return try ManagerJSON.make(person, tx, actor, now)
        }
    }

    private static let clear = Operation("manager.clear", ["person"], .needs(.appointmentsChange)) {
        arguments, context in
        let name = try arguments.text("person")
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            let directory = ManagerDirectory(tx, by: actor, at: now)
            let person = try directory.person(name)
            try directory.clear(person)
            return try ManagerJSON.make(person, tx, actor, now)
        }
    }

    /// People in service without a manager.
    private static let missing = Operation("manager.missing", ["limit"], .scoped(.appointmentsRead)) {
        arguments, context in
        let limit = try arguments.optionalInteger("limit", 0...10_000_000) ?? 100
        let now = context.now
        return try await context.store.read { tx, authority in
            let list = try ManagerList(in: tx, under: authority.path, at: now)
            let shown = limit == 0 ? list.missing[...] : list.missing.prefix(Int(limit))
            let numbers = try PersonNumbers(shown.map(\.person.id), tx)
            let units = Dictionary(
                try tx.units.list(Set(shown.compactMap(\.person.unitID))).map { ($0.id, $0.name) }
            ) { first, _ in first }
            return [
                "people": .integer(Int64(list.people)), "missing": .integer(Int64(list.missing.count)),
                "rows": .array(
                    shown.map { missing in
                        [
                            "name": .string(missing.person.name), "nip": .text(numbers[missing.person.id]),
                            "pns_id": .text(missing.person.pnsID),
                            "unit": .text(missing.person.unitID.flatMap { units[$0] }),
                            "reason": .string(missing.reason.rawValue),
                        ]
                    }),
            ]
        }
    }
}

/// A person and their manager as operators see them.
private enum ManagerJSON {
    /// - Parameter authority: within whose reach numbers are told; nil for the whole city.
    static func make(
        _ person: Person, _ tx: Transaction, _ actor: Actor, _ now: Timestamp, within authority: Authority? = nil
    ) throws -> JSONValue {
        let standing = try ManagerDirectory(tx, by: actor, at: now).standing(of: person)
        var json: JSONObject = [
            "person": .string(person.fullName), "nip": .text(try tx.people.currentNIP(of: person.id)),
            "pns_id": .text(person.pnsID),
            "unit": .text(try person.unitID.flatMap { try tx.units.find($0)?.name }),
        ]
        json["manager"] = .null
        if let manager = standing.manager, let known = try tx.people.find(manager.personID) {
            var above: JSONObject = [
                "name": .string(known.fullName), "nip": .text(try tx.people.currentNIP(of: known.id)),
                "pns_id": .text(known.pnsID), "sub": .string(manager.sub), "rule": .string(manager.rule.rawValue),
                "unit": .text(try manager.unitID.flatMap { try tx.units.find($0)?.name }),
            ]
            // Whose manager works beyond reach learns the name, and nothing to look somebody up by.
            if let authority, try !authority.reaches(known, in: tx) {
                for member in ["nip", "pns_id", "sub"] { above[member] = .null }
            }
            json["manager"] = .object(above)
        }
        return .object(json)
    }
}
