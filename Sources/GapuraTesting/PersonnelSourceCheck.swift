package import GapuraDirectory
internal import GapuraFormats
internal import GapuraTabular

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A table of people as some source has it, nothing in a cell where that is nil.
package struct PersonnelTable: Sendable {
    package var columns: [String]
    package var rows: [[String?]]

    package init(columns: [String], rows: [[String?]]) {
        self.columns = columns
        self.rows = rows
    }
}

/// What every source of personnel data has to do, one check a case: the shared suite of sources. A new source's test
/// makes the table of a check its own way (writes the file, fills the database) and runs all of them.
///
/// The columns are those of SIASN; the source has to read them by a profile with those names.
package enum PersonnelSourceCheck: String, CaseIterable, Sendable {
    /// Every row once, in order, counted from 2.
    case everyRow
    /// Zeros, apostrophes, quotes, other alphabets and eighteen digits come out as they went in.
    case exactText
    /// A cell with nothing in it, and a row of them.
    case nothing
    /// Columns nobody needs are not handed out, the NIK only where it is asked for.
    case neededColumns
    case missingColumn
    case repeatedColumn
    /// What the reader throws ends the reading, and comes out.
    case takerThrows
    /// Whoever waits for it has gone.
    case stopped
    /// The same rows have the same digest, one letter more another.
    case digest

    /// A check that did not hold.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// - Parameter make: turns a table into a source.
    package func run(_ make: (PersonnelTable) throws -> any PersonnelOrigin) throws {
        switch self {
        case .everyRow:
            let rows = try read(make(table(people: 2500)))
            try expect(rows.map(\.number) == Array(2...2501), "rows are counted from 2, one by one")
            try expect(rows.map { $0[.name] } == (0..<2500).map { .text("Orang \($0)") }, "rows come in order")
        case .exactText:
            let texts = [
                "01", "'187011121902031001", "187011121902031001", "O''Brien; \"x\", \\ %", "Ñandú Ķ 漢", "=1+1",
            ]
            var table = table(people: texts.count)
            for (index, text) in texts.enumerated() { table.rows[index][2] = text }
            let read = try read(make(table)).map { $0[.name] }
            try expect(read == texts.map { .text($0) }, "texts come as they are, not as \(read)")
        case .nothing:
            var table = table(people: 3)
            table.rows[0][3] = nil
            table.rows[1] = table.rows[1].map { _ in nil }
            let rows = try read(make(table))
            try expect(rows.first?[.frontTitle] == .empty, "nothing is an empty cell")
            try expect(rows.count == 3 ? rows[1].isBlank : rows.count == 2, "an empty row is blank, or left out")
        case .neededColumns:
            let origin = try make(table(people: 2))
            try expect(try read(origin).allSatisfy { $0[.nik] == .empty }, "the NIK is read though nobody asked")
            let asked = try read(origin, withNIK: true).map { $0[.nik] }
            try expect(asked == (0..<2).map { .text("99\($0)") }, "the NIK is read where it is asked for")
        case .missingColumn:
            var table = table(people: 1)
            table.columns.removeLast(2)
            table.rows = table.rows.map { Array($0.dropLast(2)) }
            try fails(make(table), "a needed column is missing") {
                if case .missingColumns(let names) = $0 { names == ["instansi_kerja_id"] } else { false }
            }
        case .repeatedColumn:
            var table = table(people: 1)
            table.columns.append("nip baru")
            table.rows = table.rows.map { $0 + ["x"] }
            try fails(make(table), "a needed column is there twice") {
                if case .repeatedColumn = $0 { true } else { false }
            }
        case .takerThrows:
            var taken = 0
            do {
                _ = try make(table(people: 500)).readPeople(withNIK: false, Stop()) { source in
                    try source.read { _ in
                        taken += 1
                        if taken == 3 { throw Failure(description: "mine") }
                    }
                }
                throw Failure(description: "it went on")
            } catch let error as Failure {
                try expect(error.description == "mine" && taken == 3, "what the reader throws ends the reading")
            }
        case .stopped:
            do {
                _ = try make(table(people: 5000)).readPeople(withNIK: false, Stop(isSet: true)) { source in
                    try source.read { _ in }
                }
            } catch is CancellationError {}  // A file may as well be read to its end: nobody waits for long.
        case .digest:
            var table = table(people: 50)
            let first = try digest(make(table))
            try expect(first == (try digest(make(table))), "the same rows have the same digest")
            table.rows[49][2] = "Orang 49a"
            try expect(first != (try digest(make(table))), "other rows have another digest")
            try expect(first.utf8.count == 43, "a digest is a SHA-256 in base64url")
        }
    }

    // MARK: Making and reading

    private func table(people count: Int) -> PersonnelTable {
        let columns = [
            "pns_id", "nip_baru", "nama", "gelar_depan", "gelar_belakang", "tanggal_lahir", "jenis_kelamin",
            "nomor_hp", "email_gov", "kedudukan_hukum_id", "kedudukan_hukum_nama", "status_cpns_pns",
            "gol_akhir_nama", "jenis_jabatan_id", "jabatan_id", "jabatan_nama", "tmt_jabatan", "unor_id",
            "agama_nama", "instansi_kerja_id", "nik",
        ]
        let rows = (0..<count).map { index -> [String?] in
            [
                "P\(index)", "187011121902031001", "Orang \(index)", "Dr.", "S.E.", "12-11-1870", "M", "0000\(index)",
                "orang\(index)@uji.invalid", "01", "Aktif", "P", "III/a", "1", "J1", "Jabatan", "01-03-1920", "A0",
                "SECRET", "8811", "99\(index)",
            ]
        }
        return PersonnelTable(columns: columns, rows: rows)
    }

    private func read(_ origin: any PersonnelOrigin, withNIK: Bool = false) throws -> [PersonnelRow] {
        var rows: [PersonnelRow] = []
        _ = try origin.readPeople(withNIK: withNIK, Stop()) { source in try source.read { rows.append($0) } }
        return rows
    }

    private func digest(_ origin: any PersonnelOrigin) throws -> String {
        try origin.readPeople(withNIK: false, Stop()) { source in try source.read { _ in } }
    }

    private func expect(_ holds: Bool, _ what: String) throws {
        guard holds else { throw Failure(description: "\(rawValue): \(what)") }
    }

    private func fails(
        _ origin: any PersonnelOrigin, _ what: String, _ isRight: (PersonnelSourceError) -> Bool
    ) throws {
        do {
            _ = try read(origin)
        } catch let error as PersonnelSourceError {
            return try expect(isRight(error), "\(what), and the error is \(error)")
        }
        throw Failure(description: "\(rawValue): \(what), and nothing is said")
    }

    /// Nobody who waits goes, unless that is what is checked.
    private struct Stop: PersonnelStop {
        var isSet = false

        func check() throws {
            if isSet { throw CancellationError() }
        }

        func onStop(_ body: @escaping @Sendable () -> Void) {
            if isSet { body() }
        }
    }
}
