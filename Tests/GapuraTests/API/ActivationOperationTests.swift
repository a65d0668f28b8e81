import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

/// `account.codes` and `account.pending`, on both engines.
@Suite("Operations: activation")
struct ActivationOperationTests {
    /// A folder that is gone after the test.
    private final class Folder {
        let path = FileManager.default.temporaryDirectory.appending(path: "gapura-codes-\(UUIDText.version4())").path()

        init() throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func file(_ name: String) -> String { "\(path)/\(name)" }
        func read(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }
        var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }
    }

    private static func rows(_ csv: String) -> [[String]] {
        csv.split(separator: "\r\n").map { $0.split(separator: ";", omittingEmptySubsequences: false).map(String.init) }
    }

    @Test("who administers the gateway stands on no sheet, and a code from before the role opens nothing")
    func administrators() async throws {
        try await withCity { city in
            try await city.makeNewcomer("ujang")
            let folder = try Folder()
            _ = try await city.operate(
                "account.codes", ["unit": "Sekretariat Daerah", "csv": .string(folder.file("1"))])
            let code = try #require(Self.rows(try folder.read("1")).last?[3])
            let id = try #require(city.people["ujang"]?.id)
            try await city.gateway.store.write { tx in
                guard var account = try tx.accounts.find(id) else { return }
                account.role = .superadmin
                try tx.accounts.update(account)
            }
            let again = try await city.operate(
                "account.codes", ["unit": "Sekretariat Daerah", "again": true, "csv": .string(folder.file("2"))])
            #expect(again["issued"] == 0)
            #expect(try await city.activate("ujang", code, in: city.gateway.browser()).status == 422)
        }
    }

    @Test("a unit's codes are its subtree's: active people without a password, and nobody else", arguments: bothEngines)
    func unit(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            for person in ["ujang", "siti", "budi", "rina"] { try await city.makeNewcomer(person) }
            let folder = try Folder()
            let json = try await city.operate(
                "account.codes", ["unit": "Sekretariat Daerah", "csv": .string(folder.file("kode.csv"))])
            // Budi is terbatas and Rina suspended; Siti works elsewhere.
            #expect(json["issued"] == 1)
            #expect(json["codes"] == nil)
            #expect(json["url"] == "https://sso.contoh.go.id/akun/aktivasi")
            let rows = Self.rows(try folder.read("kode.csv"))
            #expect(
                rows.map { Array($0.prefix(3)) + Array($0.dropFirst(4)) } == [
                    ["nip", "name", "phone", "url", "expires"],
                    [
                        "'189001011915011001", "Ujang Ma'ruf, S.H.", "000012345678",
                        "https://sso.contoh.go.id/akun/aktivasi", "2026-12-25T07:30:00+07:00",
                    ],
                ])
            let code = try #require(rows.last?[3])
            #expect(try await city.activate("ujang", code, in: city.gateway.browser()).status == 303)
            #expect(json["expires_at"]?.string == "2026-12-25T00:30:00.000Z")
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("kode.csv"))
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test(
        "who has a good code keeps it; --again replaces it; who has none, or an old one, gets one",
        arguments: bothEngines)
    func again(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            for person in ["ujang", "siti"] { try await city.makeNewcomer(person) }
            let first = try await city.activationCode("ujang")
            let folder = try Folder()
            func issue(_ name: String, again: Bool = false) async throws -> JSONValue {
                try await city.operate(
                    "account.codes", ["all": true, "again": .bool(again), "csv": .string(folder.file(name))])
            }
            let second = try await issue("a.csv")
            #expect(second["issued"] == 1)
            #expect(second["kept"] == 1)
            #expect(try folder.read("a.csv").contains(city.nip("siti")))
            #expect(try !folder.read("a.csv").contains(city.nip("ujang")))
            #expect(try await city.activate("ujang", first, in: city.gateway.browser()).status == 303)
            let count = try await city.auditCount()
            // Nobody is left: no file, no row, no batch.
            let third = try await issue("b.csv")
            #expect(third["issued"] == 0)
            #expect(third["kept"] == 2)
            #expect(third["batch"] == nil)
            #expect(try folder.names == ["a.csv"])
            #expect(try await city.auditCount() == count)
            let fourth = try await issue("c.csv", again: true)
            #expect(fourth["issued"] == 2)
            #expect(fourth["replaced"] == 2)
            #expect(try await city.activate("ujang", first, in: city.gateway.browser()).status == 422)
            city.gateway.clock.advance(seconds: 30 * 86_400)
            #expect(try await issue("d.csv")["issued"] == 2)
        }
    }

    @Test("accounts that are named answer their codes, and those that get none say why", arguments: bothEngines)
    func named(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.makeNewcomer("ujang")
            try await city.makeNewcomer("budi")
            let names: JSONValue = [.string(city.nip("ujang")), "siti", "budi"]
            let json = try await city.operate("account.codes", ["names": names])
            #expect(json["codes"]?.array?.count == 1)
            #expect(json["codes"]?.array?.first?["sign_in_name"]?.string == city.nip("ujang"))
            #expect(json["skipped"]?.array?.compactMap { $0["reason"]?.string } == ["has_password", "not_active"])
            let again = try await city.operate("account.codes", ["names": names])
            #expect(again["issued"] == 0)
            #expect(
                again["skipped"]?.array?.compactMap { $0["reason"]?.string } == [
                    "has_code", "has_password", "not_active",
                ])
            #expect(
                await city.refusal("account.codes", ["names": ["ujang", "tidak.ada"], "again": true]) == .notFound)
        }
    }

    @Test("the call says for whom and whereto, and nothing is overwritten")
    func usage() async throws {
        try await withCity { city in
            try await city.makeNewcomer("ujang")
            let folder = try Folder()
            let file = JSONValue.string(folder.file("kode.csv"))
            for arguments: JSONObject in [
                [:], ["all": true], ["unit": "Bagian Hukum"], ["all": true, "unit": "Bagian Hukum", "csv": file],
                ["all": true, "names": ["ujang"], "csv": file], ["all": true, "csv": file, "sheet": file],
            ] { #expect(await city.refusal("account.codes", arguments) == .invalid, "\(arguments.members)") }
            #expect(await city.refusal("account.codes", ["unit": "Tidak Ada", "csv": file]) == .notFound)
            #expect(try folder.names.isEmpty)
            try "milik orang".write(toFile: folder.file("kode.csv"), atomically: true, encoding: .utf8)
            #expect(await city.refusal("account.codes", ["all": true, "csv": file]) == .conflict)
            #expect(try folder.read("kode.csv") == "milik orang")
            let nowhere = JSONValue.string(folder.file("tidak/ada.html"))
            #expect(await city.refusal("account.codes", ["all": true, "sheet": nowhere]) == .refused)
            #expect(try await city.count("SELECT COUNT(*) FROM activation_codes") == 0)
        }
    }

    @Test(
        "codes and files come together or not at all: a transaction that fails leaves neither", arguments: bothEngines)
    func together(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.makeNewcomer("ujang")
            let folder = try Folder()
            // attack 326: the audit cannot be written.
            try await city.run("UPDATE audit_head SET seq = seq - 1")
            let file = JSONValue.string(folder.file("kode.csv"))
            let sheet = JSONValue.string(folder.file("kode.html"))
            #expect(await city.refusal("account.codes", ["all": true, "csv": file, "sheet": sheet]) != nil)
            #expect(try await city.count("SELECT COUNT(*) FROM activation_codes") == 0)
            #expect(try folder.names.isEmpty)
            try await city.run("UPDATE audit_head SET seq = seq + 1")
            #expect(try await city.operate("account.codes", ["all": true, "csv": file, "sheet": sheet])["issued"] == 1)
            #expect(try folder.names == ["kode.csv", "kode.html"])
        }
    }

    @Test("attack 145: the sheet is one page a unit, loads and runs nothing, and names stay text")
    func sheet() async throws {
        try await withCity { city in
            for person in ["ujang", "siti"] { try await city.makeNewcomer(person) }
            let evil = "<img src=x onerror=alert(1)>\"'&\u{202e}"
            try await city.run("UPDATE units SET post_name = \(evil), head_pns_id = 'PNS-budi'")
            try await city.run("UPDATE people SET back_title = \(evil) WHERE pns_id = 'PNS-ujang'")
            let folder = try Folder()
            _ = try await city.operate("account.codes", ["all": true, "sheet": .string(folder.file("kode.html"))])
            let html = try folder.read("kode.html")
            #expect(html.hasPrefix("<!DOCTYPE html>\n<html lang=\"id\">"))
            #expect(html.hasSuffix("</html>\n"))
            #expect(html.components(separatedBy: "<section class=\"unit\">").count == 3)
            #expect(html.components(separatedBy: "<li class=\"slip\">").count == 3)
            for text in [
                "<h1><bdi>Bagian Hukum</bdi></h1>", "<h1><bdi>Puskesmas Melati</bdi></h1>",
                "<p><bdi>Sekretariat Daerah</bdi></p>", "<bdi>Budi Santoso</bdi>", "NIP 18900101 191501 1 001",
                "Siti &lt;b&gt;Aminah&lt;/b&gt;", "<strong>https://sso.contoh.go.id/akun/aktivasi</strong>",
                "berlaku sampai 25 Desember 2026 pukul 07.30 WIB", "default-src 'none'; style-src 'unsafe-inline'",
            ] { #expect(html.contains(text), "\(text)") }
            for text in ["<img", "<script", "<b>", "http://", "href=", "@import", "url("] {
                #expect(!html.contains(text), "\(text)")
            }
            // The codes on it work.
            let code = try #require(html.firstMatch(of: #/<p class="code">([0-9A-Z-]{14})</p>/#)).output.1
            let tried = try await ["ujang", "siti"].asyncMap {
                try await city.activate($0, String(code), in: city.gateway.browser()).status
            }
            #expect(tried.sorted() == [303, 422])
        }
    }

    @Test("the file for a gateway is harmless in a spreadsheet program, and its numbers can be dialled")
    func formulas() async throws {
        try await withCity { city in
            for person in ["ujang", "siti"] { try await city.makeNewcomer(person) }
            try await city.run(
                "UPDATE people SET name = '=HYPERLINK(\"http://evil\")', back_title = NULL, phone = '+62811000' WHERE pns_id = 'PNS-ujang'"
            )
            try await city.run("UPDATE people SET name = '@SUM(A1)', phone = '-1+1' WHERE pns_id = 'PNS-siti'")
            let folder = try Folder()
            _ = try await city.operate("account.codes", ["all": true, "csv": .string(folder.file("kode.csv"))])
            let csv = try folder.read("kode.csv")
            #expect(csv.contains(";\"'=HYPERLINK(\"\"http://evil\"\")\";62811000;"))
            #expect(csv.contains(";'@SUM(A1);'-1+1;"))
            for line in csv.split(separator: "\r\n").dropFirst() {
                for cell in line.split(separator: ";") {
                    #expect(!["=", "+", "-", "@"].contains(cell.first), "\(cell)")
                }
            }
        }
    }

    @Test("who has not come is counted by agency and listed with the state of the code", arguments: bothEngines)
    func pending(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            func pending(_ arguments: JSONObject = [:]) async throws -> JSONValue {
                try await city.operate("account.pending", arguments)
            }
            #expect(try await pending()["pending"] == 0)
            #expect(try await pending()["accounts"] == 3)
            for person in ["ujang", "siti", "budi", "rina"] { try await city.makeNewcomer(person) }
            _ = try await city.activationCode("ujang")
            _ = try await city.operate(
                "account.add",
                [
                    "user_name": "vendor.tamu", "name": "Tamu", "sponsor": .string(city.nip("ujang")),
                    "ends_at": "2027-06-30",
                ])
            var json = try await pending()
            #expect(json["pending"] == 4)
            let agencies = json["agencies"]?.array ?? []
            #expect(agencies.map { $0["agency"]?.string } == ["Dinas Kesehatan", "Sekretariat Daerah", nil])
            #expect(agencies.map { $0["pending"]?.integer } == [1, 2, 1])
            #expect(agencies.map { $0["issued"]?.integer } == [0, 1, 0])
            #expect(agencies.map { $0["none"]?.integer } == [1, 1, 1])
            let people = json["people"]?.array ?? []
            let states = Dictionary(
                people.map { ($0["user_name"]?.string ?? "", $0["code"]?.string ?? "") }
            ) { first, _ in first }
            #expect(states == ["ujang": "issued", "siti": "none", "budi": "none", "vendor.tamu": "none"])
            #expect(people.first { $0["user_name"] == "ujang" }?["unit"] == "Bagian Hukum")
            city.gateway.clock.advance(seconds: 30 * 86_400)
            json = try await pending(["unit": "Sekretariat Daerah"])
            #expect(json["accounts"] == 2)
            #expect(json["expired"] == 1)
            #expect(json["people"]?.array?.first { $0["user_name"] == "ujang" }?["code"] == "expired")
            #expect(try await pending(["limit": 1])["people"]?.array?.count == 1)
            #expect(try await pending(["limit": 0])["people"]?.array?.count == 4)
            // A link of an operator's makes the code worthless, and is none.
            _ = try await city.link(for: "ujang", .setUp)
            #expect(try await pending(["unit": "Bagian Hukum"])["agencies"]?.array?.first?["none"] == 1)
        }
    }

    @Test("an account without a person gets a code under its user name, on a page of its own")
    func withoutPerson() async throws {
        try await withCity { city in
            _ = try await city.operate(
                "account.add",
                [
                    "user_name": "vendor.tamu", "name": "Tamu", "sponsor": .string(city.nip("ujang")),
                    "ends_at": "2027-06-30",
                ])
            let folder = try Folder()
            let json = try await city.operate(
                "account.codes",
                ["all": true, "sheet": .string(folder.file("kode.html")), "csv": .string(folder.file("kode.csv"))])
            #expect(json["issued"] == 1)
            #expect(try folder.read("kode.html").contains("<h1><bdi>Tanpa unit kerja</bdi></h1>"))
            #expect(try folder.read("kode.html").contains("Nama pengguna <bdi>vendor.tamu</bdi>"))
            let code = try #require(Self.rows(try folder.read("kode.csv")).last)
            #expect(code[0] == "vendor.tamu")
            let browser = city.gateway.browser()
            #expect(try await city.activate("vendor.tamu", code[3], in: browser).status == 303)
            #expect(try await city.setFirstPassword("becak hijau di simpang lima", in: browser).status == 200)
        }
    }
}
