import Foundation
import GapuraStore
import GapuraTabular
import GapuraTesting
import PostgresTesting

@testable import GapuraDirectory

/// The kinds of databases that cities have.
enum ForeignServer: String, CaseIterable, Sendable {
    case mariaDB
    case postgres

    func quoted(_ name: String) -> String { self == .mariaDB ? "`\(name)`" : "\"\(name)\"" }

    func literal(_ text: String?) -> String {
        guard let text else { return "NULL" }
        let doubled = text.replacingOccurrences(of: "'", with: "''")
        return "'" + (self == .mariaDB ? doubled.replacingOccurrences(of: "\\", with: "\\\\") : doubled) + "'"
    }
}

/// A SIMPEG of a test's own in a real server, with a user and a password file.
final class ForeignCity: Sendable {
    static let password = "rahasia-uji"
    let server: ForeignServer
    /// The name of the database; of PostgreSQL its URL for the administrator.
    private let database: String
    private let folder: String
    let url: String

    init(_ server: ForeignServer) throws {
        self.server = server
        var template = Array("/tmp/gapura-foreign-XXXXXX".utf8CString)
        folder = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
        switch server {
        case .mariaDB:
            let maria = try MariaDBServer.shared()
            database = try maria.makeDatabase(password: Self.password)
            url = "mysql://\(database)@localhost/\(database)?socket=\(maria.socket)"
        case .postgres:
            let cluster = try PostgresCluster.shared()
            database = try cluster.makeDatabase()
            let name = database.dropFirst("postgres:///".count).prefix { $0 != "?" }
            url = "postgres://gapura@localhost/\(name)?socket=\(cluster.folder)"
        }
        try Self.password.write(toFile: passwordFile, atomically: false, encoding: .utf8)
        chmod(passwordFile, 0o600)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    var passwordFile: String { folder + "/kata-sandi" }

    @discardableResult
    func run(_ sql: String) throws -> String {
        switch server {
        case .mariaDB: return try MariaDBServer.shared().query(sql, in: database)
        case .postgres:
            guard sql.utf8.count > 50_000 else { return try PostgresCluster.shared().query(sql, in: database) }
            let path = folder + "/a.sql"
            try sql.write(toFile: path, atomically: false, encoding: .utf8)
            chmod(path, 0o644)
            try PostgresCluster.shared().run(file: path, in: database)
            return ""
        }
    }

    /// A table whose first column counts the rows.
    func fill(_ name: String, _ table: PersonnelTable, types: [String: String] = [:]) throws {
        let columns = table.columns.map { "\(server.quoted($0)) \(types[$0] ?? "TEXT")" }
        var sql = "CREATE TABLE \(name) (urutan INTEGER PRIMARY KEY, \(columns.joined(separator: ", ")));\n"
        var number = 0
        for start in stride(from: 0, to: table.rows.count, by: 500) {
            let rows = table.rows[start..<min(start + 500, table.rows.count)].map { row in
                number += 1
                return "(\(number), " + row.map { server.literal($0) }.joined(separator: ", ") + ")"
            }
            sql += "INSERT INTO \(name) VALUES \(rows.joined(separator: ",\n"));\n"
        }
        try run(sql)
    }

    /// One SELECT over such a table, in its order.
    func select(_ name: String, _ columns: [String]) -> String {
        "SELECT \(columns.map { server.quoted($0) }.joined(separator: ", ")) FROM \(name) ORDER BY urutan"
    }

    // MARK: Sources

    var profile: PersonnelProfile {
        var profile = PersonnelProfile.simpegGeneric
        profile.connection.passwordVariable = nil
        profile.connection.passwordFile = passwordFile
        return profile
    }

    /// The same server behind another socket.
    func url(behind line: CuttingLine) -> String {
        var parts = url.split(separator: "=").map(String.init)
        parts[parts.count - 1] =
            server == .mariaDB ? line.path : URL(fileURLWithPath: line.path).deletingLastPathComponent().path
        return parts.joined(separator: "=")
    }

    func line(after limit: Int, then end: CuttingLine.End, silent: Bool = false) throws -> CuttingLine {
        let name = server == .mariaDB ? "s" : ".s.PGSQL.5432"
        let real =
            server == .mariaDB ? try MariaDBServer.shared().socket : try PostgresCluster.shared().folder + "/" + name
        return try CuttingLine(at: "\(folder)/\(name)", to: silent ? nil : real, after: limit, then: end)
    }

    func origin(
        statement: String, profile: PersonnelProfile? = nil, url: String? = nil
    ) throws -> PersonnelDatabase {
        let profile = profile ?? self.profile
        let database = try PersonnelDatabase.reach(url ?? self.url, by: profile)
        return PersonnelDatabase(
            database, try ForeignQuery(statement: statement, for: database.engine), label: "uji.sql", profile: profile)
    }

    func origin(view: String, profile: PersonnelProfile? = nil, url: String? = nil) throws -> PersonnelDatabase {
        let profile = profile ?? self.profile
        let database = try PersonnelDatabase.reach(url ?? self.url, by: profile)
        return PersonnelDatabase(database, try ForeignQuery(view: view), label: view, profile: profile)
    }
}

/// The sample city as a SIMPEG would have it: other names of columns, other codes, days as databases write them.
enum SimpegShape {
    static let names: [(siasn: String, simpeg: String)] = [
        ("pns_id", "id_pegawai"), ("nip_baru", "nip"), ("nama", "nama_pegawai"), ("gelar_depan", "gdp"),
        ("gelar_belakang", "gdb"), ("tanggal_lahir", "tgl_lahir"), ("jenis_kelamin", "jenkel"),
        ("nomor_hp", "no_hp"), ("email_gov", "email_dinas"), ("kedudukan_hukum_id", "kedudukan_id"),
        ("kedudukan_hukum_nama", "kedudukan_nama"), ("status_cpns_pns", "status_kepegawaian"),
        ("gol_akhir_nama", "gol_ruang"), ("jenis_jabatan_id", "jenjab"), ("jabatan_id", "id_jabatan"),
        ("jabatan_nama", "nama_jabatan"), ("tmt_jabatan", "tmt_jab"), ("unor_id", "id_unit_kerja"),
        ("instansi_kerja_id", "id_instansi"), ("nik", "no_ktp"), ("agama_nama", "agama"),
    ]

    static func people() throws -> PersonnelTable {
        var table = PersonnelTable(columns: names.map(\.simpeg), rows: [])
        var places: [Int] = []
        var reader = XLSXReader(RandomAccessBytes(try PersonnelExample.bytes("siasn-2026-09.xlsx")))
        try reader.read { header in
            let keys = header.cells.map { TableHeader<PersonnelColumn>.key(text($0) ?? "") }
            places = names.compactMap { keys.firstIndex(of: TableHeader<PersonnelColumn>.key($0.siasn)) }
            return .all
        } row: { row in
            table.rows.append(
                zip(names, places).map { name, place in
                    guard let text = text(row[place]) else { return nil }
                    return translated(text, name.siasn)
                })
        }
        return table
    }

    static func units() throws -> PersonnelTable {
        var table = PersonnelTable(
            columns: ["id_unor", "id_instansi", "id_induk", "eselon", "nama_unit", "jabatan", "id_kepala", "jenis"],
            rows: [])
        var reader = CSVReader(ByteSource(try PersonnelExample.bytes("ref-unor-2026-09.csv")))
        try reader.read { _ in
            .all
        } row: { row in
            table.rows.append([0, 1, 2, 3, 4, 5, 8, 9].map { text(row[$0]) })
        }
        return table
    }

    private static func translated(_ text: String, _ column: String) -> String? {
        switch (column, text) {
        case (_, "null"): nil
        case ("jenis_kelamin", "M"): "L"
        case ("jenis_kelamin", "F"): "P"
        case ("status_cpns_pns", "P"): "PNS"
        case ("status_cpns_pns", "C"): "CPNS"
        case ("tanggal_lahir", _), ("tmt_jabatan", _):
            IdentifierText.cleaned(text).flatMap { CalendarDate($0) }?.iso8601 ?? text
        default: text
        }
    }

    private static func text(_ cell: TabularCell) -> String? {
        switch cell {
        case .text(let text), .formula(let text), .number(let text), .error(let text): text
        case .bool(let value): value ? "1" : "0"
        case .empty: nil
        }
    }
}
