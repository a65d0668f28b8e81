import Foundation
import GapuraFormats
import GapuraStore
import PostgresTesting
import Testing

@testable import GapuraDirectory

/// A small city made by the test: other ids than the example's, nobody in it can exist.
struct PersonnelTestCity {
    var government = "8811"
    /// Rows of `ref-unor`: id, parent, name, head.
    var units: [(id: String, parent: String, name: String)] = []
    /// Rows of the export by column name.
    var people: [[String: String]] = []

    init(people count: Int = 300, agencies: Int = 6) {
        units.append(("ROOT", "", "Pemerintah Kabupaten Uji"))
        for agency in 0..<agencies {
            units.append(("A\(agency)", "ROOT", "Dinas \(agency)"))
            for section in 0..<3 { units.append(("A\(agency)S\(section)", "A\(agency)", "Seksi \(agency).\(section)")) }
        }
        for index in 0..<count { people.append(person(index)) }
    }

    func person(_ index: Int) -> [String: String] {
        let day = String(format: "%02d", index % 28 + 1)
        let month = String(format: "%02d", index / 28 % 12 + 1)
        let year = 1860 + index / 336 % 40
        let isMan = index.isMultiple(of: 2)
        let isPPPK = index % 5 == 4
        let nip =
            "\(year)\(month)\(day)1920\(isPPPK ? "21" : "03")\(isMan ? 1 : 2)" + String(format: "%03d", index % 997 + 1)
        return [
            "pns_id": String(format: "%032X", index + 0xabc0), "nip_baru": "'" + nip, "nama": "Orang \(index)",
            "gelar_depan": "null",
            "gelar_belakang": "S.E.", "tanggal_lahir": "\(day)-\(month)-\(year)", "jenis_kelamin": isMan ? "M" : "F",
            "nomor_hp": "'0000\(index)", "email_gov": "orang\(index)@uji.invalid",
            "kedudukan_hukum_id": isPPPK ? "'71" : "'01",
            "kedudukan_hukum_nama": isPPPK ? "PPPK" : "Aktif", "status_cpns_pns": "P", "gol_akhir_nama": "III/a",
            "jenis_jabatan_id": "1",
            "jabatan_id": "J\(index % 20)", "jabatan_nama": "Jabatan \(index % 20)", "tmt_jabatan": "01-03-1920",
            "unor_id": units[index % (units.count - 1) + 1].id, "instansi_kerja_id": government,
            "nik": "99\(index)SECRETNIK",
            "agama_nama": "SECRETRELIGION",
        ]
    }

    static let columns =
        PersonnelColumn.allCases.map(\.rawValue) + ["agama_nama"]

    var peopleFile: PersonnelFile { PersonnelFile(name: "uji.csv", bytes: Self.csv(Self.columns, people)) }

    var unitFile: PersonnelFile {
        let columns = [
            "Id", "InstansiId", "DiatasanId", "EselonId", "NamaUnor", "NamaJabatan", "CepatKode", "IndukUnorId",
            "PemimpinPnsId", "JenisUnorId",
        ]
        let rows = units.map { unit in
            [
                "Id": unit.id, "InstansiId": government, "DiatasanId": unit.parent, "NamaUnor": unit.name,
                "NamaJabatan": "Kepala \(unit.name)",
            ]
        }
        return PersonnelFile(name: "unor.csv", bytes: Self.csv(columns, rows))
    }

    /// Plain RFC 4180: what a personnel system writes, formulas and all.
    static func csv(_ columns: [String], _ rows: [[String: String]]) -> [UInt8] {
        var text = columns.joined(separator: ";") + "\r\n"
        for row in rows { text += columns.map { quoted(row[$0] ?? "") }.joined(separator: ";") + "\r\n" }
        return Array(text.utf8)
    }

    static func quoted(_ text: String) -> String {
        text.utf8.contains { [0x22, 0x3b, 0x0a, 0x0d].contains($0) }
            ? "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\"" : text
    }

    static let now = Timestamp(seconds: 1_790_000_000)

    static var options: PersonnelOptions {
        var options = PersonnelOptions()
        options.allowsFixtureYears = true
        return options
    }

    /// A database with this city loaded.
    func loaded(on engine: Engine = .sqlite) async throws -> (store: Store, run: PersonnelRun) {
        let store = try await Store.open(
            engine == .sqlite ? .sqliteMemory : .postgres(url: try PostgresCluster.shared().makeDatabase()))
        let run = PersonnelRun(store: store, options: Self.options)
        let plan = try await run.plan(people: peopleFile, units: unitFile, now: Self.now)
        _ = try await run.apply(plan, by: .command(user: "test"), now: Self.now)
        return (store, run)
    }
}

/// The files of `examples/kota-contoh` and of this folder, found from this source file.
enum PersonnelExample {
    static func path(_ name: String, source: String = #filePath) -> String {
        let root = URL(fileURLWithPath: source).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return root.appending(path: "examples/kota-contoh/\(name)").path
    }

    static func file(_ name: String) throws -> PersonnelFile { try PersonnelFile.open(path(name)) }

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
    }

    static func fixture(_ name: String, source: String = #filePath) throws -> [UInt8] {
        [UInt8](
            try Data(
                contentsOf: URL(fileURLWithPath: source).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
            ))
    }
}

extension PersonnelTestCity {
    /// Something of everything happens to the first eight: moved, renamed, renumbered, swapped numbers, retired, left.
    mutating func changeFirst() {
        people[0]["unor_id"] = "A5S2"
        people[1]["nama"] = "Nama Baru"
        people[2]["nip_baru"] = "189901012001021999"
        (people[3]["nip_baru"], people[5]["nip_baru"]) = (people[5]["nip_baru"], people[3]["nip_baru"])
        for index in [2, 3, 5] { people[index]["tanggal_lahir"] = "null" }
        people[6]["kedudukan_hukum_id"] = "'88"
        people[7]["kedudukan_hukum_id"] = "'04"
    }

    /// Whom a row is about, as the directory knows them.
    static func known(_ store: Store, _ row: [String: String]) async throws -> (
        person: Person, account: Account, nip: String?
    ) {
        let id = row["pns_id"] ?? ""
        return try #require(
            try await store.read { tx in
                guard let person = try tx.people.find(pnsID: id),
                    let account = try tx.accounts.find(personID: person.id)
                else { return nil }
                return (person, account, try tx.people.currentNIP(of: person.id))
            })
    }
}
