import GapuraDirectory
import GapuraFormats
import GapuraStore

/// The city's inventory of applications, and who may use which.
enum ApplicationOperations {
    static let all = [add, update, list, show, state, access]

    private static let add = Operation(
        "application.add", ["slug", "name", "agency", "contact", "url", "description", "state"],
        .needs(.applicationsChange)
    ) { arguments, context in
        let slug = try slug(arguments.text("slug"))
        let name = try name(arguments.text("name"))
        let details = try Details(arguments)
        let state = try arguments.optionalWord("state", ApplicationState.self) ?? .diajukan
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            var wanted = ApplicationRecord(
                id: .make(now: now), slug: slug, name: name, state: state, createdAt: now, updatedAt: now)
            try details.apply(to: &wanted, tx)
            if let known = try tx.applications.find(slug: slug) {
                wanted.id = known.id
                wanted.createdAt = known.createdAt
                wanted.updatedAt = known.updatedAt
                guard wanted == known else {
                    throw OperationError(
                        .conflict,
                        "The application \(slug) is in the inventory with other details; use `gapura application update \(slug)`.",
                        id:
                            "Aplikasi \(slug) sudah tercatat dengan rincian lain; gunakan `gapura application update \(slug)`."
                    )
                }
                return .object(try ApplicationJSON.make(known, tx).adding("new", false))
            }
            try tx.applications.insert(wanted)
            try tx.record(
                .applicationAdded, by: actor, subject: wanted.id.text,
                detail: ["slug": .string(slug), "state": .string(state.rawValue)], at: now
            )
            return .object(try ApplicationJSON.make(wanted, tx).adding("new", true))
        }
    }

    private static let update = Operation(
        "application.update", ["slug", "name", "agency", "contact", "url", "description"], .needs(.applicationsChange)
    ) { arguments, context in
        let name = try arguments.optionalText("name").map { try ApplicationOperations.name($0) }
        let details = try Details(arguments)
        return try await change(arguments.text("slug"), context) { application, tx in
            if let name { application.name = name }
            try details.apply(to: &application, tx)
        }
    }

    private static let state = Operation("application.state", ["slug", "state"], .needs(.applicationsChange)) {
        arguments, context in
        guard let state = try arguments.optionalWord("state", ApplicationState.self) else {
            throw OperationError(.invalid, "state is missing.", id: "state belum diisi.")
        }
        return try await change(arguments.text("slug"), context) { application, _ in application.state = state }
    }

    private static let list = Operation("application.list", .scoped(.applicationsRead)) { _, context in
        try await context.store.read { tx, authority in
            let visible = try tx.applications.list().filter { try isVisible($0, authority, tx) }
            return ["applications": .array(try visible.map { .object(try ApplicationJSON.make($0, tx)) })]
        }
    }

    private static let show = Operation(showing: "application.show", ["slug"], .scoped(.applicationsRead)) {
        arguments, _, tx, authority in
        let application = try find(arguments.text("slug"), tx, within: authority)
        let clients = try tx.clients.list(of: application.id).map { JSONValue.string($0.id.text) }
        return try ApplicationJSON.make(application, tx).adding("clients", .array(clients))
    }

    /// Replaces who may use an application: everyone, or those of agencies and units who are employed in one of the
    /// kinds.
    private static let access = Operation(
        "application.access", ["slug", "everyone", "agencies", "units", "kinds"], .needs(.applicationsChange)
    ) {
        arguments, context in
        let slug = try arguments.text("slug")
        let everyone = try arguments.flag("everyone")
        let agencies = try arguments.texts("agencies")
        let units = try arguments.texts("units")
        let kinds = try arguments.texts("kinds").map(employeeKind)
        guard everyone == (agencies.isEmpty && units.isEmpty && kinds.isEmpty) else {
            throw OperationError(
                .invalid, "Say either that everyone may use it, or name agencies, units or kinds of employment.",
                id: "Pilih semua orang, atau sebutkan perangkat daerah, unit, atau jenis kepegawaian."
            )
        }
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            let application = try find(slug, tx)
            var rules = kinds.map { AccessRule(kind: .employeeKind, value: $0.rawValue) }
            rules += try agencies.map {
                AccessRule(kind: .agency, value: try UnitLookup.find($0, onlyAgencies: true, tx).id.text)
            }
            rules += try units.map {
                AccessRule(kind: .unit, value: try UnitLookup.find($0, onlyAgencies: false, tx).id.text)
            }
            if Set(try tx.applications.rules(of: application.id)) != Set(rules) {
                try tx.applications.replaceRules(of: application.id, with: rules)
                try tx.record(
                    .applicationUpdated, by: actor, subject: application.id.text,
                    detail: [
                        "changed": ["access"],
                        "access": .array(rules.map { .string("\($0.kind.rawValue)=\($0.value)") }),
                    ], at: now
                )
            }
            return .object(try ApplicationJSON.make(application, tx))
        }
    }

    // MARK: Steps

    /// Admins of a subtree see the applications that its units answer for.
    static func isVisible(_ application: ApplicationRecord, _ authority: Authority, _ tx: Transaction) throws -> Bool {
        guard authority.path != nil else { return true }
        return try application.ownerUnitID.map { try authority.includes($0, in: tx) } ?? false
    }

    /// The very words for an application that never was.
    static func unknown(_ slug: String) -> OperationError {
        OperationError(
            .notFound, "No application has the slug \(slug); see `gapura application list`.",
            id: "Tidak ada aplikasi dengan slug \(slug); lihat `gapura application list`."
        )
    }

    /// - Parameter authority: within whose reach to look; nil for the whole city.
    static func find(_ slug: String, _ tx: Transaction, within authority: Authority? = nil) throws -> ApplicationRecord
    {
        guard let application = try tx.applications.find(slug: slug),
            try authority.map({ try isVisible(application, $0, tx) }) ?? true
        else { throw unknown(slug) }
        return application
    }

    private static func change(
        _ slug: String, _ context: OperationContext,
        _ body: @escaping @Sendable (inout ApplicationRecord, Transaction) throws -> Void
    ) async throws -> JSONValue {
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            let before = try find(slug, tx)
            var after = before
            try body(&after, tx)
            if after != before {
                after.updatedAt = now
                try tx.applications.update(after)
                try tx.record(
                    .applicationUpdated, by: actor, subject: after.id.text, detail: changes(before, after), at: now)
            }
            return .object(try ApplicationJSON.make(after, tx))
        }
    }

    /// For the audit: the names of the members that changed, and state and owner before and after.
    private static func changes(_ before: ApplicationRecord, _ after: ApplicationRecord) -> JSONObject {
        let members = [
            ("name", before.name == after.name), ("state", before.state == after.state),
            ("owner", before.ownerUnitID == after.ownerUnitID), ("contact", before.contact == after.contact),
            ("url", before.url == after.url), ("description", before.description == after.description),
        ]
        var detail: JSONObject = ["changed": .array(members.filter { !$0.1 }.map { .string($0.0) })]
        if before.state != after.state {
            detail["state"] = ["before": .string(before.state.rawValue), "after": .string(after.state.rawValue)]
        }
        if before.ownerUnitID != after.ownerUnitID {
            detail["owner"] = [
                "before": .text(before.ownerUnitID?.text), "after": .text(after.ownerUnitID?.text),
            ]
        }
        return detail
    }

    /// The members that may be left out; what is left out stays as it is.
    private struct Details: Sendable {
        let agency: String?
        let contact: String?
        let url: String?
        let description: String?

        init(_ arguments: OperationArguments) throws {
            agency = try arguments.optionalText("agency")
            contact = try arguments.optionalText("contact").map { try ApplicationOperations.name($0) }
            description = try arguments.optionalText("description").map { try ApplicationOperations.name($0) }
            url = try arguments.optionalText("url")
            if let url, !Self.isWebAddress(url) {
                throw OperationError(
                    .invalid, "url must be a web address that begins with https:// (http:// only for this machine).",
                    id: "url harus alamat web yang diawali https:// (http:// hanya untuk komputer ini)."
                )
            }
        }

        func apply(to application: inout ApplicationRecord, _ tx: Transaction) throws {
            if let agency { application.ownerUnitID = try UnitLookup.find(agency, onlyAgencies: true, tx).id }
            if let contact { application.contact = contact }
            if let url { application.url = url }
            if let description { application.description = description }
        }

        /// A link in the portal: no `javascript:`, no spaces, no control characters.
        private static func isWebAddress(_ text: String) -> Bool {
            let bytes = text.utf8
            guard bytes.count <= 500,
                bytes.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x22 && $0 != 0x3c && $0 != 0x3e && $0 != 0x5c })
            else {
                return false
            }
            let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"].contains { prefix in
                let rest = bytes.dropFirst(prefix.utf8.count)
                return bytes.starts(with: prefix.utf8)
                    && (rest.isEmpty || rest.first == UInt8(ascii: ":") || rest.first == UInt8(ascii: "/"))
            }
            return local || (bytes.starts(with: "https://".utf8) && bytes.count > 8)
        }
    }

    private static func slug(_ text: String) throws -> String {
        let bytes = text.utf8
        let isRight =
            (2...64).contains(bytes.count)
            && bytes.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
            && bytes.first != 0x2d && bytes.last != 0x2d
        guard isRight else {
            throw OperationError(
                .invalid, "A slug has 2 to 64 characters a-z, 0-9 and '-', such as e-absensi.",
                id: "Slug terdiri dari 2 sampai 64 karakter a-z, 0-9, dan '-', misalnya e-absensi."
            )
        }
        return text
    }

    /// A text for people, of any length that is one.
    static func name(_ text: String) throws -> String {
        guard text.utf8.count <= 500, text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
            throw OperationError(
                .invalid, "A text is too long or has control characters.",
                id: "Ada teks yang terlalu panjang atau tidak sah.")
        }
        return text
    }

    static func employeeKind(_ text: String) throws -> EmployeeKind {
        guard let kind = EmployeeKind(rawValue: text) else {
            let kinds = EmployeeKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw OperationError(
                .invalid, "A kind of employment is one of \(kinds).",
                id: "Jenis kepegawaian adalah salah satu dari \(kinds).")
        }
        return kind
    }
}

/// An application as operators see it.
enum ApplicationJSON {
    static func make(_ application: ApplicationRecord, _ tx: Transaction) throws -> JSONObject {
        let rules = try tx.applications.rules(of: application.id).map { rule -> JSONValue in
            let name = rule.kind == .employeeKind ? nil : try UnitID(rule.value).flatMap { try tx.units.find($0)?.name }
            return ["kind": .string(rule.kind.rawValue), "value": .string(rule.value), "name": .text(name)]
        }
        return [
            "id": .string(application.id.text), "slug": .string(application.slug), "name": .string(application.name),
            "state": .string(application.state.rawValue),
            "agency": .text(try application.ownerUnitID.flatMap { try tx.units.find($0)?.name }),
            "contact": .text(application.contact),
            "url": .text(application.url), "description": .text(application.description), "access": .array(rules),
        ]
    }
}

extension JSONObject {
    /// The same object with one more member.
    func adding(_ key: String, _ value: JSONValue) -> JSONObject {
        var copy = self
        copy[key] = value
        return copy
    }
}

/// Finds a unit as operators name it: by id, by its id in personnel data, or by its name.
enum UnitLookup {
    /// - Parameter authority: within whose reach to look; nil for the whole city.
    static func find(_ text: String, onlyAgencies: Bool, _ tx: Transaction, within authority: Authority? = nil) throws
        -> Unit
    {
        let isVisible = { (unit: Unit) in authority?.includes(path: unit.path) ?? true }
        let known = try UnitID(text).flatMap { try tx.units.find($0) } ?? tx.units.find(sourceID: text)
        if let known, known.validTo == nil, !onlyAgencies || known.agencyID == known.id, isVisible(known) {
            return known
        }
        let wanted = nameKey(text)
        let units = try tx.units.list().filter { (!onlyAgencies || $0.agencyID == $0.id) && isVisible($0) }
        let exact = units.filter { nameKey($0.name).isExactly(wanted) }
        let found = exact.isEmpty ? units.filter { nameKey($0.name).utf8.firstRange(of: wanted.utf8) != nil } : exact
        if found.count == 1, let unit = found.first { return unit }
        guard found.isEmpty else {
            let names = found.prefix(5).map { "\($0.name) (\($0.sourceID))" }.joined(separator: "; ")
            throw OperationError(
                .conflict, "More than one unit is called that: \(names). Give the id in brackets.",
                id: "Lebih dari satu unit bernama demikian: \(names). Tulis id dalam kurung."
            )
        }
        throw OperationError(
            .notFound,
            "No \(onlyAgencies ? "agency" : "unit") is called \(text); load the units with `gapura personnel load` first.",
            id:
                "Tidak ada \(onlyAgencies ? "perangkat daerah" : "unit") bernama \(text); muat dahulu unit dengan `gapura personnel load`."
        )
    }
}
