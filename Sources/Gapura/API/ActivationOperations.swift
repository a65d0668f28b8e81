import GapuraDirectory
import GapuraFormats
import GapuraStore

/// How people get in for the first time: printed one-time codes, and who has not come yet.
enum ActivationOperations {
    static let all = [codes, pending]

    private static let codes = Operation(
        "account.codes", ["unit", "all", "names", "again", "csv", "sheet"], .scoped(.codesIssue)
    ) { arguments, context in
        let unit = try arguments.optionalText("unit")
        let isAll = try arguments.flag("all")
        let names = try arguments.texts("names")
        let again = try arguments.flag("again")
        guard [unit != nil, isAll, !names.isEmpty].count(where: { $0 }) == 1 else {
            throw OperationError(
                .invalid, "Say for whom: a unit, all, or accounts by name; one of these.",
                id: "Sebutkan untuk siapa: sebuah unit, semua, atau nama akun; salah satu saja."
            )
        }
        let (csv, sheet) = (try arguments.optionalText("csv"), try arguments.optionalText("sheet"))
        // Files lie on the server: they are for whoever sits at it. Others get the codes in the answer.
        guard context.isConsole || (csv == nil && sheet == nil) else {
            throw OperationError(
                .forbidden, "Files are written for whoever sits at the server; leave out csv and sheet.",
                id: "Berkas hanya ditulis bagi pengelola server; jangan sebut csv dan sheet."
            )
        }
        guard csv != nil || sheet != nil || !names.isEmpty || !context.isConsole else {
            throw OperationError(
                .invalid, "Say where the codes go: a sheet for printing, a CSV file, or both.",
                id: "Sebutkan ke mana kode ditulis: lembar untuk dicetak, berkas CSV, atau keduanya."
            )
        }
        let (now, actor, settings) = (context.now, context.actor, context.settings)
        let key = context.services.secrets.activation
        let lists = try ActivationLists(
            csv: csv, sheet: sheet, isAnswered: csv == nil && sheet == nil, settings,
            expiresAt: now.adding(seconds: settings.activationCodeLifetime))
        context.progress(0.1, "issuing")
        defer { lists.discard() }
        let (outcome, skipped) = try await context.store.write { tx, authority in
            try lists.begin()
            var order = ActivationBatch.Order(
                scope: authority.path.map { .under(path: $0) } ?? .all, again: again, key: key,
                lifetime: settings.activationCodeLifetime)
            var skipped: [JSONValue] = []
            if let unit {
                let found = try UnitLookup.find(unit, onlyAgencies: false, tx, within: authority)
                order.scope = .under(path: found.path)
                order.unitID = found.id
            } else if !names.isEmpty {
                let accounts = try names.map { try authority.account($0, for: .codesIssue, in: tx, at: now) }
                skipped = try accounts.compactMap { try Skipped.json($0, again: again, tx, at: now) }
                order.scope = .accounts(accounts.map(\.id))
            }
            let outcome = try ActivationBatch.issue(order, in: tx, by: actor, at: now, each: lists.write)
            try lists.sync()
            return (outcome, skipped)
        }
        var json: JSONObject = [
            "issued": .integer(Int64(outcome.issued)), "replaced": .integer(Int64(outcome.replaced)),
            "kept": .integer(Int64(outcome.kept)), "skipped": .array(skipped),
        ]
        guard outcome.issued > 0 else { return .object(json) }
        let listed = lists.finish()
        json["batch"] = .string(outcome.batch)
        json["expires_at"] = .time(outcome.expiresAt)
        json["url"] = .string(settings.issuer + ActivationEndpoint.path)
        json["csv_file"] = .text(csv)
        json["sheet_file"] = .text(sheet)
        if csv == nil, sheet == nil { json["codes"] = .array(listed) }
        return .object(json)
    }

    private static let pending = Operation("account.pending", ["unit", "limit"], .scoped(.accountsRead)) {
        arguments, context in
        let unit = try arguments.optionalText("unit")
        let limit = try arguments.optionalInteger("limit", 0...1_000_000) ?? 100
        let now = context.now
        return try await context.store.read { tx, authority in
            let path =
                try unit.map { try UnitLookup.find($0, onlyAgencies: false, tx, within: authority).path }
                ?? authority.path
            let scope = path.map { ActivationQueries.Scope.under(path: $0) } ?? .all
            let counts = try tx.activation.counts(scope, at: now)
                .sorted { ($0.agency.map(nameKey) ?? "~") < ($1.agency.map(nameKey) ?? "~") }
            var people: [JSONValue] = []
            try tx.activation.eachNewcomer(
                scope, states: [.aktif, .terbatas], at: now, limit: limit == 0 ? nil : limit
            ) { people.append(person($0)) }
            func sum(_ member: KeyPath<ArrivalCount, Int64>) -> JSONValue {
                .integer(counts.reduce(0) { $0 + $1[keyPath: member] })
            }
            return [
                "accounts": sum(\.accounts), "pending": sum(\.pending), "issued": sum(\.issued),
                "expired": sum(\.expired),
                "agencies": .array(
                    counts.map { count in
                        [
                            "agency": .text(count.agency), "accounts": .integer(count.accounts),
                            "pending": .integer(count.pending), "issued": .integer(count.issued),
                            "expired": .integer(count.expired),
                            "none": .integer(count.pending - count.issued - count.expired),
                        ]
                    }),
                "people": .array(people),
            ]
        }
    }

    private static func person(_ newcomer: Newcomer) -> JSONValue {
        let (state, moment): (String, Timestamp?) =
            switch newcomer.code {
            case .none: ("none", nil)
            case .issued(let until): ("issued", until)
            case .expired(let at): ("expired", at)
            }
        return [
            "id": .string(newcomer.account.id.text), "name": .string(newcomer.name), "nip": .text(newcomer.nip),
            "user_name": .text(newcomer.account.userName), "unit": .text(newcomer.place?.name),
            "agency": .text(newcomer.place?.agency), "code": .string(state), "code_expires_at": .time(moment),
        ]
    }

    /// Why an account that was named gets no code.
    private enum Skipped: String {
        case hasPassword = "has_password"
        case notActive = "not_active"
        case hasCode = "has_code"

        private init?(_ account: Account, again: Bool, _ tx: Transaction, at now: Timestamp) throws {
            if account.passwordHash != nil {
                self = .hasPassword
            } else if account.state(at: now) != .aktif {
                self = .notActive
            } else if !again, let code = try tx.activation.find(account.id), code.usedAt == nil, now < code.expiresAt {
                self = .hasCode
            } else {
                return nil
            }
        }

        private var words: (english: String, indonesian: String) {
            switch self {
            case .hasPassword:
                (
                    "has a password; whoever forgot it gets a link: gapura account link",
                    "sudah memiliki kata sandi; yang lupa diberi tautan: gapura account link"
                )
            case .notActive: ("is not aktif", "tidak berstatus aktif")
            case .hasCode:
                (
                    "has a code that is good; --again issues another and makes that one worthless",
                    "masih memiliki kode yang berlaku; --again membuat yang baru dan membatalkan yang lama"
                )
            }
        }

        static func json(_ account: Account, again: Bool, _ tx: Transaction, at now: Timestamp) throws -> JSONValue? {
            guard let reason = try Skipped(account, again: again, tx, at: now) else { return nil }
            let person = try account.personID.flatMap { try tx.people.find($0) }
            return [
                "account": .string(account.id.text), "name": .text(person?.fullName ?? account.displayName),
                "reason": .string(reason.rawValue), "message": .string(reason.words.english),
                "pesan": .string(reason.words.indonesian),
            ]
        }
    }
}
