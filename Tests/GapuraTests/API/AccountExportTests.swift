import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

/// All accounts in a file.
@Suite("Operations: account.export")
struct AccountExportTests {
    private func lines(_ path: String) throws -> [String] {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
            .split(separator: "\r\n").map(String.init)
    }

    @Test(
        "every account once, with where its person works, safe to open, and nobody else's to read",
        arguments: bothEngines)
    func whole(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            _ = try await city.operate(
                "account.add",
                ["user_name": "vendor", "name": "=cmd|'x'!A1", "sponsor": "siti", "ends_at": "2027-01-01"])
            let path = city.gateway.gateway.services.settings.dataFolder + "/akun.csv"
            let answer = try await city.operate("account.export", ["file": .string(path)])
            #expect(answer["accounts"] == 5)
            let rows = try lines(path)
            #expect(rows.first == "id;nip;user_name;name;state;role;role_unit;unit;agency;has_password")
            #expect(rows.count == 6)
            let ujang = try #require(city.people["ujang"])
            #expect(
                rows.contains(
                    "\(ujang.id.text);'\(city.nip("ujang"));ujang;Ujang Ma'ruf, S.H.;aktif;none;;Bagian Hukum;Sekretariat Daerah;yes"
                ))
            #expect(rows.contains { $0.contains(";vendor;'=cmd|'x'!A1;aktif;") })
            #expect(!rows.joined().contains("argon2"))
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(try await city.latest(.accountsExported) == ["accounts": 5])
            // Never over another.
            #expect(await city.refusal("account.export", ["file": .string(path)]) == .conflict)
        }
    }

    @Test("a unit's, a state's, and no file where the unit is unknown")
    func some() async throws {
        try await withCity { city in
            let folder = city.gateway.gateway.services.settings.dataFolder
            for (number, (more, count)) in [
                (["unit": "UNOR-setda"], 3), (["state": "aktif"], 2), (["unit": "UNOR-setda", "state": "aktif"], 1),
                (["role": "superadmin"], 0),
            ].enumerated() as EnumeratedSequence<[(JSONObject, Int)]> {
                var arguments = more
                arguments["file"] = .string("\(folder)/\(number).csv")
                _ = try await city.operate("account.export", arguments)
                #expect(try lines("\(folder)/\(number).csv").count == count + 1, "\(more.keys)")
            }
            #expect(
                await city.refusal("account.export", ["file": .string("\(folder)/x.csv"), "unit": "Antah"]) == .notFound
            )
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/x.csv"))
        }
    }

    @Test("page after page, and an admin beyond the console writes no file")
    func pages() async throws {
        try await withAdmins(on: .sqlite) { admins in
            let (city, now) = (admins.city, admins.city.gateway.clock.now)
            let more = (0..<10_001).map { number in
                Account(
                    id: .make(now: now), sub: UUIDText.version4(), userName: "u\(number)", displayName: "U",
                    state: .aktif, stateBy: .admin, createdAt: now, updatedAt: now)
            }
            try await city.gateway.store.write { try $0.accounts.insert(more) }
            let path = city.gateway.gateway.services.settings.dataFolder + "/akun.csv"
            #expect(
                try await admins.outcome("account.export", ["file": .string(path)], as: .account("super")) == .forbidden
            )
            #expect(!FileManager.default.fileExists(atPath: path))
            _ = try await city.operate("account.export", ["file": .string(path)])
            let ids = try lines(path).dropFirst().map { String($0.prefix(36)) }
            #expect(ids.count == 10_001 + AuthorityCity.places.count)
            #expect(Set(ids).count == ids.count)
        }
    }
}
