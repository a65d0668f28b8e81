import GapuraDirectory
import GapuraFormats
import GapuraStore

/// The roles of applications, and which two nobody may hold together.
enum RoleOperations {
    static let all = [add, list, exclude, exclusions]

    private static let add = Operation("role.add", ["application", "name", "description"], .needs(.rolesChange)) {
        arguments, context in
        let slug = try arguments.text("application")
        let name = try arguments.text("name")
        let description = try arguments.optionalText("description").map(GrantText.check)
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            let application = try ApplicationOperations.find(slug, tx)
            let (role, isNew) = try GrantDirectory(tx, by: actor, at: now)
                .addRole(name, description: description, to: application)
            return .object(json(role, of: application).adding("new", .bool(isNew)))
        }
    }

    private static let list = Operation("role.list", ["application"], .scoped(.applicationsRead)) {
        arguments, context in
        let slug = try arguments.text("application")
        return try await context.store.read { tx, authority in
            let application = try ApplicationOperations.find(slug, tx, within: authority)
            var slugs: [ApplicationID: String] = [application.id: application.slug]
            let roles = try tx.grants.roles(of: application.id).map { role -> JSONValue in
                let others = try tx.grants.excluded(by: QualifiedRole(application.id, role.name))
                let excludes = try others.map { JSONValue.string(try GrantText.name(of: $0, &slugs, tx)) }
                return .object(json(role, of: application).adding("excludes", .array(excludes)))
            }
            return ["roles": .array(roles)]
        }
    }

    private static let exclude = Operation("role.exclude", ["first", "second"], .needs(.rolesChange)) {
        arguments, context in
        let (first, second) = (try arguments.text("first"), try arguments.text("second"))
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            let directory = GrantDirectory(tx, by: actor, at: now)
            let isNew = try directory.exclude(
                try GrantText.role(first, directory), try GrantText.role(second, directory))
            return ["first": .string(first), "second": .string(second), "new": .bool(isNew)]
        }
    }

    /// Every pair, with those whom both roles reach in spite of it: a transfer or a new post can bring that about. Both
    /// are withheld from them until one has ended.
    private static let exclusions = Operation("role.exclusions", .needs(.grantsRead)) { _, context in
        let now = context.now
        return try await context.store.read { tx in
            var slugs: [ApplicationID: String] = [:]
            let pairs = try tx.grants.exclusions().map { pair -> JSONValue in
                let conflicts = try tx.grants.conflicts(pair.first, pair.second, from: now, limit: 20)
                return [
                    "first": .string(try GrantText.name(of: pair.first, &slugs, tx)),
                    "second": .string(try GrantText.name(of: pair.second, &slugs, tx)),
                    "by": .string(pair.createdBy), "at": .time(pair.createdAt),
                    "people": .integer(Int64(conflicts.people)),
                    "conflicts": .array(
                        conflicts.first.map { conflict in
                            [
                                "account": .string(conflict.accountID.text), "grant": .string(conflict.grantID.text),
                                "other_grant": .string(conflict.otherGrantID.text),
                            ]
                        }),
                ]
            }
            return ["exclusions": .array(pairs)]
        }
    }

    private static func json(_ role: ApplicationRole, of application: ApplicationRecord) -> JSONObject {
        [
            "application": .string(application.slug), "name": .string(role.name),
            "description": .text(role.description), "created_at": .time(role.createdAt),
        ]
    }
}

/// Who holds which role, from when to when, and on which letter.
enum GrantOperations {
    static let all = [add, list, end, showFor]

    private static let add = Operation(
        "grant.add",
        ["application", "role", "account", "post", "unit", "kind", "in_unit", "from", "until", "letter"],
        .scoped(.grantsChange)
    ) { arguments, context in
        let slug = try arguments.text("application")
        let role = try arguments.text("role")
        let letter = try arguments.text("letter")
        let to = try Recipient(arguments)
        let inUnit = try arguments.optionalText("in_unit")
        let calendar = CityCalendar(timeZone: context.settings.timeZone)
        let from = try day("from", arguments).map(calendar.start)
        let until = try day("until", arguments).map(calendar.end)
        let (now, actor) = (context.now, context.actor)
        let today = calendar.day(of: now).map(calendar.start) ?? now
        return try await context.store.write { tx, authority in
            let application = try ApplicationOperations.find(slug, tx)
            // Of other applications an admin of a subtree knows those that they hold a role in.
            guard
                try ApplicationOperations.isVisible(application, authority, tx)
                    || authority.holdsRole(in: application.id, tx, at: now)
            else { throw ApplicationOperations.unknown(slug) }
            guard ![.ditolak, .diarsipkan].contains(application.state) else {
                throw OperationError(
                    .refused, "The application is \(application.state.rawValue); its roles are given to nobody.",
                    id: "Aplikasi berstatus \(application.state.rawValue); perannya tidak diberikan kepada siapa pun."
                )
            }
            let directory = GrantDirectory(tx, by: actor, at: now)
            let wish = GrantDirectory.Wish(
                role: try directory.role(role, of: application), subject: try to.subject(tx, authority, at: now),
                unitID: try inUnit.map { try UnitLookup.find($0, onlyAgencies: false, tx, within: authority).id },
                validFrom: from, validTo: until, letterNumber: letter
            )
            try authority.requireMayGrant(wish.role, of: application, to: wish.subject, in: wish.unitID, tx, at: now)
            let begin = max(wish.validFrom ?? today, now)
            let heldBefore = try authority.holdsRole(wish.role, tx, at: begin)
            let (grant, isNew) = try directory.give(wish, today: today)
            try authority.refuseSelfGrant(wish.role, heldBefore: heldBefore, tx, at: begin)
            return .object(try GrantJSON.make(grant.id, tx, calendar, at: now).adding("new", .bool(isNew)))
        }
    }

    private static let list = Operation(
        "grant.list", ["application", "account", "on", "after", "limit"], .scoped(.grantsRead)
    ) { arguments, context in
        let slug = try arguments.optionalText("application")
        let name = try arguments.optionalText("account")
        let calendar = CityCalendar(timeZone: context.settings.timeZone)
        // A day asks who held something at its end.
        let moment = try day("on", arguments).map { calendar.end(of: $0).adding(milliseconds: -1) }
        let limit = try arguments.optionalInteger("limit", 1...100_000) ?? 1000
        let after: GrantID? = try arguments.optionalID("after")
        let now = context.now
        return try await context.store.read { tx, authority in
            let application = try slug.map { try ApplicationOperations.find($0, tx) }
            let account = try name.map { try authority.find($0, in: tx, at: now).id }
            let found = try tx.grants.list(
                application: application?.id, account: account, at: moment, under: authority.path, after: after,
                limit: limit + 1)
            // An application that nobody within reach has to do with is unknown.
            if let application, found.isEmpty, after == nil,
                try !ApplicationOperations.isVisible(application, authority, tx)
            {
                throw ApplicationOperations.unknown(application.slug)
            }
            return [
                "grants": .array(
                    found.prefix(Int(limit)).map { .object(GrantJSON.make($0, calendar, at: moment ?? now)) }),
                "more": .bool(Int64(found.count) > limit),
            ]
        }
    }

    private static let end = Operation("grant.end", ["id", "on"], .scoped(.grantsChange)) { arguments, context in
        let text = try arguments.text("id")
        let calendar = CityCalendar(timeZone: context.settings.timeZone)
        let moment = try day("on", arguments).map(calendar.end)
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx, authority in
            guard let id = GrantID(text) else {
                throw OperationError(.invalid, "That is no id of a grant.", id: "Itu bukan id pemberian.")
            }
            guard let grant = try tx.grants.find(id) else { throw Authority.unknownGrant }
            try authority.requireMayEnd(grant, tx, at: now)
            let (_, isChanged) = try GrantDirectory(tx, by: actor, at: now).end(id, at: moment)
            return .object(try GrantJSON.make(id, tx, calendar, at: now).adding("changed", .bool(isChanged)))
        }
    }

    /// Every role that somebody holds now, with the grant it comes from and why that reaches them.
    private static let showFor = Operation("grant.show-for", ["name"], .scoped(.grantsRead)) { arguments, context in
        let name = try arguments.text("name")
        let calendar = CityCalendar(timeZone: context.settings.timeZone)
        let now = context.now
        return try await context.store.read { tx, authority in
            let account = try authority.find(name, in: tx, at: now)
            let held = try GrantPolicy.roles(of: account, in: tx, at: now)
            let names = Dictionary(held.map { ($0.qualifiedRole, GrantText.name(of: $0)) }) { first, _ in first }
            let roles = try held.map { role -> JSONValue in
                var json = GrantJSON.make(role.named, calendar, at: now)
                // Only those that this person holds too, and which therefore withhold this one.
                let others = role.isWithheld ? try tx.grants.excluded(by: role.qualifiedRole) : []
                json["withheld_by"] = .array(others.compactMap { names[$0] }.map(JSONValue.string))
                return .object(json)
            }
            return [
                "account": .string(account.id.text), "state": .string(account.state(at: now).rawValue),
                "roles": .array(roles),
            ]
        }
    }

    // MARK: Steps

    /// To whom, as the arguments say it: exactly one of four.
    private struct Recipient: Sendable {
        let kind: GrantSubject.Kind
        let text: String

        init(_ arguments: OperationArguments) throws {
            let given = try GrantSubject.Kind.allCases.compactMap { kind in
                try arguments.optionalText(kind.rawValue).map { (kind, $0) }
            }
            guard given.count == 1, let one = given.first else {
                throw OperationError(
                    .invalid, "Give exactly one of account, post, unit and kind.",
                    id: "Sebutkan tepat satu: account, post, unit, atau kind."
                )
            }
            (kind, text) = one
        }

        func subject(_ tx: Transaction, _ authority: Authority, at now: Timestamp) throws -> GrantSubject {
            switch kind {
            case .account: GrantSubject(.account, try authority.find(text, in: tx, at: now).id.text)
            case .post: GrantSubject(.post, text)
            case .unit:
                GrantSubject(.unit, try UnitLookup.find(text, onlyAgencies: false, tx, within: authority).id.text)
            case .kind: GrantSubject(.kind, try ApplicationOperations.employeeKind(text).rawValue)
            }
        }
    }

    private static func day(_ name: String, _ arguments: OperationArguments) throws -> CalendarDate? {
        guard let text = try arguments.optionalText(name) else { return nil }
        guard let day = CalendarDate(text), day.year >= 1970 else {
            throw OperationError(
                .invalid, "\(name) must be a day such as 2026-12-31.",
                id: "\(name) harus berupa tanggal, misalnya 2026-12-31."
            )
        }
        return day
    }
}

/// A grant as operators see it: days of the city, the last one included.
enum GrantJSON {
    static func make(_ id: GrantID, _ tx: Transaction, _ calendar: CityCalendar, at now: Timestamp) throws -> JSONObject
    {
        guard let named = try tx.grants.findNamed(id) else {
            throw OperationError(.notFound, "There is no grant with that id.", id: "Tidak ada pemberian dengan id itu.")
        }
        return make(named, calendar, at: now)
    }

    static func make(_ named: NamedGrant, _ calendar: CityCalendar, at now: Timestamp) -> JSONObject {
        let grant = named.grant
        return [
            "id": .string(grant.id.text), "application": .string(named.applicationSlug), "role": .string(grant.role),
            "kind": .string(grant.subject.kind.rawValue), "subject": .string(grant.subject.value),
            "subject_name": .text(named.subjectName), "in_unit": .text(named.unitName),
            "from": .text(calendar.day(of: grant.validFrom)?.iso8601),
            "until": .text(grant.endsAt.flatMap { calendar.lastDay(before: $0)?.iso8601 }),
            "counts": .bool(grant.counts(at: now)), "letter": .string(grant.letterNumber),
            "given_by": .string(grant.givenBy), "given_at": .time(grant.givenAt),
            "ended_at": .time(grant.endedAt), "ended_by": .text(grant.endedBy),
            "end_reason": .text(grant.endReason?.rawValue),
        ]
    }
}

/// Roles as commands name them: `e-kinerja:penilai`.
enum GrantText {
    static func role(_ text: String, _ directory: GrantDirectory) throws -> QualifiedRole {
        let bytes = text.utf8
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
            throw OperationError(
                .invalid, "A role is named with its application: e-kinerja:penilai.",
                id: "Peran disebut bersama aplikasinya: e-kinerja:penilai."
            )
        }
        let application = try ApplicationOperations.find(String(text[..<colon]), directory.tx)
        return try directory.role(String(text[bytes.index(after: colon)...]), of: application)
    }

    static func name(of role: HeldRole) -> String { "\(role.named.applicationSlug):\(role.grant.role)" }

    static func name(of role: QualifiedRole, _ slugs: inout [ApplicationID: String], _ tx: Transaction) throws -> String
    {
        let slug = try slugs[role.applicationID] ?? tx.applications.find(role.applicationID)?.slug
        slugs[role.applicationID] = slug
        return "\(slug ?? role.applicationID.text):\(role.name)"
    }

    /// One line about a role.
    static func check(_ text: String) throws -> String {
        guard text.utf8.count <= 500, text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
            throw OperationError(
                .invalid, "A text is too long or has control characters.",
                id: "Ada teks yang terlalu panjang atau tidak sah.")
        }
        return text
    }
}
