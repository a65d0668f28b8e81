import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// `POST /api/v1/personnel/loads`: personnel data that another program delivers.
@Suite("Administration API: push of personnel data")
struct PersonnelPushTests {
    private static let engines = bothEngines

    @Test("a row that is wrong is told, a nested one is refused, coverage has to be said")
    func wrong() async throws {
        try await withAPI(["super", "feed"]) { world in
            func push(_ body: JSONValue) async throws -> TestAnswer {
                try await world.send(.post, "/personnel/loads", as: "feed", body: body)
            }
            for body: JSONValue in [
                [:], ["people": []], ["coverage": "listed"], ["coverage": "some", "people": [["nip": "1"]]],
                ["coverage": "listed", "people": []], ["coverage": "listed", "people": "x"],
                ["coverage": "listed", "people": [["nip": ["1"]]]], ["coverage": "listed", "people": [1]],
                ["coverage": "listed", "people": [["x": "1"]]],
                ["coverage": "listed", "people": [["nip": "1"]], "file": "/etc/passwd"],
                ["coverage": "listed", "people": [["nip": "1"]], "profile": "tidak-ada"],
            ] {
                let answer = try await push(body)
                #expect([400, 404].contains(answer.status), "\(body.encodedText()): \(answer.text)")
                #expect(answer.json?["pesan"] != nil)
            }
            let events = try await world.gateway.store.read { try $0.loads.list(limit: 9).count }
            #expect(events == 0)
        }
    }

    /// A row as SIASN's export names its columns.
    private func row(_ person: String, _ name: String, unit: String, status: String = "01", kind: String = "P")
        -> JSONValue
    {
        let nip = City.nips[person] ?? person
        let digits = Array(nip.utf8)
        func part(_ range: Range<Int>) -> String { String(decoding: digits[range], as: UTF8.self) }
        return [
            "PNS ID": .string("PNS-\(person)"), "NIP BARU": .string(nip), "NAMA": .string(name), "GELAR DEPAN": "",
            "GELAR BELAKANG": "", "TANGGAL LAHIR": .string("\(part(6..<8))-\(part(4..<6))-\(part(0..<4))"),
            "JENIS KELAMIN": .string(part(14..<15).isExactly("1") ? "M" : "F"), "NOMOR HP": "", "EMAIL GOV": "",
            "KEDUDUKAN HUKUM ID": .string(status), "KEDUDUKAN HUKUM NAMA": "Aktif", "STATUS CPNS PNS": .string(kind),
            "GOL AKHIR NAMA": "III/a", "JENIS JABATAN ID": "4", "JABATAN ID": "J1", "JABATAN NAMA": "Analis",
            "TMT JABATAN": "01-01-2020", "UNOR ID": .string(unit), "INSTANSI KERJA ID": "7299",
        ]
    }

    private func withGovernment(
        on engine: Engine = .sqlite, _ body: (APIWorld) async throws -> Void
    ) async throws {
        try await withAPI(on: engine, ["super", "feed", "bkd", "setda"]) { world in
            try await world.gateway.store.write { try $0.upkeep.setMeta("personnel.governments", "7299") }
            try await body(world)
        }
    }

    @Test("some people: shown first, applied on demand, once; the others stay as they are", arguments: engines)
    func listed(_ engine: Engine) async throws {
        try await withGovernment(on: engine) { world in
            let rows: JSONValue = [row("ujang", "Ujang Ma'ruf", unit: "UNOR-dinkes")]
            func push(_ apply: Bool, as key: String = "feed") async throws -> TestAnswer {
                try await world.send(
                    .post, "/personnel/loads", as: key,
                    body: ["coverage": "listed", "people": rows, "name": "SIMPEG 1", "apply": .bool(apply)])
            }
            func unit() async throws -> String? {
                try await world.get("/accounts/\(try world.id("ujang"))").json?["unit"]?.string
            }
            let before = try await unit()
            let shown = try await push(false)
            #expect(shown.status == 200 && shown.json?["applied"]?.bool == false, "\(shown.text)")
            #expect(shown.json?["rejected"]?.array?.isEmpty == true, "\(shown.text)")
            #expect(shown.json?["changes"]?.array?.count == 1)
            #expect(try await unit() == before)
            #expect(try await push(true, as: "setda").status == 403)

            let applied = try await push(true)
            #expect(applied.json?["applied"]?.bool == true, "\(applied.text)")
            #expect(try await unit() != before)
            let others = try await world.get("/accounts/\(try world.id("siti"))").json
            #expect(others?["state"]?.string == "aktif")

            let load = try #require(applied.json?["load"]?.string)
            let listed = try #require(try await world.get("/personnel/loads", as: "feed").json?["loads"]?.array?.first)
            #expect(listed["id"]?.string == load && listed["file"]?.string == "SIMPEG 1")
            #expect(listed["actor"]?.string == "client:feed")

            let undone = try await world.send(.post, "/personnel/loads/\(load)/undo", as: "bkd")
            #expect(undone.status == 200, "\(undone.text)")
            #expect(try await unit() == before)
        }
    }

    @Test(
        "attack 199: a load and its undo look at the policy and the key in the transaction that changes",
        arguments: engines)
    func sameTransaction(_ engine: Engine) async throws {
        try await withGovernment(on: engine) { world in
            let key = try #require(HTTPField.Name("Idempotency-Key"))
            let body: JSONValue = [
                "coverage": "listed", "people": [row("ujang", "Ujang Ma'ruf", unit: "UNOR-dinkes")], "apply": true,
            ]
            let answers = try await withThrowingTaskGroup(of: TestAnswer.self) { group in
                for _ in 1...6 {
                    group.addTask {
                        try await world.send(.post, "/personnel/loads", as: "feed", body: body, headers: [key: "k"])
                    }
                }
                return try await group.reduce(into: [TestAnswer]()) { $0.append($1) }
            }
            #expect(answers.contains { $0.json?["applied"]?.bool == true })
            #expect(answers.allSatisfy { [200, 409].contains($0.status) }, "\(answers.map(\.text))")
            let loads = try await world.gateway.store.read { try $0.loads.list(limit: 9) }
            #expect(loads.count == 1)
            let load = try #require(loads.first?.id.text)

            // What is found there undoes the act, as for every other operation.
            struct Stop: OperationInterruption {}
            for (operation, arguments) in [
                ("personnel.undo", ["load": .string(load)]),
                (
                    "personnel.push",
                    ["coverage": "listed", "people": [row("siti", "Siti Baru", unit: "UNOR-dinkes")], "apply": true]
                ),
            ] as [(String, JSONObject)] {
                var context = OperationContext(
                    services: world.gateway.gateway.services, actor: try world.admins.actor(.account("bkd")))
                context.beforeWriting = { _, _ in throw Stop() }
                let stopped = context
                await #expect(throws: Stop.self) { try await Operations.find(operation).run(arguments, stopped) }
            }
            #expect(try await world.gateway.store.read { try $0.loads.list(limit: 9).count } == 1)
        }
    }

    @Test("rows with more members than a table has columns are refused, however they are spread")
    func tooWide() async throws {
        try await withAPI(["super", "feed"]) { world in
            let people: [JSONValue] = (0..<400).map { ["pns_id": .string("A\($0)"), "kolom\($0)": "x"] }
            let answer = try await world.send(
                .post, "/personnel/loads", as: "feed", body: ["coverage": "listed", "people": .array(people)])
            #expect(answer.status == 400, "\(answer.status) \(answer.text.prefix(300))")
        }
    }

    @Test("attack 199: who may not ask is told so before anything of a body is read")
    func roleFirst() async throws {
        try await withAPI(["super", "setda"]) { world in
            let answer = try await world.gateway.send(
                .post, "/api/v1/personnel/loads",
                headers: [.authorization: "Bearer \(world.tokens["setda"] ?? "")", .contentType: "application/json"],
                body: "{ this is no JSON")
            #expect(answer.status == 403, "\(answer.text)")
        }
    }

    @Test("everybody: whoever is not there is missing, and too many are not believed: 409 with the number")
    func everybody() async throws {
        try await withGovernment { world in
            let body: JSONObject = [
                "coverage": "everybody", "people": [row("ujang", "Ujang Ma'ruf", unit: "UNOR-hukum")],
            ]
            let shown = try await world.send(.post, "/personnel/loads", as: "feed", body: .object(body))
            #expect(shown.status == 200, "\(shown.text)")
            #expect(try #require(shown.json?["vanished"]?.array).count > 3)
            let stop = shown.json?["stop"]?["accounts"]?.integer
            let refused = try await world.send(
                .post, "/personnel/loads", as: "feed", body: .object(body.adding("apply", true)))
            #expect(refused.status == 409 && refused.problem() == "refused", "\(refused.text)")
            #expect(refused.json?["detail"]?.string?.contains("\(stop ?? -1)") == true)
            // A number is confirmed by somebody who looked at it, not by what sent it.
            let own = try await world.send(
                .post, "/personnel/loads", as: "feed",
                body: .object(
                    body.adding("apply", true).adding("confirm_vanished", .integer(stop ?? -1))))
            #expect(own.status == 409, "\(own.text)")
            #expect(try await world.gateway.store.read { try $0.loads.list(limit: 9).count } == 0)
        }
    }

    @Test("a reorganisation as rows waits for its day like one from a file; a feed may not send one")
    func draft() async throws {
        try await withGovernment { world in
            let tree: [(id: String, parent: String, name: String)] = [
                ("UNOR-kota", "", "Pemerintah Kota Nusa Contoh"), ("UNOR-setda", "UNOR-kota", "Sekretariat Daerah"),
                ("UNOR-hukum", "UNOR-setda", "Bagian Hukum"), ("UNOR-dinkes", "UNOR-kota", "Dinas Kesehatan Kota"),
                ("UNOR-puskesmas", "UNOR-dinkes", "Puskesmas Melati"),
            ]
            let units = tree.map { unit -> JSONValue in
                [
                    "Id": .string(unit.id), "InstansiId": "7299", "DiatasanId": .string(unit.parent), "EselonId": "",
                    "NamaUnor": .string(unit.name), "NamaJabatan": "Kepala", "CepatKode": "", "IndukUnorId": "",
                    "PemimpinPnsId": "", "JenisUnorId": "",
                ]
            }
            let body: JSONValue = ["units": .array(units), "on": "2027-01-02", "name": "SOTK 2027"]
            #expect(try await world.send(.post, "/unit-drafts", as: "feed", body: body).status == 403)
            #expect(try await world.send(.post, "/unit-drafts", as: "setda", body: body).status == 403)
            let kept = try await world.send(.post, "/unit-drafts", as: "bkd", body: body)
            #expect(kept.status == 201 && kept.json?["file"]?.string == "SOTK 2027", "\(kept.text)")
            #expect(kept.json?["renamed"]?.array?.count == 1, "\(kept.text)")
            #expect(try await world.send(.post, "/unit-drafts", as: "bkd", body: body).status == 200)
            let draft = kept.json?["draft"]?.string ?? ""
            #expect(try await world.send(.get, "/unit-drafts/\(draft)", as: "bkd").json?["state"]?.string == "waiting")
            #expect(try await world.send(.delete, "/unit-drafts/\(draft)", as: "bkd").status == 200)
        }
    }

    @Test("everything that is held about somebody, for a superadmin alone, and in the audit")
    func data() async throws {
        try await withGovernment { world in
            let path = "/people/\(City.nips["siti"] ?? "")/exports"
            #expect(try await world.send(.post, path, as: "bkd").status == 403)
            let answer = try await world.send(.post, path)
            #expect(answer.status == 200 && answer.json?["format"]?.string == "gapura-person-1", "\(answer.text)")
            #expect(answer.json?["person"]?.array?.count == 1)
            let event = try await world.get("/audit?event=person.exported&limit=1").json?["events"]?.array?.first
            #expect(event?["actor"]?.string == "account:\(try world.id("super"))")
        }
    }
}
