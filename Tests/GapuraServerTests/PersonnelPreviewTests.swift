import Foundation
import GapuraFormats
import Testing

@testable import GapuraServer

/// The preview of a load on a terminal, and the commands around it.
@Suite("Personnel: preview on a terminal")
struct PersonnelPreviewTests {
    /// What `personnel.load` answers for a month in which something of most kinds happens.
    private static let result: JSONValue = [
        "counts": ["rows": 300, "new": 1, "changed": 10, "vanished": 1],
        "kinds": ["new": 1, "moved": 1, "renamed": 1, "retired": 1, "scheduled": 1, "vanished": 1, "rejected": 1],
        "state_changes": [
            ["from": "aktif", "to": "nonaktif", "accounts": 1], ["from": .null, "to": "aktif", "accounts": 1],
        ],
        "unknown_codes": ["42": 3],
        "units": [
            ["id": "A0", "name": "Dinas Baru", "name_before": "Dinas 0", "change": "renamed"],
            ["id": "A9", "name": "Dinas Tambahan", "change": "added"],
        ],
        "changes": [
            change(
                "Drs. Orang Tiga, S.E.", "0000ABC3", ["berhenti/pensiun"], "aktif", "nonaktif", 2, 1, "Dinas 1",
                "Dinas 1"),
            change(
                "Orang Tujuh", "0000ABC7", ["pensiun terjadwal"], "aktif", "nonaktif", 0, 0, "Dinas 1", "Dinas 1",
                effective: "2026-10-01"),
            change(
                "Orang\u{202e}\u{1b}[31m Nol", "0000ABC0", ["pindah unit", "ganti nama"], "aktif", "aktif", 0, 0,
                "Dinas 0", "Seksi 5.2"),
            change("Orang Baru", "0000B000", ["baru"], nil, "aktif", 0, 0, nil, "Dinas 2"),
            change(
                "Orang Hilang", "0000ABCF", ["tidak ada di berkas"], "aktif", "ditangguhkan", 1, 0, "Dinas 3", nil,
                effective: "2026-10-06"),
            ["row": 9, "pns_id": "0000ABCC", "changes": ["rejected"], "reason": "nip_length"],
        ],
    ]

    private static func change(
        _ name: String, _ id: String, _ words: [JSONValue], _ before: String?, _ after: String?, _ sessions: Int64,
        _ tokens: Int64, _ unit: String?, _ newUnit: String?, effective: String? = nil
    ) -> JSONValue {
        func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        return [
            "name": .string(name), "pns_id": .string(id), "perubahan": .array(words), "account_before": text(before),
            "account_after": text(after), "sessions": .integer(sessions), "token_families": .integer(tokens),
            "grants": 0,
            "unit_before": text(unit), "unit_after": text(newUnit), "effective": text(effective), "reason": .null,
        ]
    }

    @Test("attack 277: the table is the one that was agreed on; marks that turn or colour a terminal do not reach it")
    func golden() throws {
        let text = PersonnelPreview.lines(Self.result).joined(separator: "\n") + "\n"
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "GapuraDirectoryTests/Fixtures/pratinjau.txt")
        #expect(text == (try String(contentsOf: golden, encoding: .utf8)))
        #expect(!text.unicodeScalars.contains("\u{1b}") && !text.unicodeScalars.contains("\u{202e}"))
    }

    @Test("load, undo and the bin from the command line; the list of changes is written and never overwrites")
    func undo() async throws {
        let gapura = try GapuraProgram()
        try await gapura.succeed("setup")
        let files = try SmallCity.write(to: gapura.folder)
        let list = gapura.folder.path("perubahan.csv")
        let preview = try await gapura.succeed(
            "personnel", "load", files.people, "--units", files.units, "--changes", list, "--json"
        ).json
        #expect(preview["kinds"]?["new"]?.integer == 2)
        #expect(preview["changes"]?.array?.count == 3)
        #expect(preview["changes_complete"]?.bool == true)
        let text = try String(contentsOfFile: list, encoding: .utf8)
        #expect(text.contains("'\(SmallCity.nip);Ujang Contoh;new;baru;;aktif;0;0;"))
        #expect(try FileManager.default.attributesOfItem(atPath: list)[.posixPermissions] as? Int == 0o600)
        let again = try await gapura.run([
            "personnel", "load", files.people, "--units", files.units, "--changes", list, "--apply",
        ])
        #expect(again.code == 1 && again.errors.contains(list))

        let applied = try await gapura.succeed(
            "personnel", "load", files.people, "--units", files.units, "--apply", "--json"
        ).json
        let load = try #require(applied["load"]?.string)
        // A whole city is not closed by a slip.
        let stopped = try await gapura.run(["personnel", "undo", load])
        #expect(stopped.code == 1)
        #expect(stopped.errors.contains("--confirm-vanished 2"))
        let shown = try await gapura.succeed("personnel", "undo", load, "--preview", "--json").json
        #expect(shown["restored"]?["accounts_disabled"]?.integer == 2)
        #expect(shown["undo"]?.isNull == true)
        let undone = try await gapura.succeed("personnel", "undo", load, "--confirm-vanished", "2", "--json").json
        #expect(undone["restored"]?["accounts_disabled"]?.integer == 2)
        #expect(undone["left"]?.array?.isEmpty == true)
        #expect(try await gapura.succeed("personnel", "undo", load, "--json").json["already_undone"]?.bool == true)

        let loads = try await gapura.succeed("personnel", "loads", "--json").json["loads"]?.array ?? []
        #expect(loads.map { $0["kind"]?.string } == ["undo", "load"])
        #expect(loads.last?["undone_by"]?.string == undone["undo"]?.string)
        // Who acted stands there with the machine.
        #expect(loads.first?["actor"]?.string?.hasPrefix("command:") == true)
        #expect(loads.first?["actor"]?.string?.contains("@") == true)
        let bin = try await gapura.succeed("personnel", "bin", "--json").json["accounts"]?.array ?? []
        #expect(bin.count == 2)
        let account = try #require(bin.first?["account"]?.string)
        #expect(try await gapura.succeed("personnel", "bin").output.contains("undone"))
        try await gapura.succeed("account", "state", account, "aktif")
        #expect(try await gapura.succeed("personnel", "bin", "--json").json["accounts"]?.array?.count == 1)
        let unknown = try await gapura.run(["personnel", "undo", "019a5b0e-7c1d-7a52-9b7e-2f6f0e6c1a11"])
        #expect(unknown.code == 3)
        #expect(unknown.errors.contains("personnel loads"))
    }
}
