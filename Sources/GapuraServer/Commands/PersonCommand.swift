import ArgumentParser
import Gapura
import GapuraFormats

struct PersonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "person", abstract: "One person's data: show it, give it to them, forget it.",
        subcommands: [Show.self, Find.self, Disclosures.self, Export.self, Forget.self]
    )

    struct Show: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows who somebody is; of the NIK only the serial.",
            discussion: "  gapura person show 187908221911022001"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, pns_id, user name, email or id.") var name: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("person.show", ["name": .string(name)])
        }

        func show(_ result: JSONValue) { Console.members(result.object ?? JSONObject()) }
    }

    struct Find: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tells whose NIK one is.",
            discussion: """
                The NIK is read from the standard input, so that it stands in no history of commands and no list of processes. Who looked whom up
                is in the audit.

                  gapura person find < nik.txt
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions

        func request() throws -> (operation: String, arguments: JSONObject) {
            let line = readLine(strippingNewline: true) ?? ""
            return ("person.find", ["nik": .string(line)])
        }

        func show(_ result: JSONValue) {
            let members = ["nip", "name", "unit", "state", "person_id"]
            Console.table(
                members.map { $0.uppercased() },
                (result["people"]?.array ?? []).map { person in members.map { TerminalText.of(person, $0) } })
        }

        func exitCode(_ result: JSONValue) -> Int32 {
            result["people"]?.array?.isEmpty == false ? 0 : Failure.notFound
        }
    }

    struct Disclosures: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists which claims each application received about somebody.",
            discussion: """
                One line for each application and set of claims, from its first token answer to its last; a claim without a value is in no answer
                although it stands here.

                  gapura person disclosures 187908221911022001 --json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, pns_id, user name, email or id.") var name: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("person.disclosures", ["name": .string(name)])
        }

        func show(_ result: JSONValue) {
            let members = ["application", "client_id", "first_at", "last_at", "times", "claims"]
            Console.table(
                members.map { $0.uppercased() },
                (result["disclosures"]?.array ?? []).map { one in members.map { TerminalText.of(one, $0) } })
        }
    }

    struct Export: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes everything that is held about somebody into a file.",
            discussion: """
                JSON, for the person who asks for it: with the NIK in the clear, without passwords and other secrets. The gateway writes the file,
                mode 0600, and never over another.

                  gapura person export 187908221911022001 --file /srv/permintaan/ujang.json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, pns_id, user name, email or id.") var name: String
        @Option(help: "The file to make.") var file: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("person.export", ["name": .string(name), "file": .string(LocalFile.absolute(file))])
        }

        func show(_ result: JSONValue) {
            Console.line(TerminalText.of(result, "file"))
            Console.members(result["tables"]?.object ?? JSONObject())
        }
    }

    struct Forget: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes what identifies somebody who has left.",
            discussion: """
                Shows what there is; with --yes closes the account for good, ends its sessions, and removes names, numbers, NIK, devices, links,
                tokens and rows of old applications. The ids stay, and so the audit stays whole. Whoever is in the last load as working here is
                not forgotten. It cannot be taken back, except from a backup, which still has it.

                  gapura person forget 187908221911022001
                  gapura person forget 187908221911022001 --yes
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, pns_id, user name, email or id.") var name: String
        @Flag(help: "Do it.") var yes = false

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("person.forget", .given([("name", .string(name)), ("confirmed", .optional(yes))]))
        }

        func show(_ result: JSONValue) {
            Console.members(result.object ?? JSONObject(), except: ["rows", "at_work", "forgotten"])
            Console.members(result["rows"]?.object ?? JSONObject())
            if result["forgotten"]?.bool == true {
                Console.line("Dihapus / forgotten.")
            } else if result["at_work"]?.bool == true {
                Console.line("Masih bekerja di sini menurut muatan terakhir; tidak dapat dihapus.")
                Console.line("Still at work here in the last load: will not be forgotten.")
            } else {
                Console.line("Belum ada yang dihapus; ulangi dengan --yes.")
                Console.line("Nothing was removed; repeat it with --yes.")
            }
        }
    }
}
