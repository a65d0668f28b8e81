import Foundation
import GapuraFormats
import Testing

/// `gapura personnel load … --findings FILE`.
@Suite("Personnel: the list of findings")
struct PersonnelFindingsTests {
    @Test("refused rows and warnings go into a new file of mode 0600, before anything is applied")
    func written() async throws {
        let gapura = try GapuraProgram()
        try await gapura.succeed("setup")
        let files = try SmallCity.write(to: gapura.folder)
        let list = gapura.folder.path("temuan.csv")
        let preview = try await gapura.succeed(
            "personnel", "load", files.people, "--units", files.units, "--findings", list)
        #expect(preview.output.contains(list))
        let text = try String(contentsOfFile: list, encoding: .utf8)
        #expect(text.hasPrefix("baris;hasil;alasan;pns_id;keterangan;explanation\r\n"))
        #expect(text.contains("4;ditolak;nip_length;"))
        let mode = try FileManager.default.attributesOfItem(atPath: list)[.posixPermissions] as? Int
        #expect(mode == 0o600)

        // It never overwrites, and then nothing is applied.
        let again = try await gapura.run([
            "personnel", "load", files.people, "--units", files.units, "--findings", list, "--apply",
        ])
        #expect(again.code == 1)
        #expect(again.errors.contains(list))
        let nowhere = gapura.folder.path("none/temuan.csv")
        let failed = try await gapura.run([
            "personnel", "load", files.people, "--units", files.units, "--findings", nowhere, "--apply",
        ])
        #expect(failed.code == 1)
        #expect(failed.errors.contains(nowhere))
        #expect(try String(contentsOfFile: list, encoding: .utf8) == text)
        #expect(try await gapura.succeed("personnel", "list", "--json").json["loads"]?.array?.isEmpty == true)

        // A file that cannot be read leaves no list.
        let other = gapura.folder.path("lain.csv")
        _ = try await gapura.run(["personnel", "load", "/nowhere.csv", "--findings", other])
        #expect(!FileManager.default.fileExists(atPath: other))
        let applied = try await gapura.succeed(
            "personnel", "load", files.people, "--units", files.units, "--findings", other, "--apply", "--json"
        ).json
        #expect(applied["findings_file"]?.string == other)
        #expect(try String(contentsOfFile: other, encoding: .utf8) == text)
    }
}
