import ArgumentParser
import GapuraFormats

extension AccountCommand {
    struct Codes: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issues printed one-time codes to active accounts without a password.",
            discussion: """
                Whoever has a code types it with the NIP at /akun/aktivasi and sets a password; the code is good once, and for the time of the
                setting activation_code_lifetime. Codes stand nowhere but in the files made here (mode 0600, never over another file): print
                the sheet, or hand the CSV file to a message gateway, and then remove both. While the gateway runs, it writes the files: it
                must be able to.

                Who has a code that is still good keeps it, until --again issues another and makes that one worthless.

                  gapura account codes --unit "Dinas Kesehatan" --sheet kode-dinkes.html
                  gapura account codes --all --csv kode.csv --sheet kode.html
                  gapura account codes 187001012001011001 --again
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, user name, verified email, or id; several if wanted.") var accounts: [String] = []
        @Option(help: "Name or id of a unit: its people, and those of all units below it.") var unit: String?
        @Flag(help: "Everybody.") var all = false
        @Flag(help: "Also whoever has a code that is good; that one is worthless then.") var again = false
        @Option(
            help: ArgumentHelp(
                "A new file for a message gateway: nip, name, phone, code, url, expires.", valueName: "file"))
        var csv: String?
        @Option(
            help: ArgumentHelp("A new HTML file for printing: a page for each unit, to cut up.", valueName: "file"))
        var sheet: String?

        func validate() throws {
            guard [unit != nil, all, !accounts.isEmpty].count(where: { $0 }) == 1 else {
                throw ValidationError("Give accounts, or --unit, or --all; one of these.")
            }
            guard csv != nil || sheet != nil || !accounts.isEmpty else {
                throw ValidationError("Give --sheet or --csv: the codes stand nowhere else.")
            }
        }

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "account.codes",
                .given([
                    ("unit", .optional(unit)), ("all", .optional(all)), ("names", .optional(accounts)),
                    ("again", .optional(again)), ("csv", .optional(csv.map(LocalFile.absolute))),
                    ("sheet", .optional(sheet.map(LocalFile.absolute))),
                ])
            )
        }

        func show(_ result: JSONValue) {
            Console.error(
                "\(result["issued"]?.integer ?? 0) codes issued, \(result["kept"]?.integer ?? 0) have one that is good."
            )
            for skipped in result["skipped"]?.array ?? [] {
                Console.error("\(TerminalText.of(skipped, "name")) \(TerminalText.of(skipped, "message")).")
            }
            if let codes = result["codes"]?.array, !codes.isEmpty {
                let members = ["sign_in_name", "name", "code"]
                Console.table(
                    ["SIGN-IN NAME", "NAME", "CODE"], codes.map { code in members.map { TerminalText.of(code, $0) } })
                Console.error("To be typed at \(TerminalText.of(result, "url")).")
            }
            for member in ["sheet_file", "csv_file"] where result[member]?.string != nil {
                Console.line(TerminalText.of(result, member))
            }
            if result["expires_at"]?.string != nil {
                Console.error("Good once and until \(TerminalText.of(result, "expires_at")).")
            }
        }
    }

    struct Pending: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists who has not come yet: accounts without a password, and how many there are in each agency.",
            discussion: """
                  gapura account pending
                  gapura account pending --unit "Dinas Kesehatan" --limit 0
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Name or id of a unit: its people, and those of all units below it.") var unit: String?
        @Option(help: "How many people at most; 0 for all.") var limit: Int64 = 100

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("account.pending", .given([("unit", .optional(unit)), ("limit", .integer(limit))]))
        }

        func show(_ result: JSONValue) {
            let counts = ["accounts", "pending", "issued", "expired", "none"]
            Console.table(
                ["AGENCY"] + counts.map { $0.uppercased() },
                (result["agencies"]?.array ?? []).map { agency in
                    (["agency"] + counts).map { TerminalText.of(agency, $0) }
                })
            let people = result["people"]?.array ?? []
            if !people.isEmpty {
                Console.line("")
                let members = ["nip", "user_name", "name", "unit", "code", "code_expires_at"]
                Console.table(
                    ["NIP", "USER NAME", "NAME", "UNIT", "CODE", "EXPIRES"],
                    people.map { person in members.map { TerminalText.of(person, $0) } })
            }
            Console.error(
                "\(people.count) of \(result["pending"]?.integer ?? 0) without a password, of \(result["accounts"]?.integer ?? 0)"
            )
        }
    }

    struct Extend: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sets until when an account without a person lasts, and if wanted who answers for it.",
            discussion: """
                The end is never beyond the sponsor's own: the end of that account, or a retirement of which personnel data knows the date. An
                account whose sponsor may not sign in any more may not either, until another sponsor is named.

                  gapura account extend vendor.budi --until 2027-06-30
                  gapura account extend vendor.budi --until 2027-06-30 --sponsor 187001012001011001
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "User name, verified email, or id.") var account: String
        @Option(
            help: ArgumentHelp(
                "Last day in the city's time zone, such as 2026-12-31, or a moment in UTC.", valueName: "day"))
        var until: String
        @Option(
            help: ArgumentHelp(
                "Who answers for it from now on: NIP, user name, verified email, or id.", valueName: "account"))
        var sponsor: String?

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "account.extend",
                .given([
                    ("name", .string(account)), ("until", .string(until)), ("sponsor", .optional(sponsor)),
                ])
            )
        }

        func show(_ result: JSONValue) { Console.members(result.object ?? JSONObject()) }
    }

    struct Ending: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists accounts without a person that end soon, or whose sponsor may not sign in any more.",
            discussion: "  gapura account ending --days 60"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Within how many days.") var days: Int64 = 30

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("account.ending", ["days": .integer(days)])
        }

        func show(_ result: JSONValue) {
            let members = ["user_name", "name", "last_day", "days", "message", "sponsor", "sponsor_nip"]
            Console.table(
                ["USER NAME", "NAME", "LAST DAY", "DAYS", "WHY", "SPONSOR", "SPONSOR'S NIP"],
                (result["accounts"]?.array ?? []).map { account in members.map { TerminalText.of(account, $0) } })
        }
    }
}
