import ArgumentParser
import Gapura
import GapuraDirectory
import GapuraFormats

/// How sources of personnel data are understood.
struct PersonnelProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Mapping profiles: what the columns and codes of a source mean.",
        subcommands: [List.self, Show.self]
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the built-in profiles.", discussion: "  gapura personnel profile list")

        @OptionGroup var output: OutputOptions

        func run() throws {
            let profiles = PersonnelProfile.builtIn
            if output.json {
                let listed = profiles.map { profile -> JSONValue in
                    [
                        "name": .string(profile.name), "about": .string(profile.about),
                        "format": .string(profile.format.rawValue),
                    ]
                }
                return Console.json(["profiles": .array(listed)])
            }
            Console.table(["PROFILE", "FORMAT", "ABOUT"], profiles.map { [$0.name, $0.format.rawValue, $0.about] })
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints a built-in profile, or checks one of yours and prints how it was understood.",
            discussion: """
                A profile of your own begins as a copy of one of these, under another name. Keys left out mean what they mean in SIASN's export.

                  gapura personnel profile show simpeg-generic > simpeg-kota.yaml
                  gapura personnel profile show simpeg-kota.yaml
                """
        )

        @OptionGroup var output: OutputOptions
        @Argument(help: "Name of a built-in profile, or a YAML file.") var profile: String

        func run() throws {
            let shown: PersonnelProfile
            switch try ProfileArgument(profile) {
            case .builtIn(let profile): shown = profile
            case .file(let object): shown = try PersonnelProfile(object)
            }
            if output.json {
                Console.json(.object(shown.json))
            } else {
                Console.line(String(shown.yaml.dropLast()))
            }
        }
    }
}

/// What stands behind `--profile`.
enum ProfileArgument {
    case builtIn(PersonnelProfile)
    case file(JSONObject)

    /// A name of a built-in profile; whatever has a dot or a slash is a file.
    init(_ text: String) throws {
        if let profile = PersonnelProfile.builtIn(text) {
            self = .builtIn(profile)
            return
        }
        guard text.contains(".") || text.contains("/") else {
            let names = PersonnelProfile.builtIn.map(\.name)
            let nearest = NearestWord.find(text, in: names)
            throw OperationError(
                .notFound,
                "There is no profile \(text); "
                    + (nearest.map { "did you mean \($0)?" } ?? "there are \(names.joined(separator: ", "))."),
                id: "Tidak ada profil \(text); "
                    + (nearest.map { "maksudnya \($0)?" } ?? "yang ada: \(names.joined(separator: ", "))."))
        }
        self = .file(try ProfileFile.read(text))
    }

    /// As an argument of `personnel.load`.
    var members: [(String, JSONValue?)] {
        switch self {
        case .builtIn(let profile): [("profile", .string(profile.name))]
        case .file(let object): [("profile_text", .object(object))]
        }
    }
}
