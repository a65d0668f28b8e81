import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Where a load comes from, as the arguments of `personnel.load` say it: a file or a database, understood by a profile.
struct PersonnelOrigins {
    static let members = [
        "file", "units", "from", "query", "view", "units_query", "units_view", "profile", "profile_text",
    ]

    let people: any PersonnelOrigin
    let units: (any PersonnelOrigin)?

    init(_ arguments: OperationArguments) throws {
        let profile = try Self.profile(arguments)
        let unitsFile = try arguments.optionalText("units").map { path throws(PersonnelSourceError) in
            try PersonnelFile.open(path).with(profile)
        }
        guard let address = try arguments.optionalText("from") else {
            for member in ["query", "view", "units_query", "units_view"] where arguments.has(member) {
                throw OperationError(
                    .invalid, "\(member) needs from, the address of a database.",
                    id: "\(member) memerlukan from, alamat basis data.")
            }
            people = try PersonnelFile.open(arguments.text("file")).with(profile)
            units = unitsFile
            return
        }
        guard !arguments.has("file") else {
            throw OperationError(
                .invalid, "Give a file or from, not both.", id: "Isi berkas atau from, bukan keduanya.")
        }
        let database = try PersonnelDatabase.reach(address, by: profile ?? .simpegGeneric)
        func table(_ query: String, _ view: String) throws -> PersonnelDatabase? {
            do {
                if let name = try arguments.optionalText(view) {
                    guard !arguments.has(query) else {
                        throw OperationError(
                            .invalid, "Give \(query) or \(view), not both.",
                            id: "Isi \(query) atau \(view), bukan keduanya.")
                    }
                    return PersonnelDatabase(
                        database, try ForeignQuery(view: name), label: name, profile: profile ?? .simpegGeneric)
                }
                guard arguments.has(query) else { return nil }
                let object = try arguments.object(query)
                guard let text = object["text"]?.string, let label = object["name"]?.string, label.utf8.count <= 255
                else {
                    throw OperationError(
                        .invalid, "\(query) has the members name and text.", id: "\(query) berisi name dan text.")
                }
                return PersonnelDatabase(
                    database, try ForeignQuery(statement: text, for: database.engine), label: label,
                    profile: profile ?? .simpegGeneric)
            } catch let error as ForeignDatabaseError {
                throw PersonnelSourceError.database(error)
            }
        }
        guard let people = try table("query", "view") else {
            throw OperationError(
                .invalid, "Say what to read: a view or a query.", id: "Sebutkan yang dibaca: view atau query.")
        }
        let unitsTable = try table("units_query", "units_view")
        guard unitsTable == nil || unitsFile == nil else {
            throw OperationError(
                .invalid, "Units come from a file or from the database, not both.",
                id: "Unit diambil dari berkas atau dari basis data, bukan keduanya.")
        }
        self.people = people
        units = unitsTable ?? unitsFile
    }

    /// The profile that is named or written out; nil if neither.
    static func profile(_ arguments: OperationArguments) throws -> PersonnelProfile? {
        if let name = try arguments.optionalText("profile") {
            guard let profile = PersonnelProfile.builtIn(name) else {
                let names = PersonnelProfile.builtIn.map(\.name)
                let nearest = NearestWord.find(name, in: names)
                throw OperationError(
                    .notFound,
                    "There is no profile of that name"
                        + (nearest.map { "; did you mean \($0)?" } ?? "; see `gapura personnel profile list`."),
                    id: "Tidak ada profil bernama itu"
                        + (nearest.map { "; maksudnya \($0)?" } ?? "; lihat `gapura personnel profile list`."))
            }
            return profile
        }
        guard arguments.has("profile_text") else { return nil }
        return try PersonnelProfile(arguments.object("profile_text"))
    }
}
