import Foundation
import Gapura
import GapuraDirectory
import GapuraFormats
import PostgresTesting
import Testing

@testable import GapuraServer

/// Profiles and databases from the command line.
@Suite("Personnel: profiles and databases as commands")
struct PersonnelSourceCommandTests {
    @Test("every built-in profile, printed as YAML, is read as itself", arguments: PersonnelProfile.builtIn.map(\.name))
    func roundTrip(_ name: String) throws {
        let profile = try #require(PersonnelProfile.builtIn(name))
        #expect(try PersonnelProfile(ProfileFile.parse(profile.yaml, path: "x.yaml")) == profile)
    }

    @Test("what stands in YAML is text: 01 stays 01, and null is a word")
    func text() throws {
        let object = try ProfileFile.parse("values: {a: {1: 01}}\nnulls: [null, ~, no]\n", path: "x.yaml")
        #expect(object["values"] == ["a": ["1": "01"]])
        #expect(object["nulls"] == ["null", "~", "no"])
    }

    @Test(
        "what is no profile is refused in two languages, without what stands in it",
        arguments: ["", "a", "- a", "a: [", "a: 1\na: 2", "a: {b: 1, b: 2}", "? [x]\n: y"])
    func malformed(_ yaml: String) {
        let error = #expect(throws: OperationError.self) { try ProfileFile.parse(yaml, path: "x.yaml") }
        #expect(error?.message.hasPrefix("x.yaml") == true && error?.message != error?.indonesian)
    }

    @Test("aliases that multiply end somewhere")
    func aliases() {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            yaml +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
                + "]\n"
        }
        #expect(throws: OperationError.self) { try ProfileFile.parse(yaml, path: "x.yaml") }
    }

    @Test(
        "a SIMPEG in MariaDB by a city's own profile: shown, applied, known the second time; profiles are listed and shown"
    )
    func database() async throws {
        let gapura = try GapuraProgram()
        try await gapura.succeed("setup")
        let maria = try MariaDBServer.shared()
        let name = try maria.makeDatabase(password: "rahasia-uji")
        try maria.query(
            """
            CREATE TABLE pegawai (kode TEXT, nip TEXT, nama TEXT, status TEXT, unit TEXT);
            INSERT INTO pegawai VALUES ('C0F6ED7F', '\(SmallCity.nip)', 'Ujang Contoh', 'BEKERJA', 'A0');
            CREATE TABLE unit (id TEXT, induk TEXT, nama TEXT);
            INSERT INTO unit VALUES ('ROOT', NULL, 'Pemerintah Kota Uji'), ('A0', 'ROOT', 'Dinas Uji');
            """, in: name)
        let secret = gapura.folder.path("kata-sandi")
        try "rahasia-uji\n".write(toFile: secret, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: secret)
        let profile = gapura.folder.path("simpeg-uji.yaml")
        try """
        name: simpeg-uji
        format: sql
        columns: {pns_id: kode, nip_baru: nip, nama: nama, kedudukan_hukum_id: status, unor_id: unit}
        optional: [gelar_depan, gelar_belakang, tanggal_lahir, jenis_kelamin, nomor_hp, email_gov,
          kedudukan_hukum_nama, status_cpns_pns, gol_akhir_nama, jenis_jabatan_id, jabatan_id, jabatan_nama, tmt_jabatan]
        constants: {instansi_kerja_id: 7299}
        values: {kedudukan_hukum_id: {bekerja: 01}}
        units:
          columns: {Id: id, DiatasanId: induk, NamaUnor: nama}
          constants: {InstansiId: 7299}
          optional: [EselonId, NamaJabatan, PemimpinPnsId, JenisUnorId]
        sql: {password_file: \(secret)}
        """.write(toFile: profile, atomically: false, encoding: .utf8)
        let source = [
            "personnel", "load", "--from", "mysql://\(name)@localhost/\(name)?socket=\(maria.socket)", "--view",
            "pegawai", "--profile", profile,
        ]
        let query = gapura.folder.path("unit.sql")
        try "SELECT id, induk, nama FROM unit ORDER BY id;\n".write(toFile: query, atomically: false, encoding: .utf8)
        let load = source + ["--units-query", query]
        let preview = try await gapura.run(load + ["--json"])
        #expect(preview.code == 0, "\(preview.errors)")
        #expect(try preview.json["source"]?.string == "simpeg-uji")
        #expect(try preview.json["counts"]?["new"]?.integer == 1)
        #expect(try preview.json["counts"]?["units_added"]?.integer == 2)
        #expect(!preview.output.contains("rahasia") && !preview.errors.contains("rahasia"))
        let applied = try await gapura.run(load + ["--apply"])
        #expect(applied.code == 0 && applied.output.contains("Diterapkan"))
        let again = try await gapura.run(load + ["--apply", "--json"])
        #expect(try again.json["already_applied"]?.bool == true)

        try maria.query("DELETE FROM pegawai", in: name)
        let empty = try await gapura.run(source)
        #expect(empty.code == 1 && empty.errors.contains("Tidak ada yang berubah"))
        #expect(empty.errors.contains("Nothing was changed"))
        let writing = gapura.folder.path("tulis.sql")
        try "DELETE FROM unit".write(toFile: writing, atomically: false, encoding: .utf8)
        let refused = try await gapura.run(Array(source.prefix(4)) + ["--query", writing, "--profile", profile])
        #expect(refused.code == 1 && refused.errors.contains("SELECT"))

        let listed = try await gapura.succeed("personnel", "profile", "list").output
        for known in PersonnelProfile.builtIn { #expect(listed.contains(known.name)) }
        #expect(try await gapura.succeed("personnel", "profile", "show", profile).output.contains("simpeg-uji"))
        let unknown = try await gapura.run(["personnel", "profile", "show", "simpeg-generik"])
        #expect(unknown.code == 3 && unknown.errors.contains("simpeg-generic"))
    }

    @Test("a database needs a view or a query, a file none; a password in the address is refused and not repeated")
    func usage() async throws {
        let gapura = try GapuraProgram()
        try await gapura.succeed("setup")
        for wrong in [
            ["--from", "mysql://a@h/b"], ["x.csv", "--from", "mysql://a@h/b", "--view", "v"], ["x.csv", "--view", "v"],
            ["--from", "mysql://a@h/b", "--view", "v", "--query", "q"], [],
        ] {
            #expect(try await gapura.run(["personnel", "load"] + wrong).code == 2)
        }
        let secret = try await gapura.run(["personnel", "load", "--from", "mysql://a:rahasia@h/b", "--view", "v"])
        #expect(secret.code == 1 && !secret.errors.contains("rahasia"))
    }
}
