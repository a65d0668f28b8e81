import Foundation
import GapuraFormats
import GapuraTabular
import Testing

@testable import GapuraDirectory

/// What a city may say about its columns and codes.
@Suite("Personnel: mapping profiles")
struct PersonnelProfileTests {
    private struct Stop: PersonnelStop {
        func check() throws {}
        func onStop(_ body: @escaping @Sendable () -> Void) {}
    }

    private func profile(_ json: JSONObject) throws -> PersonnelProfile { try PersonnelProfile(json) }

    private func intake(_ text: String, _ profile: PersonnelProfile?) throws -> PersonnelIntake {
        var intake = PersonnelIntake(allowsFixtureYears: true)
        let file = PersonnelFile(name: "uji.csv", bytes: Array(text.utf8)).with(profile)
        _ = try file.readPeople(withNIK: false, Stop()) { try intake.read($0) }
        return intake
    }

    private func wrong(_ json: JSONObject, sourceLocation: SourceLocation = #_sourceLocation) -> String {
        let error = #expect(throws: PersonnelProfileError.self, sourceLocation: sourceLocation) { try profile(json) }
        if let error { #expect(error.message != error.indonesian) }
        return error?.message ?? ""
    }

    @Test("names are unique; every built-in one is read again from what it says of itself")
    func builtIn() throws {
        #expect(Set(PersonnelProfile.builtIn.map(\.name)).count == PersonnelProfile.builtIn.count)
        for known in PersonnelProfile.builtIn { #expect(try profile(known.json) == known) }
        #expect(PersonnelProfile.builtIn("simpeg-generic")?.yaml.contains("password_variable") == true)
        var other = PersonnelProfile.simpegGeneric.json
        other["apostrophe"] = "everywhere"
        #expect(wrong(other).contains("built-in"))
    }

    @Test("a key that nobody knows stops it, with the nearest one that somebody does")
    func unknownKeys() {
        #expect(wrong(["name": "a", "colums": [:]]).contains("did you mean columns?"))
        #expect(wrong(["name": "a", "columns": ["nip_bru": "x"]]).contains("did you mean nip_baru?"))
        #expect(wrong(["name": "a", "units": ["columns": ["NamaUnr": "x"]]]).contains("did you mean NamaUnor?"))
        #expect(wrong(["name": "a", "sql": ["password": "x"]]).contains("did you mean password_"))
        #expect(wrong(["name": "a", "optional": ["nip_baru"]]).contains("needed"))
        #expect(wrong(["name": "a", "columns": ["unor_id": "x"], "constants": ["unor_id": "y"]]).contains("constant"))
        #expect(wrong(["name": "A b"]).contains("lower-case"))
        #expect(wrong([:]).contains("name"))
        #expect(wrong(["name": "a", "format": "ods"]).contains("xlsx"))
        #expect(wrong(["name": "a", "dates": ["d/m/y"]]).contains("dd-mm-yyyy"))
        #expect(wrong(["name": "a", "delimiter": "::"]).contains("tab"))
        #expect(wrong(["name": "a", "sql": ["read_seconds": "0"]]).contains("3600"))
        #expect(
            wrong(["name": "a", "sql": ["password_file": "/x", "password_variable": "Y"]]).contains("one of them"))
        // The gateway would not start with a variable of its prefix that it does not know.
        #expect(wrong(["name": "a", "sql": ["password_variable": "GAPURA_SIMPEG"]]).contains("settings"))
    }

    @Test("a city's names, codes, days and ways to say nothing")
    func mapped() throws {
        let city = try profile([
            "name": "simpeg-uji", "delimiter": "|", "dates": ["mm/dd/yyyy"], "nulls": ["tidak ada"],
            "apostrophe": "everywhere",
            "columns": [
                "pns_id": "kode", "nip_baru": ["nomor induk", "nip"], "nama": "nama", "tanggal_lahir": "lahir",
                "jenis_kelamin": "jk", "kedudukan_hukum_id": "status", "unor_id": "unit", "tmt_jabatan": "sejak",
                "gelar_depan": "gelar",
            ],
            "optional": .array(
                PersonnelColumn.allCases.filter { !PersonnelProfile.needed.contains($0) }.map { .string($0.rawValue) }),
            "constants": ["instansi_kerja_id": "8811"],
            "values": ["kedudukan_hukum_id": ["bekerja": "01"], "jenis_kelamin": ["W": "F", "P": "M"]],
        ])
        let read = try intake(
            """
            kode|NIP|nama|lahir|jk|status|unit|sejak|gelar
            P1|187011121902031001|'Aminah|11/12/1870|P|Bekerja|A0|03/04/1920|TIDAK ADA
            P2|187011121902032002|Budi|12/11/1870|W|bekerja|A0|13/04/1920|
            ||||||||
            """, city)
        #expect(read.rows == 2 && read.rejected.isEmpty)
        #expect(read.records.map(\.name) == ["Aminah", "Budi"])
        #expect(read.records.map(\.statusCode) == ["01", "01"])
        #expect(read.records.map(\.governmentID) == ["8811", "8811"])
        #expect(read.records.map(\.postSince) == [CalendarDate(year: 1920, month: 3, day: 4), nil])
        #expect(read.records.map(\.frontTitle) == [nil, nil])
        #expect(read.warnings.map(\.reason) == [.birthDateMismatch])
    }

    @Test("the first spelling that is there wins, and only that one must be there once")
    func spellings() throws {
        let header = TabularRow(number: 1, cells: ["NIP", "nip_baru", "nip"].map { .text($0) })
        let others = Set(PersonnelColumn.allCases).subtracting([.nip])
        let found = try TableHeader<PersonnelColumn>(header, spellings: [.nip: ["nip_baru", "nip"]], without: others)
        #expect(found.positions.map(\.index) == [1])
        #expect(throws: PersonnelSourceError.repeatedColumn("nip")) {
            try TableHeader<PersonnelColumn>(header, spellings: [.nip: ["nip", "nip_baru"]], without: others)
        }
    }

    @Test("the same file by another profile is another load, and a profile is for its kind of source")
    func digests() throws {
        let city = PersonnelTestCity(people: 3)
        func digest(_ profile: PersonnelProfile?) throws -> String {
            try city.peopleFile.with(profile).readPeople(withNIK: false, Stop()) { try $0.read { _ in } }
        }
        #expect(try digest(nil) == digest(.siasnText))
        var mended = PersonnelProfile.siasnText
        mended.nulls = ["x"]
        #expect(try digest(nil) != digest(mended))
        #expect(throws: PersonnelSourceError.format(profile: "siasn-xlsx", file: "uji.csv")) {
            try digest(.siasnWorkbook)
        }
    }

    @Test("days are read by the forms that are said, and by no other")
    func days() {
        #expect(DateForm("yyyymmdd")?.day("18701112") == CalendarDate(year: 1870, month: 11, day: 12))
        #expect(DateForm("yyyy-mm-dd")?.day("1870-11-12 00:00:00") == CalendarDate(year: 1870, month: 11, day: 12))
        #expect(DateForm("yyyy-mm-dd")?.day("1870-11-12T00:00") == CalendarDate(year: 1870, month: 11, day: 12))
        #expect(DateForm("dd/mm/yyyy")?.day("31/02/1870") == nil)
        #expect(DateForm("dd/mm/yyyy")?.day("12-11-1870") == nil)
        #expect(DateForm("dd/mm/yyyy")?.day("12/11/18700") == nil)
        for wrong in ["", "dd-mm", "dd-mm-yyyy-dd", "ddxmmxyyyy"] { #expect(DateForm(wrong) == nil) }
    }
}
