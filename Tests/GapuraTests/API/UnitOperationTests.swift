import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Logging
import Testing

@testable import Gapura

/// Units as operators see them: history, and reorganisations that wait for their day.
@Suite("Operations: units")
struct UnitOperationTests {
    /// The tree of the test city as a file, some rows changed, added or (nil) left out.
    struct Tree {
        var rows: [(id: String, parent: String, name: String, post: String)] = [
            ("UNOR-kota", "", "Pemerintah Kota Nusa Contoh", "Kepala Pemerintah Kota Nusa Contoh"),
            ("UNOR-setda", "UNOR-kota", "Sekretariat Daerah", "Kepala Sekretariat Daerah"),
            ("UNOR-hukum", "UNOR-setda", "Bagian Hukum", "Kepala Bagian Hukum"),
            ("UNOR-dinkes", "UNOR-kota", "Dinas Kesehatan", "Kepala Dinas Kesehatan"),
            ("UNOR-puskesmas", "UNOR-dinkes", "Puskesmas Melati", "Kepala Puskesmas Melati"),
        ]

        mutating func change(_ id: String, parent: String? = nil, name: String? = nil) {
            for place in rows.indices where rows[place].id == id {
                if let parent { rows[place].parent = parent }
                if let name { rows[place].name = name }
            }
        }

        /// - Returns: its path.
        func write() throws -> String {
            let kinds = [
                "UNOR-kota": "INSTANSI", "UNOR-setda": "OPD", "UNOR-hukum": "BAGIAN", "UNOR-dinkes": "OPD",
                "UNOR-puskesmas": "UPTD",
            ]
            let lines = rows.map { "\($0.id),8811,\($0.parent),31,\($0.name),\($0.post),,,,\(kinds[$0.id] ?? "OPD")" }
            let header =
                "Id,InstansiId,DiatasanId,EselonId,NamaUnor,NamaJabatan,CepatKode,IndukUnorId,PemimpinPnsId,JenisUnorId"
            let path = FileManager.default.temporaryDirectory.appending(path: "\(UUIDText.version4()).csv").path
            try Data(([header] + lines).joined(separator: "\n").utf8).write(to: URL(filePath: path))
            return path
        }
    }

    /// The job, at the city's moment.
    func look(_ city: City) async {
        let services = city.gateway.gateway.services
        await UnitDraftJob(store: services.store, clock: services.clock, logger: services.logger).look()
    }

    func info(_ city: City, _ person: String) async throws -> JSONObject {
        let tokens = try await city.tokens("web", for: person, scope: "openid asn")
        return try #require(try await city.userinfo(tokens["access_token"]?.string).json?.object)
    }

    /// A new agency takes the legal section, the health agency gets a new name, the puskesmas merges into it.
    func reorganised() -> Tree {
        var tree = Tree()
        tree.rows.removeLast()
        tree.rows.append(("UNOR-baru", "UNOR-kota", "Badan Regulasi", "Kepala Badan Regulasi"))
        tree.change("UNOR-hukum", parent: "UNOR-baru")
        tree.change("UNOR-dinkes", name: "Dinas Kesehatan Kota")
        return tree
    }

    @Test(
        "a draft is shown, waits, and is applied on its day at once and once; claims are those of the day",
        arguments: bothEngines)
    func draft(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let path = try reorganised().write()
            defer { try? FileManager.default.removeItem(atPath: path) }
            _ = try await city.operate(
                "appointment.add",
                [
                    "kind": "PLT", "nip": .string(City.nips["ujang"] ?? ""), "unit": "Puskesmas Melati",
                    "from": "2026-11-25", "to": "2026-12-31", "letter": "800/1",
                ])
            var arguments: JSONObject = [
                "file": .string(path), "on": "2026-11-27", "merges": ["UNOR-puskesmas=UNOR-dinkes"],
            ]
            // One of five units is more than a tenth.
            #expect(await city.refusal("unit.draft-load", arguments) == .refused)
            arguments["confirm_closed"] = 1
            let draft = try await city.operate("unit.draft-load", arguments)
            #expect(draft["new"]?.bool == true)
            #expect(try await city.operate("unit.draft-load", arguments)["new"]?.bool == false)
            let shown = try await city.operate("unit.draft-show")
            #expect(shown["draft"] == draft["draft"])
            #expect(shown["on"] == "2026-11-27")
            #expect(shown["added"]?.array?.map { $0["name"] } == ["Badan Regulasi"])
            #expect(shown["renamed"]?.array?.map { $0["before"] } == ["Dinas Kesehatan"])
            #expect(shown["moved"]?.array?.map { $0["to"] } == ["Badan Regulasi"])
            #expect(shown["closed"]?.array?.map { $0["into"] } == ["Dinas Kesehatan Kota"])
            #expect(shown["closed"]?.array?.first?["people"]?.integer == 1)
            // Ujang's section moves, Siti's puskesmas merges.
            #expect(shown["people"]?.integer == 2)
            #expect(shown["stranded"]?.integer == 0)

            // 26 November, 23:59:59 in Jakarta.
            city.gateway.clock.advance(seconds: 86_400 + 16 * 3600 + 1800 - 1)
            await look(city)
            #expect(try await city.operate("unit.list", ["search": "regulasi"])["matching"]?.integer == 0)
            #expect(try await info(city, "siti")["unor"]?["name"] == "Puskesmas Melati")
            city.gateway.clock.advance(seconds: 1)
            await look(city)
            let count = try await city.auditCount()
            await look(city)
            #expect(try await city.auditCount() == count)
            let siti = try await info(city, "siti")
            #expect(siti["unor"]?["name"] == "Dinas Kesehatan Kota")
            #expect(siti["opd"]?["id"] == "UNOR-dinkes")
            let ujang = try await info(city, "ujang")
            #expect(ujang["opd"]?["name"] == "Badan Regulasi")
            #expect(ujang["unor"]?["path"] == "Pemerintah Kota Nusa Contoh / Badan Regulasi / Bagian Hukum")
            // The post went with its unit.
            #expect(ujang["acting"] == nil)
            let audit = try await city.latest(.unitDraftApplied)
            #expect(audit["people_moved"]?.integer == 1)
            #expect(audit["appointments_ended"]?.integer == 1)
            #expect(try await city.operate("unit.draft-list")["drafts"]?.array?.map { $0["state"] } == ["applied"])
            #expect(await city.refusal("unit.draft-cancel", ["draft": draft["draft"] ?? .null]) == .conflict)

            func history(_ unit: String) async throws -> [String] {
                let events = try await city.operate("unit.history", ["unit": .string(unit)])["events"]?.array ?? []
                return events.map {
                    "\($0["kind"]?.string ?? ""): \($0["before"]?.string ?? "-") > \($0["after"]?.string ?? "-")"
                }
            }
            #expect(try await history("UNOR-dinkes") == ["renamed: Dinas Kesehatan > Dinas Kesehatan Kota"])
            #expect(try await history("UNOR-hukum") == ["moved: Sekretariat Daerah > Badan Regulasi"])
            #expect(try await history("UNOR-puskesmas") == ["merged: Puskesmas Melati > Dinas Kesehatan Kota"])
            #expect(try await history("UNOR-baru") == ["added: - > Badan Regulasi"])
            let closed = try await city.operate("unit.list", ["closed": true])["units"]?.array ?? []
            #expect(closed.map { $0["source_id"] } == ["UNOR-puskesmas"])
            #expect(closed.first?["closed_at"] == "2026-11-26T17:00:00.000Z")
        }
    }

    @Test("attack 274: a draft that is broken, closes too much, or merges into nothing is refused and changes nothing")
    func refused() async throws {
        try await withCity { city in
            let count = try await city.auditCount()
            func refusal(_ tree: Tree, merges: [String] = [], confirm: Int64? = 5) async throws -> OperationError.Code?
            {
                let path = try tree.write()
                defer { try? FileManager.default.removeItem(atPath: path) }
                var arguments: JSONObject = [
                    "file": .string(path), "on": "2027-01-01", "merges": .array(merges.map { .string($0) }),
                ]
                arguments["confirm_closed"] = confirm.map { .integer($0) }
                return await city.refusal("unit.draft-load", arguments)
            }
            var cycle = Tree()
            cycle.change("UNOR-setda", parent: "UNOR-hukum")
            #expect(try await refusal(cycle) == .invalid)
            var lost = Tree()
            lost.change("UNOR-hukum", parent: "UNOR-nowhere")
            #expect(try await refusal(lost) == .invalid)
            var cut = Tree()
            cut.rows.removeLast(4)
            #expect(try await refusal(cut, confirm: nil) == .refused)
            #expect(try await refusal(cut, confirm: 3) == .refused)
            #expect(try await refusal(Tree(), merges: ["UNOR-hukum=UNOR-setda"]) == .invalid)
            #expect(try await refusal(reorganised(), merges: ["UNOR-puskesmas=UNOR-nowhere"], confirm: 1) == .invalid)
            #expect(try await refusal(reorganised(), merges: ["UNOR-puskesmas"], confirm: 1) == .invalid)
            #expect(try await city.auditCount() == count)
            #expect(try await city.operate("unit.draft-list")["drafts"]?.array?.isEmpty == true)
            #expect(await city.refusal("unit.draft-show", [:]) == .notFound)
        }
    }

    @Test("a cancelled draft never acts")
    func cancelled() async throws {
        try await withCity { city in
            let path = try reorganised().write()
            defer { try? FileManager.default.removeItem(atPath: path) }
            let draft = try await city.operate(
                "unit.draft-load", ["file": .string(path), "on": "2026-11-26", "confirm_closed": 1])
            #expect(draft["stranded"]?.integer == 1)
            let id = draft["draft"] ?? .null
            #expect(try await city.operate("unit.draft-cancel", ["draft": id])["state"] == "cancelled")
            let count = try await city.auditCount()
            #expect(try await city.operate("unit.draft-cancel", ["draft": id])["state"] == "cancelled")
            city.gateway.clock.advance(seconds: 3 * 86_400)
            await look(city)
            #expect(try await city.auditCount() == count)
            #expect(try await city.operate("unit.list")["matching"]?.integer == 5)
        }
    }

    @Test("a unit that came after the draft was kept is not closed by it")
    func newcomer() async throws {
        try await withCity { city in
            let path = try Tree().write()
            defer { try? FileManager.default.removeItem(atPath: path) }
            _ = try await city.operate("unit.draft-load", ["file": .string(path), "on": "2026-11-27"])
            city.gateway.clock.advance(seconds: 60)
            let (now, parent) = (city.gateway.clock.now, try #require(city.units["dinkes"]))
            try await city.gateway.store.write { tx in
                let id = UnitID.make(now: now)
                try tx.units.insert(
                    Unit(
                        id: id, sourceID: "UNOR-susulan", parentID: parent.id, agencyID: parent.id, name: "Susulan",
                        postName: nil, kind: nil, echelon: nil, path: parent.path + id.text + "/", headPNSID: nil,
                        validFrom: now))
            }
            #expect(try await city.operate("unit.draft-show")["closed"]?.array?.isEmpty == true)
            city.gateway.clock.advance(seconds: 3 * 86_400)
            await look(city)
            let drafts = try await city.operate("unit.draft-list")["drafts"]?.array
            #expect(drafts?.map { $0["state"] } == ["applied"])
            #expect(try await city.operate("unit.list", ["search": "susulan"])["matching"]?.integer == 1)
        }
    }

    @Test("a draft that cannot be applied holds up no other, stays waiting, and doctor says so")
    func brokenDraft() async throws {
        try await withCity { city in
            var broken = Tree()
            broken.rows.append(("UNOR-rusak", "UNOR-kota", "Badan Rusak", "Kepala"))
            for (tree, day) in [(broken, "2026-11-25"), (reorganised(), "2026-11-26")] {
                let path = try tree.write()
                defer { try? FileManager.default.removeItem(atPath: path) }
                _ = try await city.operate(
                    "unit.draft-load", ["file": .string(path), "on": .string(day), "confirm_closed": 1])
            }
            // As a table that is damaged, or a rule of a later version, would refuse it.
            try await city.gateway.store.write { tx in
                _ = try tx.run(
                    """
                    CREATE TRIGGER rusak BEFORE INSERT ON units WHEN NEW.source_id = 'UNOR-rusak'
                    BEGIN SELECT RAISE(ABORT, 'rusak'); END
                    """)
            }
            city.gateway.clock.advance(seconds: 3 * 86_400)
            await look(city)
            let drafts = try #require(try await city.operate("unit.draft-list")["drafts"]?.array)
            #expect(
                Set(drafts.map { "\($0["on"]?.string ?? "") \($0["state"]?.string ?? "")" }) == [
                    "2026-11-25 waiting", "2026-11-26 applied",
                ])
            #expect(try await city.operate("unit.list", ["search": "regulasi"])["matching"]?.integer == 1)
            let checks = try await city.operate("doctor")["checks"]?.array ?? []
            let line = try #require(checks.first { $0["check"]?.string == "drafts" })
            #expect(line["status"]?.string == "FAIL")
        }
    }

    @Test("two nodes that look at once apply a draft once")
    func together() async throws {
        try await withCity(on: .postgres) { city in
            let path = try reorganised().write()
            defer { try? FileManager.default.removeItem(atPath: path) }
            _ = try await city.operate(
                "unit.draft-load", ["file": .string(path), "on": "2026-11-25", "confirm_closed": 1])
            let other = city
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { await look(other) } }
            }
            let applied = try await city.gateway.store.read {
                try $0.audit.list(before: .max, event: "unit_draft.applied", subject: nil, limit: 9).count
            }
            #expect(applied == 1)
        }
    }

    @Test("a unit is listed with its people and shown with its head and who acts in it")
    func shown() async throws {
        try await withCity { city in
            _ = try await city.operate(
                "appointment.add",
                [
                    "kind": "PLT", "nip": .string(City.nips["ujang"] ?? ""), "unit": "Dinas Kesehatan",
                    "from": "2026-11-25", "to": "2026-12-31", "letter": "800/1",
                ])
            let list = try await city.operate("unit.list", ["agency": "Dinas Kesehatan"])
            #expect(list["units"]?.array?.map { $0["name"] } == ["Dinas Kesehatan", "Puskesmas Melati"])
            #expect(list["units"]?.array?.map { $0["people"] } == [0, 1])
            let unit = try await city.operate("unit.show", ["unit": "Dinas Kesehatan"])
            #expect(unit["acting"]?.array?.map { $0["person"] } == ["Ujang Ma'ruf, S.H."])
            #expect(unit["parent"] == "Pemerintah Kota Nusa Contoh")
            #expect(try await city.operate("unit.show", ["unit": "UNOR-puskesmas"])["acting"]?.array?.isEmpty == true)
            #expect(await city.refusal("unit.show", ["unit": "Dinas Awan"]) == .notFound)
        }
    }
}
