import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

/// Posts and managers as operators and applications see them.
@Suite("Operations: appointments and managers")
struct AppointmentOperationTests {
    /// A letter that makes Ujang (Bagian Hukum) Plt of the health agency, from tomorrow to the day after it: the clock
    /// stands at 25 November, 07:30 in Jakarta.
    func letter(_ city: City, _ more: KeyValuePairs<String, JSONValue?> = [:]) -> JSONObject {
        var letter: JSONObject = [
            "kind": "PLT", "nip": .string(City.nips["ujang"] ?? ""), "unit": "Dinas Kesehatan", "from": "2026-11-26",
            "to": "27-11-2026", "letter": "800/7/BKPSDM/2026",
        ]
        for (key, value) in more { letter[key] = value }
        return letter
    }

    func claims(_ city: City, _ person: String, in browser: TestBrowser? = nil) async throws -> JSONObject {
        let tokens = try await city.tokens("web", for: person, scope: "openid asn", in: browser)
        return try #require(try await city.userinfo(tokens["access_token"]?.string).json?.object)
    }

    @Test(
        "acting posts begin and end by themselves in claims, and so does who is whose manager", arguments: bothEngines)
    func claims(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let added = try await city.operate("appointment.add", letter(city))
            #expect(added["new"]?.bool == true)
            #expect(added["post"] == "Kepala Dinas Kesehatan")
            #expect(added["state"] == "akan berlaku")
            // 25 November, 23:59:59.999 in Jakarta: not yet.
            city.gateway.clock.advance(seconds: 16 * 3600 + 1800 - 1)
            #expect(try await claims(city, "ujang")["acting"] == nil)
            #expect(try await claims(city, "siti")["manager_sub"] == nil)
            city.gateway.clock.advance(seconds: 1)
            let first = try await claims(city, "ujang")
            #expect(
                first["acting"] == [
                    [
                        "kind": "PLT", "position": ["name": "Kepala Dinas Kesehatan", "eselon": "31"],
                        "unor": ["id": "UNOR-dinkes", "name": "Dinas Kesehatan"], "start": "2026-11-26",
                        "end": "2026-11-27", "order_number": "800/7/BKPSDM/2026",
                    ]
                ])
            // One's own unit and post stay one's own.
            #expect(first["unor"]?["name"] == "Bagian Hukum")
            #expect(first["position"]?["name"] == "Analis Ujang Ma'ruf")
            #expect(first["manager_sub"] == nil)
            #expect(
                try await claims(city, "siti")["manager_sub"] == .string(try #require(city.people["ujang"]).sub))
            // The last day is included.
            city.gateway.clock.advance(seconds: 2 * 86_400 - 1)
            #expect(try await claims(city, "ujang")["acting"] != nil)
            city.gateway.clock.advance(seconds: 1)
            #expect(try await claims(city, "ujang")["acting"] == nil)
            #expect(try await claims(city, "siti")["manager_sub"] == nil)
        }
    }

    @Test("a manager named by hand is the claim at once, and only under the scope asn")
    func named() async throws {
        try await withCity { city in
            let shown = try await city.operate(
                "manager.set", ["person": .string(City.nips["ujang"] ?? ""), "manager": "PNS-siti"])
            let sub = try #require(city.people["siti"]).sub
            #expect(shown["manager"]?["sub"] == .string(sub))
            #expect(shown["manager"]?["rule"] == "named")
            #expect(try await claims(city, "ujang")["manager_sub"] == .string(sub))
            let tokens = try await city.tokens("web", scope: "openid profile email phone")
            let info = try await city.userinfo(tokens["access_token"]?.string).json
            #expect(info?["manager_sub"] == nil && info?["acting"] == nil)
            #expect(await city.refusal("manager.set", ["person": "siti", "manager": "ujang"]) == .conflict)
            #expect(await city.refusal("manager.set", ["person": "siti", "manager": "nobody"]) == .notFound)
            let audit = try await city.latest(.managerSet)
            #expect(!audit.encodedText().contains(City.nips["ujang"] ?? "?"))
            #expect(try await city.operate("manager.clear", ["person": "ujang"])["manager"]?.isNull == true)
            #expect(try await claims(city, "ujang")["manager_sub"] == nil)
            let missing = try await city.operate("manager.missing")
            #expect(missing["missing"]?.integer == 4)
            #expect(missing["rows"]?.array?.first?["nip"]?.string?.utf8.count == 18)
        }
    }

    @Test(
        "one letter: refused with code and reason, idempotent, listed by unit, person and day, ended",
        arguments: bothEngines)
    func oneLetter(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            #expect(await city.refusal("appointment.add", letter(city, ["kind": "X"])) == .invalid)
            #expect(await city.refusal("appointment.add", letter(city, ["to": nil])) == .invalid)
            #expect(await city.refusal("appointment.add", letter(city, ["to": "2027-06-30"])) == .refused)
            #expect(await city.refusal("appointment.add", letter(city, ["nip": "189001011915011999"])) == .notFound)
            #expect(await city.refusal("appointment.add", letter(city, ["unit": "Dinas Awan"])) == .notFound)
            #expect(await city.refusal("appointment.add", letter(city, ["pns_id": "PNS-siti"])) == .invalid)
            let added = try await city.operate("appointment.add", letter(city))
            let id = try #require(added["id"]?.string)
            let count = try await city.auditCount()
            let again = try await city.operate("appointment.add", letter(city))
            #expect(again["new"]?.bool == false)
            #expect(again["id"]?.string == id)
            #expect(try await city.auditCount() == count)
            let other = letter(city, ["nip": .string(City.nips["siti"] ?? ""), "letter": "800/8"])
            #expect(await city.refusal("appointment.add", other) == .conflict)

            func list(_ arguments: JSONObject) async throws -> [String] {
                let rows = try await city.operate("appointment.list", arguments)["appointments"]?.array ?? []
                return rows.compactMap { $0["id"]?.string }
            }
            #expect(try await list([:]) == [id])
            #expect(try await list(["person": "ujang"]) == [id])
            #expect(try await list(["person": "siti"]) == [])
            #expect(try await list(["unit": "Pemerintah Kota Nusa Contoh"]) == [id])
            #expect(try await list(["unit": "Puskesmas Melati"]) == [])
            #expect(try await list(["on": "2026-11-25"]) == [])
            #expect(try await list(["on": "2026-11-26"]) == [id])
            #expect(try await list(["on": "2026-11-27"]) == [id])
            #expect(try await list(["on": "2026-11-28"]) == [])

            let ended = try await city.operate("appointment.end", ["id": .string(id), "on": "2026-11-26"])
            #expect(ended["to"] == "2026-11-26")
            #expect(try await list(["on": "2026-11-27"]) == [])
            #expect(await city.refusal("appointment.end", ["id": "x", "on": "2026-11-26"]) == .notFound)
            #expect(await city.refusal("appointment.end", ["id": .string(id), "on": "26 Nov"]) == .invalid)
            let audit = try await city.latest(.appointmentEnded)
            #expect(audit["kind"] == "PLT")
            #expect(!audit.encodedText().contains(City.nips["ujang"] ?? "?"))
        }
    }

    @Test("fifty letters for one post at once: one is recorded", arguments: bothEngines)
    func together(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let won = await withTaskGroup(of: Bool.self) { group in
                for index in 0..<50 {
                    let person = index.isMultiple(of: 2) ? "ujang" : "siti"
                    let letter = letter(
                        city, ["letter": .string("800/\(index)"), "nip": .string(City.nips[person] ?? "")])
                    group.addTask { (try? await city.operate("appointment.add", letter))?["new"]?.bool == true }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(won == 1)
            let rows = try await city.operate("appointment.list")["appointments"]?.array
            #expect(rows?.count == 1)
        }
    }

    @Test(
        "a file is shown first; applied, its good rows are recorded and its bad ones listed; again, nothing is new",
        arguments: bothEngines)
    func file(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let (ujang, siti) = (City.nips["ujang"] ?? "", City.nips["siti"] ?? "")
            let rows = [
                "PLT,PNS-ujang,\(ujang),UNOR-dinkes,Kepala Dinas Kesehatan,26-11-2026,27-11-2026,800/1",
                "PLH,,\(siti),UNOR-setda,Kepala Sekretariat Daerah,26-11-2026,27-11-2026,800/2",
                "PLT,PNS-siti,,UNOR-dinkes,Kepala Dinas Kesehatan,26-11-2026,27-11-2026,800/3",
                "PLT,PNS-siti,\(ujang),UNOR-hukum,Kepala Bagian Hukum,26-11-2026,27-11-2026,800/4",
                "PLT,PNS-siti,,UNOR-hukum,Kepala Bagian Hukum,26-11-2026,25-11-2026,800/5",
            ]
            let path = FileManager.default.temporaryDirectory.appending(path: "\(UUIDText.version4()).csv").path
            defer { try? FileManager.default.removeItem(atPath: path) }
            let text = "jenis,pns_id,nip,unor_id,jabatan,mulai,selesai,nomor_surat\n" + rows.joined(separator: "\n")
            try Data(text.utf8).write(to: URL(filePath: path))
            let count = try await city.auditCount()
            func load(_ applies: Bool) async throws -> JSONValue {
                try await city.operate("appointment.load", ["file": .string(path), "apply": .bool(applies)])
            }
            let shown = try await load(false)
            #expect(shown["applied"]?.bool == false)
            #expect(try await city.auditCount() == count)
            let applied = try await load(true)
            for json in [shown, applied] {
                #expect(json["new"]?.integer == 2)
                #expect(json["refused"]?.integer == 3)
                let rejected = json["rejected"]?.array ?? []
                #expect(
                    rejected.map { $0["reason"]?.string } == ["post_taken", "identifiers_differ", "end_before_start"])
                #expect(rejected.map { $0["row"]?.integer } == [4, 5, 6])
                #expect(rejected.first?["other_letter"] == "800/1")
                #expect(json["warnings"]?.array?.map { $0["reason"]?.string } == ["post_vacant"])
            }
            #expect(try await city.auditCount() == count + 2)
            let again = try await load(true)
            #expect(again["new"]?.integer == 0)
            #expect(again["present"]?.integer == 2)
            #expect(again["refused"]?.integer == 3)
            #expect(try await city.auditCount() == count + 2)

            try Data("a,b\n1,2\n".utf8).write(to: URL(filePath: path))
            #expect(await city.refusal("appointment.load", ["file": .string(path)]) == .invalid)
        }
    }
}
