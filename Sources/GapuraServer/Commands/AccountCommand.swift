import ArgumentParser
import GapuraFormats

struct AccountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Accounts: who may sign in.",
        subcommands: [
            Add.self, Show.self, List.self, Export.self, State.self, Email.self, Link.self, Codes.self, Pending.self,
            Extend.self, Ending.self, Role.self, EndSessions.self,
        ]
    )

    struct Add: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds an account without a person: an admin, contract staff, a vendor's engineer.",
            discussion: """
                Civil servants get their accounts from personnel data and are not added here. Whoever is no superadmin needs a sponsor and an end
                date, never beyond the sponsor's own (see `account extend`). The same call again answers the same account.

                  gapura account add --user-name rina.admin --name "Rina Admin" --role superadmin --link
                  gapura account add --user-name vendor.budi --name "Budi (PT Contoh)" \\
                    --sponsor 187001012001011001 --ends-at 2026-12-31
                  echo '{"user_name":"rina.admin","name":"Rina Admin"}' | gapura account add --json-input - --json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "3 to 64 characters a-z, 0-9, '.', '-', '_'; the first a letter.") var userName: String?
        @Option(help: "The name that people see.") var name: String?
        @Option(help: "Email address; it signs in only once it is verified, see `account email`.") var email: String?
        @Option(help: "none or superadmin; other roles are given by `account role`.") var role: String?
        @Option(help: ArgumentHelp("Who answers for it: NIP, user name, verified email, or id.", valueName: "account"))
        var sponsor: String?
        @Option(
            help: ArgumentHelp(
                "Last day in the city's time zone, such as 2026-12-31, or a moment in UTC.", valueName: "day"))
        var endsAt: String?
        @Flag(help: "Also issue a link to set the first password, if the account is new.") var link = false
        @Option(
            help: ArgumentHelp(
                "JSON object with the members user_name, name, email, role, sponsor, ends_at, link; - for the standard input.",
                valueName: "file"))
        var jsonInput: String?

        func validate() throws {
            guard jsonInput != nil || (userName != nil && name != nil) else {
                throw ValidationError("Give --user-name and --name, or --json-input.")
            }
        }

        func request() throws -> (operation: String, arguments: JSONObject) {
            var arguments = try jsonInput.map(JSONObject.read) ?? JSONObject()
            let flags = JSONObject.given([
                ("user_name", .optional(userName)), ("name", .optional(name)), ("email", .optional(email)),
                ("role", .optional(role)), ("sponsor", .optional(sponsor)), ("ends_at", .optional(endsAt)),
                ("link", .optional(link)),
            ])
            for (key, value) in flags.members { arguments[key] = value }
            return ("account.add", arguments)
        }

        func show(_ result: JSONValue) {
            Console.line(result["new"]?.bool == true ? "Added." : "The account was there already.")
            AccountCommand.show(result)
        }
    }

    struct Show: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows an account.",
            discussion: """
                  gapura account show 187001012001011001
                  gapura account show rina.admin --json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, user name, verified email, or id.") var account: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("account.show", ["name": .string(account)])
        }
        func show(_ result: JSONValue) { AccountCommand.show(result) }
    }

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists accounts.",
            discussion: """
                  gapura account list --state menunggu
                  gapura account list --search siti --limit 20
                  gapura account list --unit "Dinas Kesehatan"
                  gapura account list --role superadmin --json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Only those in this state: menunggu, aktif, terbatas, ditangguhkan, nonaktif.") var state: String?
        @Option(help: "Only those with this role, such as superadmin or agency_admin.") var role: String?
        @Option(help: "Only those of this unit, by name or id, and of all below it.") var unit: String?
        @Option(help: "Only those with this text in a name or email address; digits begin an NIP.") var search: String?
        @Option(help: "How many at most; 0 for all.") var limit: Int64 = 100

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "account.list",
                .given([
                    ("state", .optional(state)), ("role", .optional(role)), ("unit", .optional(unit)),
                    ("search", .optional(search)), ("limit", .integer(limit)),
                ])
            )
        }

        func show(_ result: JSONValue) {
            let accounts = result["accounts"]?.array ?? []
            let members = ["nip", "user_name", "name", "state", "role"]
            Console.table(
                members.map { $0.uppercased() },
                accounts.map { account in members.map { TerminalText.of(account, $0) } })
            Console.error("\(accounts.count) of \(result["matching"]?.integer ?? 0)")
        }
    }

    struct Export: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes accounts into a file for a spreadsheet program.",
            discussion: """
                CSV with semicolons, one account a row, without secrets. The gateway writes the file, mode 0600, and never over another; the audit
                says who asked for it.

                  gapura account export /srv/akun.csv
                  gapura account export /srv/dinkes.csv --unit "Dinas Kesehatan" --state aktif
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The file to make.") var file: String
        @Option(help: "Only those in this state: menunggu, aktif, terbatas, ditangguhkan, nonaktif.") var state: String?
        @Option(help: "Only those with this role, such as superadmin or agency_admin.") var role: String?
        @Option(help: "Only those of this unit, by name or id, and of all below it.") var unit: String?

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "account.export",
                .given([
                    ("file", .string(LocalFile.absolute(file))), ("state", .optional(state)),
                    ("role", .optional(role)), ("unit", .optional(unit)),
                ])
            )
        }

        func show(_ result: JSONValue) {
            Console.line("\(result["accounts"]?.integer ?? 0) accounts: \(TerminalText.of(result, "file"))")
        }
    }

    struct State: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sets the state of an account; sessions end with the right to sign in.",
            discussion: """
                An admin's word is not overruled by personnel data, until --follow-personnel gives the account back to it.

                  gapura account state 187001012001011001 ditangguhkan
                  gapura account state 187001012001011001 aktif --follow-personnel
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, user name, verified email, or id.") var account: String
        @Argument(help: "menunggu, aktif, terbatas, ditangguhkan or nonaktif.") var state: String
        @Flag(help: "From now on personnel data decides again.") var followPersonnel = false

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "account.state",
                .given([
                    ("name", .string(account)), ("state", .string(state)),
                    ("follow_personnel", .optional(followPersonnel)),
                ])
            )
        }

        func show(_ result: JSONValue) { AccountCommand.show(result) }
    }

    struct Email: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sets the email address of an account; verified, its owner signs in with it.",
            discussion: """
                Say --verified only if you made sure that the address is the owner's: whoever holds it passes for them. No two accounts can have
                one address verified; without --verified an account keeps its address and no longer signs in with it.

                  gapura account email 187001012001011001 siti@kota-contoh.go.id --verified
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, user name, verified email, or id.") var account: String
        @Argument(help: "The address.") var address: String
        @Flag(help: "The address is surely the owner's.") var verified = false

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "account.email",
                .given([
                    ("name", .string(account)), ("email", .string(address)), ("verified", .optional(verified)),
                ])
            )
        }

        func show(_ result: JSONValue) { AccountCommand.show(result) }
    }

    struct Link: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issues a one-time link to set a password; earlier links of the account are dead.",
            discussion: """
                Hand it over in person or by a channel that is surely theirs: whoever has it sets the password.

                  gapura account link 187001012001011001
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, user name, verified email, or id.") var account: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("account.link", ["name": .string(account)])
        }

        func show(_ result: JSONValue) {
            Console.error(
                "\(TerminalText.of(result, "name")), good once and until \(TerminalText.of(result, "link_expires_at")):"
            )
            Console.line(TerminalText.of(result, "link"))
        }
    }

    struct Role: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sets what an account may administer.",
            discussion: """
                  gapura account role 187001012001011001 superadmin
                  gapura account role 187001012001011001 agency_admin --unit "Dinas Kesehatan"
                  gapura account role 187001012001011001 none
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, user name, verified email, or id.") var account: String
        @Argument(help: "none, superadmin, personnel_admin, agency_admin, auditor or helpdesk.") var role: String
        @Option(help: "For an agency_admin or helpdesk: the unit, by name or id, with all below it.") var unit: String?

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "account.role",
                .given([("name", .string(account)), ("role", .string(role)), ("unit", .optional(unit))])
            )
        }

        func show(_ result: JSONValue) { AccountCommand.show(result) }
    }

    struct EndSessions: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "end-sessions", abstract: "Signs an account out everywhere and tells its applications.",
            discussion: "  gapura account end-sessions 187001012001011001"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, user name, verified email, or id.") var account: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("account.end-sessions", ["name": .string(account)])
        }
        func show(_ result: JSONValue) { Console.line("\(result["ended"]?.integer ?? 0) sessions ended.") }
    }

    private static func show(_ result: JSONValue) {
        Console.members(result.object ?? JSONObject(), except: ["new"])
    }
}
