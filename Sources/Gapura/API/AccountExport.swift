import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTabular

/// All accounts as a file for a spreadsheet program, page by page: neither the file nor the list is ever in memory.
enum AccountExport {
    static let operation = Operation("account.export", ["file", "state", "role", "unit"], .console) {
        arguments, context in
        var filter = AccountFilter(
            state: try arguments.optionalWord("state"), role: try arguments.optionalWord("role"), limit: page)
        let unit = try arguments.optionalText("unit")
        let path = try arguments.text("file")
        let file = try NewFile(path)
        let (now, actor) = (context.now, context.actor)
        filter.path = try await context.store.read { tx, authority in
            try unit.map { try UnitLookup.find($0, onlyAgencies: false, tx, within: authority).path }
        }
        try file.write(CSVWriter.row(head, delimiter: ";"))
        var count: Int64 = 0
        while true {
            let accounts = try await context.store.read { [filter] tx in
                var accounts: [ListedAccount] = []
                try tx.accounts.each(filter, at: now) { accounts.append($0) }
                return accounts
            }
            for account in accounts { try file.write(row(account, at: now)) }
            count += Int64(accounts.count)
            guard Int64(accounts.count) == page, let last = accounts.last else { break }
            filter.after = last.account.id
        }
        try file.flush()
        let rows = count
        try await context.store.write { tx in
            try tx.record(.accountsExported, by: actor, detail: ["accounts": .integer(rows)], at: now)
        }
        try file.finish()
        return ["file": .string(path), "accounts": .integer(count)]
    }

    /// How many accounts a transaction reads.
    private static let page: Int64 = 5000

    private static let head = [
        "id", "nip", "user_name", "name", "state", "role", "role_unit", "unit", "agency", "has_password",
    ]

    private static func row(_ listed: ListedAccount, at now: Timestamp) -> String {
        let account = listed.account
        return CSVWriter.row(
            [
                account.id.text,
                // Eighteen digits would lose the last three in a spreadsheet program.
                listed.nip.map { "'" + $0 } ?? "", account.userName ?? "", listed.name ?? "",
                account.state(at: now).rawValue, account.role.rawValue, listed.roleUnit ?? "", listed.unit ?? "",
                listed.agency ?? "", account.passwordHash == nil ? "no" : "yes",
            ], delimiter: ";")
    }
}
