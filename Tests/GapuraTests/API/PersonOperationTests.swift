import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

/// One person's data: shown, exported, forgotten.
@Suite("Person operations")
struct PersonOperationTests {
    private static let nik = "3299990101600001"

    private func file(_ city: City, _ name: String) -> String {
        city.gateway.gateway.services.settings.dataFolder + "/" + name
    }

    private func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }

    /// All text of the database, but secrets that are random.
    private func dumped(_ city: City, _ engine: Engine) async throws -> String {
        try await city.gateway.store.read { tx in
            let tables =
                engine == .sqlite
                ? try tx.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
                : try tx.rows("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
            var text = ""
            for table in try tables.map({ try $0.text(0) }) where table.allSatisfy({ $0 == "_" || $0.isLetter }) {
                try tx.stream(Statement(stringLiteral: "SELECT * FROM \(table)")) { row in
                    // As it is, and not as Swift would print it: an apostrophe would be escaped.
                    let cells = row.values.map { if case .text(let text) = $0 { text } else { "\($0)" } }
                    text += "\(table)|\(cells.joined(separator: "|"))|\n"
                }
            }
            return text
        }
    }

    private func expectWholeAudit(_ city: City) async throws {
        #expect(try await city.operate("audit.verify")["whole"] == true)
    }

    /// Everything that ujang can leave behind.
    private func live(_ city: City) async throws -> TestBrowser {
        try await city.setNIK("ujang", Self.nik)
        let browser = try await city.signedIn("ujang")
        _ = try await city.tokens("web", scope: "openid profile offline_access", in: browser)
        let (ujang, now) = (try await city.account("ujang"), city.gateway.clock.now)
        try await city.gateway.store.write { tx in
            let loadID = LoadID.make(now: now)
            try tx.loads.insert(
                Load(
                    id: loadID, fileName: "a.csv", fileDigest: "d", unitsDigest: nil, appliedAt: now, actor: "system",
                    counts: "{}"))
            try tx.loads.insert(
                [
                    LoadChange(
                        entity: .person, entityID: ujang.personID?.text ?? "", before: #"{"name":"Ujang Lama"}"#,
                        after: #"{"name":"Ujang Ma'ruf"}"#)
                ], of: loadID, from: 1)
            try tx.loads.insert([
                LoadFinding(loadID: loadID, rowNumber: 2, outcome: .warning, reason: "x", pnsID: "PNS-ujang")
            ])
            let link = try AccountDirectory(tx, by: .system, at: now).issueLink(
                for: ujang, purpose: .reset, lifetime: 60)
            #expect(!link.isEmpty)
            guard let application = try tx.applications.find(slug: "simpeg") else { throw CityError(text: "simpeg") }
            // One matched, one that only carries the number.
            for (local, account, nip) in [("u1", Optional(ujang.id), nil), ("u2", nil, City.nips["ujang"])] {
                try tx.run(
                    """
                    INSERT INTO legacy_accounts (application_id, local_id, user_name, nip, account_id, state, file_digest, imported_at)
                    VALUES (\(application.id), \(local), 'ujang.lama', \(nip), \(account), 'queued', 'd', \(now))
                    """)
                try tx.run(
                    """
                    INSERT INTO legacy_passwords (application_id, local_id, account_id, scheme, parameter, hash, cost, work, imported_at,
                    expires_at) VALUES (\(application.id), \(local), \(account), 'md5', '', 'lama', 0, 0, \(now), \(now))
                    """)
            }
            // As if the next load had not had him any more, and the grace were over.
            try tx.schedule.put([
                ScheduledChange(
                    id: .make(now: now), personID: try #require(ujang.personID), kind: .vanished, loadID: loadID,
                    validFrom: now, dueAt: now, state: .done, stateBefore: .aktif)
            ])
        }
        return browser
    }

    @Test("show covers the NIK but for its serial, and finds people by NIP, pns_id, user name and id")
    func show() async throws {
        try await withCity { city in
            try await city.setNIK("ujang", Self.nik)
            let id = try await city.account("ujang").id.text
            for name in ["ujang", City.nips["ujang"] ?? "", "PNS-ujang", id] {
                let shown = try await city.operate("person.show", ["name": .string(name)])
                #expect(shown["nik"] == "************0001")
                #expect(shown["account_id"] == .string(id))
            }
            #expect(try await city.operate("person.show", ["name": "siti"])["nik"] == .null)
            #expect(await city.refusal("person.show", ["name": "siapa-itu"]) == .notFound)
        }
    }

    @Test("a NIK finds its person by the keyed hash; the audit says whom, and never the NIK")
    func find() async throws {
        try await withCity { city in
            try await city.setNIK("ujang", Self.nik)
            let found = try await city.operate("person.find", ["nik": "3299 9901 0160 0001"])
            #expect(found["people"]?.array?.count == 1)
            #expect(found["people"]?.array?.first?["nip"] == .string(City.nips["ujang"] ?? ""))
            #expect(!found.encodedText().contains(Self.nik))
            #expect(try await city.operate("person.find", ["nik": "3299990101600002"])["people"] == [])
            #expect(await city.refusal("person.find", ["nik": "123"]) == .invalid)
            let rows = try await city.gateway.store.read {
                try $0.audit.list(before: .max, event: "identity.looked_up", subject: nil, limit: 9)
            }
            #expect(rows.count == 1)
            #expect(rows.first?.subject == found["people"]?.array?.first?["person_id"]?.string)
            #expect(!(try await dumped(city, .sqlite)).contains(Self.nik))
        }
    }

    @Test(
        "an export holds everything about the person and no secret, in a new file of mode 0600", arguments: bothEngines)
    func export(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            _ = try await live(city)
            let path = file(city, "ujang.json")
            let told = try await city.operate("person.export", ["name": "ujang", "file": .string(path)])
            #expect(told["tables"]?["sessions"] == 1)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let written = try text(path)
            let json = try StrictJSON.parse(Array(written.utf8))
            #expect(json["nik"] == .string(Self.nik))
            #expect(json["person"]?.array?.first?["name"] == "Ujang Ma'ruf")
            #expect(json["aliases"]?.array?.first?["value"] == .string(City.nips["ujang"] ?? ""))
            #expect(json["account"]?.array?.first?["email_verified"] == false)
            #expect(json["legacy_accounts"]?.array?.first?["user_name"] == "ujang.lama")
            for table in [
                "sessions", "devices", "token_families", "disclosures", "application_uses", "one_time_links",
                "load_changes",
            ] {
                #expect(json[table]?.array?.isEmpty == false, "\(table)")
            }
            let events = json["audit"]?.array?.compactMap { $0["event"]?.string } ?? []
            for event in ["session.started", "code.issued", "tokens.issued", "person.exported"] {
                #expect(events.contains(event), "\(event)")
            }
            // Neither secrets nor digests of them, nor anybody else.
            let secrets = try await city.gateway.store.read { tx in
                try ["sessions", "devices", "one_time_links", "refresh_tokens"].flatMap { table in
                    try tx.rows(Statement(stringLiteral: "SELECT digest FROM \(table)")).map { try $0.text(0) }
                }
            }
            #expect(secrets.count >= 4)
            for secret in secrets + [
                try await city.account("ujang").passwordHash ?? "", "Siti", City.nips["siti"] ?? "",
            ] {
                #expect(!secret.isEmpty)
                #expect(!written.contains(secret))
            }
            // Another time another name: nothing is overwritten.
            #expect(await city.refusal("person.export", ["name": "siti", "file": .string(path)]) == .conflict)
            #expect(try text(path) == written)
        }
    }

    @Test("whoever the last load has as working here is not forgotten, and nothing is changed", arguments: bothEngines)
    func atWork(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let now = city.gateway.clock.now
            try await city.gateway.store.write { tx in
                try tx.loads.insert(
                    Load(
                        id: .make(now: now), fileName: "a.csv", fileDigest: "d", unitsDigest: nil, appliedAt: now,
                        actor: "system", counts: "{}"))
            }
            let before = try await dumped(city, engine)
            #expect(try await city.operate("person.forget", ["name": "ujang"])["at_work"] == true)
            #expect(await city.refusal("person.forget", ["name": "ujang", "confirmed": true]) == .refused)
            #expect(try await dumped(city, engine) == before)
        }
    }

    @Test(
        "behaviour of forgetting: who has left is in no table any more, the sub and the audit stay, and the chain is whole",
        arguments: bothEngines)
    func forget(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let browser = try await live(city)
            let account = try await city.account("ujang")
            let path = file(city, "sebelum.json")
            _ = try await city.operate("person.export", ["name": "ujang", "file": .string(path)])
            let seen = try await dumped(city, engine)
            for word in Self.words { #expect(seen.contains(word), "\(word)") }

            // The preview changes nothing.
            let preview = try await city.operate("person.forget", ["name": "ujang"])
            #expect(preview["forgotten"] == false)
            #expect(preview["rows"]?["sessions"] == 1)
            #expect(preview["rows"]?["legacy_accounts"] == 1)
            #expect(try await dumped(city, engine) == seen)
            #expect(try await browser.get("/akun").status == 200)

            // An answer of the API that is kept for a day may tell of them.
            let now = city.gateway.clock.now
            _ = try await city.gateway.store.write { tx in
                try tx.run(
                    """
                    INSERT INTO api_answers (actor, key, fingerprint, created_at, answer)
                    VALUES ('account:x', 'k', 'f', \(now), 'sealed')
                    """)
            }
            let done = try await city.operate("person.forget", ["name": "ujang", "confirmed": true])
            #expect(done["forgotten"] == true)
            let answers = try await city.gateway.store.read { try $0.rows("SELECT key FROM api_answers").count }
            #expect(answers == 0)
            let left = try await dumped(city, engine)
            for word in Self.words { #expect(!left.contains(word), "\(word)") }
            #expect(try await city.account("ujang").passwordHash == nil)
            #expect(left.contains(account.sub))
            #expect(left.contains("Siti"))
            #expect(try await browser.get("/akun").location?.hasPrefix("/masuk") == true)
            try await expectWholeAudit(city)
            #expect(try await city.latest(.personForgotten)["person"] == .text(account.personID?.text))

            // By id the empty shell is found; a second time there is nothing more to remove, and nothing breaks.
            let shell = try await city.operate("person.show", ["name": .string(account.id.text)])
            #expect(shell["state"] == "nonaktif")
            #expect(shell["nip"] == .null)
            #expect(await city.refusal("person.show", ["name": .string(City.nips["ujang"] ?? "")]) == .notFound)
            _ = try await city.operate("person.forget", ["name": .string(account.id.text), "confirmed": true])
            try await expectWholeAudit(city)
            // Everybody else goes on.
            _ = try await city.tokens("web", for: "siti", scope: "openid profile")
        }
    }

    /// What identifies ujang anywhere.
    private static var words: [String] {
        [
            "Ujang Ma'ruf", "Ujang Lama", "PNS-ujang", City.nips["ujang"] ?? "?", "ujang@contoh.invalid", "ujang.lama",
            "|ujang|",
        ]
    }

    @Test("the last superadmin is not forgotten, and keeps everything")
    func lastAdmin() async throws {
        try await withCity { city in
            _ = try await city.operate(
                "account.add", ["user_name": "kepala", "name": "Kepala Diskominfo", "role": "superadmin"])
            #expect(await city.refusal("person.forget", ["name": "kepala", "confirmed": true]) == .refused)
            #expect(try await city.operate("account.show", ["name": "kepala"])["name"] == "Kepala Diskominfo")
        }
    }
}

/// The audit in a file, and out of the database.
@Suite("Audit export and purge operations")
struct AuditPurgeOperationTests {
    private func file(_ city: City, _ name: String) -> String {
        city.gateway.gateway.services.settings.dataFolder + "/" + name
    }

    private func whole(_ city: City) async throws -> Bool? {
        try await city.operate("audit.verify")["whole"]?.bool
    }

    /// Ten days, a row a day and more.
    private func tenDays(_ city: City) async throws {
        for _ in 0..<10 {
            city.gateway.clock.advance(seconds: 86_400)
            let now = city.gateway.clock.now
            try await city.gateway.store.write { try $0.record(.keysMade, by: .system, at: now) }
        }
    }

    private func day(_ city: City, _ back: Int64) -> JSONValue {
        let moment = city.gateway.clock.now.adding(seconds: -back * 86_400)
        return .string(String(TimeText.iso8601(moment).prefix(19)) + "Z")
    }

    @Test(
        "export writes lines that prove themselves; purge removes what is in a file, and verify proves the rest",
        arguments: bothEngines)
    func purge(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await tenDays(city)
            let before = try await city.gateway.store.read {
                try $0.audit.list(before: .max, event: nil, subject: nil, limit: 999)
            }
            #expect(await city.refusal("audit.purge", ["before": day(city, 5), "confirmed": true]) == .refused)
            let path = file(city, "audit.jsonl")
            let told = try await city.operate("audit.export", ["before": day(city, 5), "file": .string(path)])
            let through = try #require(told["through"]?.integer)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
            let lines = try bytes.split(separator: 0x0a).map { try StrictJSON.parse(Array($0)) }
            #expect(Int64(lines.count) == told["events"]?.integer)
            #expect(lines.compactMap { $0["seq"]?.integer } == Array(1...through))
            // Whoever has the file needs no database: each line covers itself and the one before.
            var previous = ""
            for line in lines {
                let record = AuditRecord(
                    seq: try #require(line["seq"]?.integer),
                    at: Timestamp(milliseconds: try #require(line["at"]?.integer)),
                    event: try #require(line["event"]?.string), actor: try #require(line["actor"]?.string),
                    subject: line["subject"]?.string, clientID: line["client_id"]?.string,
                    detail: try #require(line["detail"]?.string), previous: previous, hash: "")
                #expect(line["previous"]?.string == previous)
                #expect(line["hash"]?.string == AuditChain.hash(of: record))
                previous = line["hash"]?.string ?? ""
            }
            #expect(previous == told["hash"]?.string)
            #expect(await city.refusal("audit.export", ["before": day(city, 5), "file": .string(path)]) == .conflict)
            #expect(await city.refusal("audit.purge", ["before": day(city, 3), "confirmed": true]) == .refused)

            #expect(try await city.operate("audit.purge", ["before": day(city, 5)])["purged"] == false)
            #expect(try await city.gateway.store.read { try $0.audit.checkpoint().purgedSeq } == 0)
            let purged = try await city.operate("audit.purge", ["before": day(city, 5), "confirmed": true])
            #expect(purged["events"]?.integer == through)
            #expect(try await whole(city) == true)
            let left = try await city.gateway.store.read {
                try $0.audit.list(before: .max, event: nil, subject: nil, limit: 999)
            }
            #expect(left.last?.seq == through + 1)
            #expect(left.first?.event == "audit.purged")
            #expect(left.filter { row in before.contains(row) } == before.filter { $0.seq > through })
            // A second file begins where the first one ended.
            let second = file(city, "audit-2.jsonl")
            let more = try await city.operate("audit.export", ["before": day(city, 0), "file": .string(second)])
            #expect(more["events"]?.integer == (more["through"]?.integer ?? 0) - through)
        }
    }

    @Test("a chain that is broken is not exported, and so not purged")
    func broken() async throws {
        try await withCity { city in
            try await tenDays(city)
            try await city.gateway.store.write {
                _ = try $0.run("UPDATE audit_events SET detail = '{ }' WHERE seq = 3")
            }
            let path = file(city, "audit.jsonl")
            #expect(await city.refusal("audit.export", ["before": day(city, 5), "file": .string(path)]) == .refused)
            #expect(!FileManager.default.fileExists(atPath: path))
            #expect(await city.refusal("audit.purge", ["before": day(city, 5), "confirmed": true]) == .refused)
        }
    }

    @Test("the upkeep job purges by the setting, once a day, and only as far as a file reaches", arguments: bothEngines)
    func job(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await tenDays(city)
            let store = city.gateway.store
            func job(_ days: Int) -> UpkeepJob {
                UpkeepJob(
                    store: store, historyDays: 90, auditDays: days, clock: city.gateway.clock.wall,
                    logger: city.gateway.gateway.services.logger)
            }
            func purged() async throws -> Int64 { try await store.read { try $0.audit.checkpoint().purgedSeq } }
            await job(3).tidy()
            #expect(try await purged() == 0)
            let told = try await city.operate(
                "audit.export", ["before": day(city, 6), "file": .string(file(city, "a.jsonl"))])
            await job(0).tidy()
            #expect(try await purged() == 0)
            await job(3).tidy()
            #expect(try await purged() == told["through"]?.integer)
            #expect(try await whole(city) == true)
            let head = try await store.read { try $0.audit.head().seq }
            await job(3).tidy()
            #expect(try await store.read { try $0.audit.head().seq } == head)
        }
    }
}
