package import GapuraFormats
internal import GapuraStore

extension PersonnelProfile {
    /// The keys of a profile's file, in the order in which they are written.
    private enum Key: String, CaseIterable {
        case name, about, format, columns, optional, constants, values, units, dates, nulls, apostrophe, delimiter
        case sql
    }

    private enum TableKey: String, CaseIterable {
        case columns, optional, constants, values
    }

    private enum ConnectionKey: String, CaseIterable {
        case passwordFile = "password_file"
        case passwordVariable = "password_variable"
        case tls
        case certificates
        case connectSeconds = "connect_seconds"
        case readSeconds = "read_seconds"
        case totalSeconds = "total_seconds"
    }

    // MARK: Reading

    /// Reads a profile as its file or an API call has it. A key that nobody knows stops it: a misspelt one that is
    /// ignored would give people each other's data.
    package init(_ json: JSONObject) throws(PersonnelProfileError) {
        try ProfileReader.check(json, Key.self, at: "")
        let reader = ProfileReader(json)
        guard let name = try reader.text(Key.name.rawValue) else {
            throw PersonnelProfileError("the profile has no name", id: "profil tidak memiliki name")
        }
        let isName =
            (1...40).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
            }
        guard isName else {
            throw ProfileReader.wrong(
                "name", "lower-case letters, digits and hyphens", "huruf kecil, angka, dan tanda hubung")
        }
        self.init(name: name)
        about = try reader.text(Key.about.rawValue) ?? ""
        format = try reader.word(Key.format.rawValue) ?? .any
        people = try ColumnProfile(reader.removing(Key.self, except: TableKey.self), at: "", needed: Self.needed)
        if let object = try reader.object(Key.units.rawValue) {
            try ProfileReader.check(object, TableKey.self, at: "units.")
            units = try ColumnProfile(object, at: "units.", needed: Self.neededOfUnits)
        }
        if let patterns = try reader.texts(Key.dates.rawValue) {
            dates = try patterns.map { pattern throws(PersonnelProfileError) in
                guard let form = DateForm(pattern) else {
                    throw ProfileReader.wrong("dates", "patterns such as dd-mm-yyyy", "pola seperti dd-mm-yyyy")
                }
                return form
            }
            guard !dates.isEmpty else {
                throw ProfileReader.wrong("dates", "one pattern at least", "paling sedikit satu pola")
            }
        }
        nulls = try reader.texts(Key.nulls.rawValue) ?? []
        apostrophe = try reader.word(Key.apostrophe.rawValue) ?? .ids
        if let text = try reader.text(Key.delimiter.rawValue) {
            let words: [(String, UInt8)] = [("tab", 0x09), (";", 0x3b), (",", 0x2c), ("|", 0x7c)]
            guard let found = words.first(where: { $0.0 == text }) else {
                throw ProfileReader.wrong("delimiter", "one of ; , | tab", "salah satu dari ; , | tab")
            }
            delimiter = found.1
        }
        if let object = try reader.object(Key.sql.rawValue) { connection = try Self.connection(object) }
        if let known = Self.builtIn(name), known != self {
            throw PersonnelProfileError(
                "\(name) is the name of a built-in profile; give yours another one",
                id: "\(name) adalah nama profil bawaan; beri nama lain")
        }
    }

    private static func connection(_ object: JSONObject) throws(PersonnelProfileError) -> Connection {
        try ProfileReader.check(object, ConnectionKey.self, at: "sql.")
        let reader = ProfileReader(object, at: "sql.")
        var connection = Connection()
        connection.passwordFile = try reader.text(ConnectionKey.passwordFile.rawValue)
        connection.passwordVariable = try reader.text(ConnectionKey.passwordVariable.rawValue)
        if connection.passwordFile != nil, connection.passwordVariable != nil {
            throw PersonnelProfileError(
                "sql.password_file and sql.password_variable: give one of them",
                id: "sql.password_file dan sql.password_variable: isi salah satu saja")
        }
        if let name = connection.passwordVariable {
            let isVariable = name.utf8.allSatisfy {
                (0x41...0x5a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f
            }
            guard isVariable else {
                throw ProfileReader.wrong(
                    "sql.password_variable", "the name of an environment variable", "nama variabel lingkungan")
            }
            guard !name.utf8.starts(with: "GAPURA_".utf8) || name.isExactly(PersonnelProfile.passwordVariable) else {
                throw PersonnelProfileError(
                    "sql.password_variable: names with GAPURA_ belong to the gateway's settings; "
                        + "use \(PersonnelProfile.passwordVariable) or another name",
                    id: "sql.password_variable: nama berawalan GAPURA_ milik pengaturan gerbang; "
                        + "pakai \(PersonnelProfile.passwordVariable) atau nama lain")
            }
        }
        connection.encryption = try reader.word(ConnectionKey.tls.rawValue, ForeignDatabase.Encryption.self)
        connection.certificates = try reader.text(ConnectionKey.certificates.rawValue)
        connection.connectSeconds = try reader.number(ConnectionKey.connectSeconds.rawValue, 1...120) ?? 10
        connection.readSeconds = try reader.number(ConnectionKey.readSeconds.rawValue, 1...3600) ?? 60
        connection.totalSeconds = try reader.number(ConnectionKey.totalSeconds.rawValue, 1...86_400) ?? 1800
        return connection
    }

    // MARK: Writing

    /// The profile with all that is said in it; read again, it is the same.
    package var json: JSONObject {
        var json: JSONObject = ["name": .string(name)]
        if !about.isEmpty { json["about"] = .string(about) }
        json["format"] = .string(format.rawValue)
        for (key, value) in people.json { json[key] = value }
        let unitMembers = JSONObject(units.json)
        if !unitMembers.isEmpty { json["units"] = .object(unitMembers) }
        json["dates"] = .array(dates.map { .string($0.pattern) })
        if !nulls.isEmpty { json["nulls"] = .array(nulls.map { .string($0) }) }
        json["apostrophe"] = .string(apostrophe.rawValue)
        if let delimiter {
            json["delimiter"] = .string(delimiter == 0x09 ? "tab" : String(decoding: [delimiter], as: UTF8.self))
        }
        var sql = JSONObject()
        if let file = connection.passwordFile { sql["password_file"] = .string(file) }
        if let name = connection.passwordVariable { sql["password_variable"] = .string(name) }
        if let tls = connection.encryption { sql["tls"] = .string(tls.rawValue) }
        if let file = connection.certificates { sql["certificates"] = .string(file) }
        if format != .xlsx, format != .csv {
            sql["connect_seconds"] = .integer(Int64(connection.connectSeconds))
            sql["read_seconds"] = .integer(Int64(connection.readSeconds))
            sql["total_seconds"] = .integer(Int64(connection.totalSeconds))
        }
        if !sql.isEmpty { json["sql"] = .object(sql) }
        return json
    }

    /// The profile as YAML, to be changed and used with `--profile`.
    package var yaml: String {
        var text = ""
        for (key, value) in json.members { ProfileYAML.write(key, value, depth: 0, to: &text) }
        return text
    }
}

extension ColumnProfile {
    fileprivate init(_ json: JSONObject, at place: String, needed: Set<Column>) throws(PersonnelProfileError) {
        self.init()
        let reader = ProfileReader(json, at: place)
        for (key, value) in try reader.object("columns")?.members ?? [] {
            let column = try Self.column(key, at: place + "columns.")
            let names = value.string.map { [$0] } ?? value.strings ?? []
            guard (1...50).contains(names.count), names.allSatisfy({ !TableHeader<Column>.key($0).isEmpty }) else {
                throw ProfileReader.wrong(place + "columns." + key, "names of columns", "nama kolom")
            }
            spellings[column] = names
        }
        for key in try reader.texts("optional") ?? [] {
            let column = try Self.column(key, at: place + "optional: ")
            guard !needed.contains(column) else {
                throw PersonnelProfileError(
                    "\(place)optional: \(key) is needed, and cannot be missing",
                    id: "\(place)optional: \(key) wajib ada dan tidak boleh kosong")
            }
            optional.insert(column)
        }
        for (key, value) in try reader.object("constants")?.members ?? [] {
            let column = try Self.column(key, at: place + "constants.")
            guard let text = ProfileReader.text(value), !text.isEmpty else {
                throw ProfileReader.wrong(place + "constants." + key, "a text", "teks")
            }
            guard spellings[column] == nil else {
                throw PersonnelProfileError(
                    "\(place)\(key) has a column and a constant; keep one of them",
                    id: "\(place)\(key) memiliki kolom dan nilai tetap; sisakan salah satu")
            }
            constants[column] = text
        }
        for (key, value) in try reader.object("values")?.members ?? [] {
            let column = try Self.column(key, at: place + "values.")
            guard let members = value.object?.members, members.count <= 1000 else {
                throw ProfileReader.wrong(place + "values." + key, "lines `from: to`", "baris `dari: menjadi`")
            }
            values[column] = try members.map { from, to throws(PersonnelProfileError) in
                guard let text = ProfileReader.text(to) else {
                    throw ProfileReader.wrong("\(place)values.\(key).\(from)", "a text", "teks")
                }
                return Change(from, text)
            }
        }
    }

    private static func column(_ name: String, at place: String) throws(PersonnelProfileError) -> Column {
        if let column = Column.allCases.first(where: { $0.rawValue.isExactly(name) }) { return column }
        throw ProfileReader.unknown(name, at: place, Column.allCases.map(\.rawValue))
    }

    fileprivate var json: [(String, JSONValue)] {
        func members(_ value: (Column) -> JSONValue?) -> JSONObject {
            JSONObject(Column.allCases.compactMap { column in value(column).map { (column.rawValue, $0) } })
        }
        let objects: [(String, JSONObject)] = [
            ("columns", members { spellings[$0].map { .array($0.map { .string($0) }) } }),
            ("constants", members { constants[$0].map { .string($0) } }),
            (
                "values",
                members { values[$0].map { .object(JSONObject($0.map { ($0.from, .string($0.to)) })) } }
            ),
        ]
        var json = objects.filter { !$0.1.isEmpty }.map { ($0.0, JSONValue.object($0.1)) }
        let names = Column.allCases.filter(optional.contains).map { JSONValue.string($0.rawValue) }
        if !names.isEmpty { json.insert(("optional", .array(names)), at: spellings.isEmpty ? 0 : 1) }
        return json
    }
}

/// Typed access to the members of a profile; everything in a YAML file is text.
private struct ProfileReader {
    private let json: JSONObject
    private let place: String

    init(_ json: JSONObject, at place: String = "") {
        self.json = json
        self.place = place
    }

    /// - Throws: the nearest known key beside the one that is not.
    static func check<Key: CaseIterable & RawRepresentable<String>>(
        _ json: JSONObject, _: Key.Type, at place: String
    ) throws(PersonnelProfileError) {
        let known = Key.allCases.map(\.rawValue)
        for key in json.keys where !known.contains(where: { $0.isExactly(key) }) {
            throw unknown(key, at: place, known)
        }
    }

    static func unknown(_ key: String, at place: String, _ known: [String]) -> PersonnelProfileError {
        let key = String(
            key.unicodeScalars.prefix(60).map { $0.value < 0x20 || $0.value == 0x7f ? "?" : Character($0) })
        let nearest = NearestWord.find(key, in: known)
        return PersonnelProfileError(
            "\(place)\(key) is not known" + (nearest.map { "; did you mean \($0)?" } ?? ""),
            id: "\(place)\(key) tidak dikenal" + (nearest.map { "; maksudnya \($0)?" } ?? ""))
    }

    static func wrong(_ place: String, _ english: String, _ indonesian: String) -> PersonnelProfileError {
        PersonnelProfileError("\(place) must be \(english)", id: "\(place) harus berupa \(indonesian)")
    }

    static func text(_ value: JSONValue) -> String? {
        guard let text = value.string ?? value.integer.map(String.init) else { return nil }
        return text.utf8.count <= 4096 && !text.utf8.contains(0) ? text : nil
    }

    /// Only the members that concern a table.
    func removing<Key: CaseIterable & RawRepresentable<String>, Kept: CaseIterable & RawRepresentable<String>>(
        _: Key.Type, except: Kept.Type
    ) -> JSONObject {
        var object = JSONObject()
        for key in Kept.allCases { object[key.rawValue] = json[key.rawValue] }
        return object
    }

    func text(_ key: String) throws(PersonnelProfileError) -> String? {
        guard let value = json[key] else { return nil }
        guard let text = Self.text(value), !text.isEmpty else { throw Self.wrong(place + key, "a text", "teks") }
        return text
    }

    func texts(_ key: String) throws(PersonnelProfileError) -> [String]? {
        guard let value = json[key] else { return nil }
        let texts = value.string.map { [$0] } ?? value.array?.compactMap(Self.text)
        guard let texts, texts.count == value.array?.count ?? 1, texts.count <= 1000 else {
            throw Self.wrong(place + key, "a list of texts", "daftar teks")
        }
        return texts
    }

    func object(_ key: String) throws(PersonnelProfileError) -> JSONObject? {
        guard let value = json[key] else { return nil }
        guard let object = value.object else {
            throw Self.wrong(place + key, "lines `key: value`", "baris `kunci: nilai`")
        }
        return object
    }

    func word<Word: CaseIterable & RawRepresentable<String>>(
        _ key: String, _: Word.Type = Word.self
    ) throws(PersonnelProfileError) -> Word? {
        guard let text = try text(key) else { return nil }
        guard let word = Word.allCases.first(where: { $0.rawValue.isExactly(text) }) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw Self.wrong(place + key, "one of \(words)", "salah satu dari \(words)")
        }
        return word
    }

    func number(_ key: String, _ range: ClosedRange<Int>) throws(PersonnelProfileError) -> Int? {
        guard let text = try text(key) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            let words = "\(range.lowerBound)–\(range.upperBound)"
            throw Self.wrong(place + key, "a number of \(words)", "bilangan \(words)")
        }
        return number
    }
}

/// Writes the little YAML that profiles need; every text that could be taken for something else stands in quotes.
private enum ProfileYAML {
    static func write(_ key: String, _ value: JSONValue, depth: Int, to text: inout String) {
        text += String(repeating: "  ", count: depth) + scalar(key) + ":"
        switch value {
        case .object(let object):
            text += "\n"
            for (key, value) in object.members { write(key, value, depth: depth + 1, to: &text) }
        case .array(let values):
            text += " [" + values.map { scalar($0.string ?? "") }.joined(separator: ", ") + "]\n"
        case .integer(let number): text += " \(number)\n"
        default: text += " " + scalar(value.string ?? "") + "\n"
        }
    }

    private static func scalar(_ text: String) -> String {
        let isPlain =
            text.utf8.first.map { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7a } ?? false
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x5f: true
                default: false
                }
            }
        let isWord = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"].contains(text.lowercased())
        return isPlain && !isWord ? text : JSONValue.string(text).encodedText()
    }
}
