import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// SIASN's web service as a source: one person at a time, against a stand-in with its documented answers and faults.
@Suite("Personnel: refresh from SIASN")
struct PersonnelRefreshTests {
    private static let numbers = ["ujang", "siti", "budi"].map { City.nips[$0] ?? "" }
    private var numbers: [String] { Self.numbers }

    /// A city and a stand-in that knows three of its people: Ujang has moved, Siti is as ever, Budi has retired.
    private func withSIASN(
        configure: @escaping @Sendable (inout GatewaySettings) -> Void = { _ in },
        _ body: @escaping @Sendable (City, SIASNStandIn) async throws -> Void
    ) async throws {
        let siasn = SIASNStandIn()
        siasn.change { state in
            state.replies[Self.numbers[0]] = .person(
                SIASNStandIn.data("PNS-ujang", Self.numbers[0], "Ujang Ma'ruf", unit: "UNOR-dinkes"))
            state.replies[Self.numbers[1]] = .lenient(
                SIASNStandIn.data("PNS-siti", Self.numbers[1], "Siti Aminah", unit: "UNOR-puskesmas", status: "71"))
            state.replies[Self.numbers[2]] = .person(
                SIASNStandIn.data("PNS-budi", Self.numbers[2], "Budi Santoso", unit: "UNOR-setda", status: "88"))
        }
        try await withTestServer {
            try await siasn.answer($0)
        } _: { port in
            let city = try await City.small { settings in
                settings.siasnTokenURL = "http://127.0.0.1:\(port)/oauth2/token"
                settings.siasnURL = "http://127.0.0.1:\(port)/apisiasn/1.0"
                settings.siasnConsumerKey = SIASNStandIn.consumerKey
                settings.siasnTimeout = 30
                settings.loadStopShare = 100
                configure(&settings)
            }
            try await city.gateway.store.write { try $0.upkeep.setMeta("personnel.governments", "7299") }
            try await body(city, siasn)
            await city.close()
        }
    }

    private func refresh(
        _ city: City, _ arguments: JSONObject, secret: String = SIASNStandIn.consumerSecret,
        token: String = SIASNStandIn.operatorToken, pace: SIASNPace = SIASNPace {}
    ) async throws -> JSONValue {
        var arguments = arguments
        arguments["consumer_secret"] = .string(secret)
        arguments["sso_token"] = .string(token)
        let complete = arguments
        return try await SIASNPace.$current.withValue(pace) { try await city.operate("personnel.refresh", complete) }
    }

    private func failure(
        _ city: City, _ arguments: JSONObject, secret: String = SIASNStandIn.consumerSecret,
        token: String = SIASNStandIn.operatorToken
    ) async -> OperationError? {
        await #expect(throws: OperationError.self) {
            try await refresh(city, arguments, secret: secret, token: token)
        }
    }

    private var all: JSONObject { ["nips": .array(numbers.map { .string($0) })] }

    /// People, accounts, loads and the end of the audit.
    private func picture(_ city: City) async throws -> [String] {
        try await city.gateway.store.read { tx in
            var lines = ["\(try tx.audit.head().seq)", "\(try tx.loads.list(limit: 100).count)"]
            try tx.people.each { lines.append("\($0)") }
            try tx.accounts.each { lines.append("\($0.id) \($0.state)") }
            return lines.sorted()
        }
    }

    private func path(_ city: City) -> String {
        "\(city.gateway.gateway.services.settings.dataFolder)/\(SIASNProgressFile.name)"
    }

    private func kept(_ city: City) -> String? { try? String(contentsOfFile: path(city), encoding: .utf8) }

    // MARK: What it does

    @Test("asked one by one, shown, applied, taken back; nobody who was not asked for is touched")
    func whole() async throws {
        try await withSIASN { city, siasn in
            let before = try await picture(city)
            let shown = try await refresh(city, all)
            #expect(shown["applied"] == false)
            #expect(shown["asked"] == 3)
            #expect(shown["counts"]?["coverage"] == "listed")
            #expect(shown["counts"]?["vanished"] == 0)
            #expect(shown["kinds"]?["moved"] == 1)
            #expect(shown["kinds"]?["retired"] == 1)
            #expect(shown["source"] == "siasn-ws")
            #expect(try await picture(city) == before)
            #expect(siasn.asked == ["token"] + numbers)

            // Whoever applies asks SIASN no more, and needs no secret.
            let applied = try await city.operate("personnel.refresh", ["resume": true, "apply": true])
            #expect(applied["applied"] == true)
            #expect(siasn.asked.count == 4)
            #expect(kept(city) == nil)
            let state = try await city.operate("account.show", ["name": .string(numbers[2])])["state"]
            #expect(state == "nonaktif")
            let rina = try await city.operate("account.show", ["name": .string(City.nips["rina"] ?? "")])["state"]
            #expect(rina == "ditangguhkan")

            let load = try #require(applied["load"]?.string)
            let undone = try await city.operate("personnel.undo", ["load": .string(load)])
            #expect(undone["left"] == [])
            #expect(try await city.operate("account.show", ["name": .string(numbers[2])])["state"] == "terbatas")
        }
    }

    @Test("at once with apply; who is unknown to SIASN is said, and stays as they are")
    func unknown() async throws {
        try await withSIASN { city, siasn in
            siasn.change { $0.replies[numbers[2]] = nil }
            var arguments = all
            arguments["apply"] = true
            let applied = try await refresh(city, arguments)
            #expect(applied["applied"] == true)
            #expect(applied["counts"]?["rows"] == 2)
            let unknown = try #require(applied["unknown"]?.array)
            #expect(unknown.map { $0["nip"] } == [.string(numbers[2])])
            #expect(unknown[0]["name"] == "Budi Santoso")
            #expect(unknown[0]["pesan"]?.string?.contains("tidak mengenal") == true)
            #expect(try await city.operate("account.show", ["name": .string(numbers[2])])["state"] == "terbatas")
            #expect(kept(city) == nil)

            // Nobody at all is no load.
            siasn.change { $0.replies = [:] }
            let nobody = try await refresh(city, ["nips": [.string(numbers[0])]])
            #expect(nobody["unknown"]?.array?.count == 1)
            #expect(nobody["counts"] == nil)
            #expect(kept(city) == nil)
        }
    }

    @Test("a unit with those below, and whoever is missing; a newcomer by a number that nobody has yet")
    func orders() async throws {
        try await withSIASN { city, siasn in
            _ = try await refresh(city, ["unit": "UNOR-dinkes"])
            #expect(siasn.asked == ["token", numbers[1]])
            _ = try await city.operate("personnel.refresh", ["discard": true])
            #expect(kept(city) == nil)

            #expect(await failure(city, ["missing": true])?.code == .notFound)
            let now = city.gateway.clock.now
            let missing = try #require(city.people["ujang"]?.personID)
            try await city.gateway.store.write { tx in
                let load = LoadID.make(now: now.adding(seconds: -100))
                try tx.loads.insert(
                    Load(
                        id: load, fileName: "a", fileDigest: "a", unitsDigest: nil,
                        appliedAt: now.adding(seconds: -100), actor: "a", counts: "{}"))
                try tx.schedule.put([
                    ScheduledChange(
                        id: .make(now: now), personID: missing, kind: .vanished, loadID: load, validFrom: now,
                        dueAt: now.adding(seconds: 86_400))
                ])
            }
            let back = try await refresh(city, ["missing": true])
            #expect(siasn.asked.last == numbers[0])
            #expect(back["kinds"]?["returned"] == 1)
            _ = try await city.operate("personnel.refresh", ["discard": true])

            let number = "188501011909031007"
            siasn.change {
                $0.replies[number] = .person(
                    SIASNStandIn.data("PNS-baru", number, "Orang Baru", unit: "UNOR-setda"))
            }
            // As people write it, and twice.
            let new = try await refresh(city, ["nips": [.string("18850101 190903 1 007"), .string(number)]])
            #expect(new["asked"] == 1)
            #expect(new["kinds"]?["new"] == 1)
        }
    }

    @Test("a second between two calls, and none before the first")
    func pace() async throws {
        try await withSIASN { city, siasn in
            let waits = Seen<Int>()
            _ = try await refresh(city, all, pace: SIASNPace { waits.append(siasn.asked.count) })
            #expect(waits.all == [1, 2, 3])
        }
    }

    @Test("the API manager's token is used until shortly before its time, and then fetched anew")
    func tokenLifetime() async throws {
        try await withSIASN { city, siasn in
            siasn.change { $0.lifetime = 100 }
            let clock = city.gateway.clock
            _ = try await refresh(city, all, pace: SIASNPace { clock.advance(seconds: 21) })
            #expect(siasn.asked == ["token", numbers[0], numbers[1], "token", numbers[2]])
        }
    }

    // MARK: What goes wrong

    private struct Fault: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let reply: SIASNStandIn.Reply
        let english: String
        let indonesian: String
        var timeout: Int64 = 30
    }

    private static let faults: [Fault] = [
        Fault(
            testDescription: "503 of the API manager",
            reply: .raw(.serviceUnavailable, #"{"fault":{"code":101503,"message":"SECRETFAULT"}}"#),
            english: "SIASN answered 503, fault 101503.", indonesian: "SIASN menjawab 503, kode 101503."),
        Fault(
            testDescription: "throttled", reply: .raw(.tooManyRequests, #"{"code":"900802"}"#),
            english: "SIASN answered 429, fault 900802.", indonesian: "SIASN menjawab 429, kode 900802."),
        Fault(
            testDescription: "gateway error",
            reply: .raw(.internalServerError, #"{"Error":1,"Message":"SECRETFAULT"}"#),
            english: "SIASN answered 500.", indonesian: "SIASN menjawab 500."),
        Fault(
            testDescription: "wrong path", reply: .raw(.notFound, "<html>SECRETFAULT</html>"),
            english: "SIASN answered 404.", indonesian: "SIASN menjawab 404."),
        Fault(
            testDescription: "slow", reply: .slow, english: "no whole answer in time",
            indonesian: "tidak memberi jawaban utuh pada waktunya", timeout: 1),
        Fault(
            testDescription: "cut off",
            reply: .cut(SIASNStandIn.data("PNS-siti", numbers[1], "SECRETFAULT", unit: "UNOR-puskesmas")),
            english: "broke off", indonesian: "Jawaban SIASN terputus"),
        Fault(
            testDescription: "a page for people", reply: .raw(.ok, "<!DOCTYPE html><title>SECRETFAULT</title>"),
            english: "not its data", indonesian: "bukan datanya"),
        Fault(
            testDescription: "oversized", reply: .oversized, english: "far larger", indonesian: "jauh lebih besar"),
        Fault(
            testDescription: "somebody else",
            reply: .person(SIASNStandIn.data("PNS-rina", "188804041912042004", "Rina Wati", unit: "UNOR-setda")),
            english: "about somebody else", indonesian: "tentang orang lain"),
        Fault(
            testDescription: "no data-utama", reply: .raw(.ok, #"{"code":1,"data":"SECRETFAULT"}"#),
            english: "not what data-utama answers", indonesian: "tidak berbentuk data-utama"),
    ]

    @Test(
        "a source that is down, slow, cut off or lies changes nothing, says why, and is gone on with where it stopped",
        arguments: faults)
    private func fault(_ fault: Fault) async throws {
        try await withSIASN(configure: { $0.siasnTimeout = fault.timeout }) { city, siasn in
            let before = try await picture(city)
            let good = SIASNStandIn.data("PNS-siti", numbers[1], "Siti Aminah", unit: "UNOR-puskesmas", status: "71")
            siasn.change { $0.replies[numbers[1]] = fault.reply }
            var arguments = all
            arguments["apply"] = true
            let error = try #require(await failure(city, arguments))
            #expect(error.code == .unavailable)
            #expect(error.message.contains(fault.english), "\(error.message)")
            #expect(error.indonesian.contains(fault.indonesian), "\(error.indonesian)")
            #expect(error.message.contains("person 2 of 3"))
            #expect(error.message.contains("--resume") && error.indonesian.contains("--resume"))
            for text in [error.message, error.indonesian] {
                #expect(!text.contains("SECRET") && !numbers.contains { text.contains($0) })
            }
            #expect(try await picture(city) == before)

            // A new one does not throw away what was got.
            #expect(await failure(city, ["nips": [.string(numbers[0])]])?.code == .conflict)
            siasn.change {
                $0.replies[numbers[1]] = .person(good)
                $0.asked = []
            }
            let applied = try await refresh(city, ["resume": true, "apply": true])
            #expect(applied["applied"] == true)
            #expect(applied["counts"]?["rows"] == 3)
            #expect(siasn.asked == ["token", numbers[1], numbers[2]])
        }
    }

    @Test("a 401 costs one more token and one more try; a second one is the operator's, who pastes a new token")
    func unauthorised() async throws {
        try await withSIASN { city, siasn in
            siasn.change { $0.staleTokens = 1 }
            let shown = try await refresh(city, all)
            #expect(shown["counts"]?["rows"] == 3)
            #expect(siasn.asked == ["token", numbers[0], "token"] + numbers)
            _ = try await city.operate("personnel.refresh", ["discard": true])

            let before = try await picture(city)
            siasn.change {
                $0.isOperatorKnown = false
                $0.asked = []
            }
            let error = try #require(await failure(city, all))
            #expect(error.message.contains("The operator's SSO token is no longer good"))
            #expect(error.indonesian.contains("Token SSO operator sudah tidak berlaku"))
            #expect(siasn.asked == ["token", numbers[0], "token", numbers[0]])
            #expect(try await picture(city) == before)
            siasn.change { $0.isOperatorKnown = true }
            #expect(try await refresh(city, ["resume": true])["counts"]?["rows"] == 3)
        }
    }

    @Test(
        "a consumer that is not let in, and a token endpoint that answers nonsense, are told apart from a person's 401")
    func consumer() async throws {
        try await withSIASN { city, siasn in
            let before = try await picture(city)
            let refused = try #require(await failure(city, all, secret: "SECRETWRONG"))
            #expect(refused.message.contains("refuses the consumer key or secret (401)"))
            for reply in [
                SIASNStandIn.Reply.raw(.ok, "<html>SECRETFAULT"), .raw(.ok, "{}"),
                .raw(.ok, #"{"access_token":"a b\r\nX: SECRET"}"#), .raw(.badGateway, "SECRETFAULT"), .oversized,
            ] {
                siasn.change { $0.tokenReply = reply }
                let error = try #require(await failure(city, ["resume": true]))
                #expect(error.code == .unavailable)
                #expect(!error.message.contains("SECRET"))
                #expect(error.message.contains("person 1 of 3"))
            }
            #expect(try await picture(city) == before)
        }
    }

    @Test("nobody listens, or at an address that may not be called: said so, and nothing changes")
    func unreachable() async throws {
        try await withSIASN(configure: { $0.siasnTokenURL = "http://127.0.0.1:1/oauth2/token" }) { city, _ in
            let before = try await picture(city)
            #expect(await failure(city, all)?.message.contains("cannot be reached") == true)
            #expect(try await picture(city) == before)
        }
        try await withSIASN(configure: { $0.outgoingNetworks = [] }) { city, _ in
            #expect(await failure(city, all)?.message.contains("outgoing_networks") == true)
        }
        // Tokens never leave in the clear.
        try await withSIASN(configure: { $0.siasnURL = "http://siasn.contoh.test/apisiasn" }) { city, siasn in
            #expect(await failure(city, all)?.message.contains("https") == true)
            #expect(siasn.asked == [])
        }
    }

    @Test("what is missing or cannot be right is said before anybody is asked, and leaves no file")
    func arguments() async throws {
        try await withSIASN { city, siasn in
            for arguments: JSONObject in [
                [:], ["resume": true, "missing": true], ["nips": ["123"]], ["nips": []], ["unit": "TIDAK-ADA"],
                ["resume": true],
            ] {
                _ = try #require(await failure(city, arguments))
            }
            _ = try #require(await failure(city, all, token: "two words more"))
            _ = try #require(await failure(city, all, token: "line\nSECRET"))
            let bare = await #expect(throws: OperationError.self) { try await city.operate("personnel.refresh", all) }
            #expect(bare?.message.contains("consumer_secret") == true)
            var probe = all
            probe["probe"] = true
            #expect(try await city.operate("personnel.refresh", probe) == ["needs_secrets": true])
            #expect(siasn.asked == [])
            #expect(kept(city) == nil)
            // With the word that browsers' tools copy along.
            _ = try await refresh(city, all, token: "Bearer \(SIASNStandIn.operatorToken)")
            #expect(
                try await city.operate("personnel.refresh", ["resume": true, "probe": true]) == ["needs_secrets": false]
            )
        }
        try await withSIASN(configure: { $0.siasnConsumerKey = nil }) { city, _ in
            #expect(await failure(city, all)?.message.contains("siasn_consumer_key") == true)
        }
    }

    // MARK: What is kept

    @Test("attack 304: tokens, the secret and data that nobody needs stand in no file, answer, error or audit row")
    func canary() async throws {
        try await withSIASN { city, siasn in
            siasn.change { $0.replies[numbers[2]] = .raw(.serviceUnavailable, "SECRETFAULT") }
            let error = try #require(await failure(city, all))
            let file = try #require(kept(city))
            #expect(file.contains(numbers[0]))
            let mode = try FileManager.default.attributesOfItem(atPath: path(city))[.posixPermissions] as? Int
            #expect(mode == 0o600)
            siasn.change { $0.replies[numbers[2]] = nil }
            let shown = try await refresh(city, ["resume": true, "apply": true, "complete": true])
            let audit = try await city.gateway.store.read { tx in
                try tx.audit.list(before: .max, event: nil, subject: nil, limit: 1000).map(\.detail).joined()
            }
            for text in [file, shown.encodedText(), audit, "\(error)", error.indonesian] {
                #expect(!text.contains("SECRET"))
            }
            let access = try SIASNAccess(
                city.gateway.gateway.services.settings, consumerSecret: SIASNStandIn.consumerSecret,
                operatorToken: SIASNStandIn.operatorToken)
            var dumped = "\(access) \(String(reflecting: access))"
            dump(access, to: &dumped)
            #expect(!dumped.contains("SECRET"))
        }
    }

    @Test("what was kept is gone after a day, by itself too, and is not applied over a load that came later")
    func age() async throws {
        try await withSIASN { city, siasn in
            let services = city.gateway.gateway.services
            let job = UpkeepJob(
                store: services.store, historyDays: 90, dataFolder: services.settings.dataFolder,
                clock: services.clock, logger: services.logger)
            _ = try await refresh(city, all)
            await job.tidy()
            #expect(kept(city) != nil)

            let later = city.gateway.clock.now.adding(seconds: 60)
            try await services.store.write { tx in
                try tx.loads.insert(
                    Load(
                        id: .make(now: later), fileName: "a", fileDigest: "a", unitsDigest: nil, appliedAt: later,
                        actor: "a", counts: "{}"))
            }
            let outrun = await failure(city, ["resume": true, "apply": true])
            #expect(outrun?.code == .conflict)
            #expect(outrun?.message.contains("--discard") == true)

            city.gateway.clock.advance(seconds: 86_400)
            #expect(await failure(city, ["resume": true])?.code == .notFound)
            #expect(kept(city) == nil)
            _ = try await refresh(city, all)
            city.gateway.clock.advance(seconds: 86_400)
            await job.tidy()
            #expect(kept(city) == nil)
        }
    }

    @Test("attack 334: what a crash left of a line is asked for again; a file that is not ours is not read")
    func damaged() async throws {
        try await withSIASN { city, siasn in
            _ = try await refresh(city, all)
            let whole = try #require(kept(city))
            try String(whole.dropLast(20)).write(toFile: path(city), atomically: false, encoding: .utf8)
            siasn.change { $0.asked = [] }
            #expect(try await refresh(city, ["resume": true])["counts"]?["rows"] == 3)
            #expect(siasn.asked == ["token", numbers[2]])
            #expect(kept(city) == whole)

            try "{}\n".write(toFile: path(city), atomically: false, encoding: .utf8)
            #expect(await failure(city, ["resume": true])?.code == .notFound)
            try FileManager.default.createSymbolicLink(atPath: path(city), withDestinationPath: "/etc/hostname")
            #expect(await failure(city, all)?.code == .unavailable)
            try FileManager.default.removeItem(atPath: path(city))
            FileManager.default.createFile(
                atPath: path(city), contents: Data("x".utf8), attributes: [.posixPermissions: 0o644])
            #expect(await failure(city, all)?.code == .unavailable)
        }
    }

    @Test("two refreshes at once: the second is told to wait")
    func twice() async throws {
        try await withSIASN { city, siasn in
            let second = Seen<OperationError.Code>()
            _ = try await refresh(
                city, all,
                pace: SIASNPace {
                    if let error = await failure(city, ["resume": true]) { second.append(error.code) }
                })
            #expect(Set(second.all) == [.conflict])
        }
    }
}
