import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// What a request may say, what is answered, pages, entity tags and keys.
@Suite("Administration API: requests")
struct APIRequestTests {
    private static let engines = bothEngines

    @Test("attack 188: what is out of reach is answered like what never was, whichever way it is asked for")
    func outOfReach() async throws {
        let callers = ["hukum", "dinkes", "setda", "meja-setda", "auditor"]
        try await withAPI(callers) { world in
            let unknown = AccountID.make(now: world.gateway.clock.now).text
            func routes(_ id: String) -> [(HTTPRequest.Method, String, JSONValue?)] {
                [
                    (.get, "/accounts/\(id)", nil), (.get, "/accounts/\(id)/roles", nil),
                    (.get, "/grants?account=\(id)", nil), (.put, "/accounts/\(id)/state", ["state": "terbatas"]),
                    (.put, "/accounts/\(id)/email", ["email": "a@contoh.invalid"]),
                    (.put, "/accounts/\(id)/role", ["role": "none"]),
                    (.put, "/accounts/\(id)/end", ["until": "2027-12-31"]), (.post, "/accounts/\(id)/links", nil),
                    (.delete, "/accounts/\(id)/sessions", nil), (.post, "/activation-codes", ["names": [.string(id)]]),
                ]
            }
            for caller in callers {
                for (target, place) in AuthorityCity.places where !AuthorityCity.sees(.account(caller), place) {
                    for (known, never) in zip(routes(try world.id(target)), routes(unknown)) {
                        let answer = try await world.send(known.0, known.1, as: caller, body: known.2)
                        let nobody = try await world.send(never.0, never.1, as: caller, body: never.2)
                        #expect(answer.status == nobody.status, "\(caller) \(known.1)")
                        #expect([403, 404].contains(answer.status), "\(caller) \(known.1): \(answer.status)")
                        let (left, right) = (answer.json?.object, nobody.json?.object)
                        #expect(left?.removing("request_id") == right?.removing("request_id"))
                        #expect(!answer.text.contains(try world.id(target)))
                    }
                }
            }
        }
    }

    @Test("attack 200: the last superadmin stays one: 409")
    func lastSuperadmin() async throws {
        try await withAPI { world in
            let id = try world.id("super")
            let demoted = try await world.send(.put, "/accounts/\(id)/role", body: ["role": "none"])
            #expect(demoted.status == 409 && demoted.problem() == "refused", "\(demoted.text)")
            #expect(try await world.get("/me").json?["role"]?.string == "superadmin")
        }
    }

    @Test("attacks 193, 196: giving more than one holds, and acting on an equal or higher admin: 403")
    func escalation() async throws {
        try await withAPI(["setda"]) { world in
            let ujang = try world.id("ujang")
            for role in ["superadmin", "personnel_admin", "auditor"] {
                let answer = try await world.send(
                    .put, "/accounts/\(ujang)/role", as: "setda", body: ["role": .string(role)])
                #expect(answer.status == 403 && answer.problem() == "forbidden", "\(role)")
            }
            for target in ["super", "bkd", "setda-lain"] {
                let answer = try await world.send(.post, "/accounts/\(try world.id(target))/links", as: "setda")
                #expect(answer.status == 403, "\(target)")
            }
        }
    }

    @Test("a request says what it means in strict JSON, with nothing beside it")
    func strictness() async throws {
        try await withAPI { world in
            let id = try world.id("siti")
            func put(_ text: String, _ type: String = "application/json") async throws -> TestAnswer {
                try await world.gateway.send(
                    .put, "/api/v1/accounts/\(id)/state",
                    headers: [.authorization: "Bearer \(world.tokens["super"] ?? "")", .contentType: type], body: text)
            }
            for text in [
                "", "{}", "null", "[]", #"{"state":}"#, #"{"state":"terbatas"} x"#, #"{"state":"a","state":"b"}"#,
                #"{"state":"terbatas","name":"x"}"#, #"{"state":"terbatas","stat":1}"#, #"{"state":7}"#,
                #"{"state":"terbatas","follow_personnel":"yes"}"#, #"{"state":"anything"}"#, "{\"state\":\"\\ud800\"}",
            ] {
                let answer = try await put(text)
                #expect(answer.status == 400 && answer.problem() == "invalid", "\(text): \(answer.status)")
            }
            let form = try await put("state=terbatas", "application/x-www-form-urlencoded")
            #expect(form.status == 415 && form.problem() == "media_type")
            let large = try await put("{\"state\":\"" + String(repeating: "x", count: 70_000) + "\"}")
            #expect(large.status == 413 && large.problem() == "too_large")
            #expect(try await put(#"{"state":"terbatas"}"#, "application/json; charset=utf-8").status == 200)

            for query in [
                "?x=1", "?limit=0", "?limit=1001", "?limit=abc", "?limit=1&limit=2", "?state=x",
                "?limit=99999999999999999999", "?search=%ff", "?count=maybe", "?unit=%00",
            ] {
                let answer = try await world.get("/accounts" + query)
                #expect(answer.status == 400 && answer.problem() == "invalid", "\(query): \(answer.status)")
            }
            #expect(try await world.get("/accounts/%ff").status == 400)
            let unnamed = try await world.send(.delete, "/accounts/\(id)/sessions", body: ["x": 1])
            #expect(unnamed.status == 400)
        }
    }

    @Test("what the database says of a failure is not told to callers")
    func causes() async throws {
        let error = OperationError(StoreError(.constraint(.unique), "UNIQUE constraint failed: accounts.email_key"))
        #expect(error.description.contains("accounts.email_key"))
        let problem = APIProblem(error)
        #expect(
            problem.status == .conflict && !problem.detail.contains("accounts")
                && !problem.indonesian.contains("accounts"))
        for kind in [StoreError.Kind.unavailable, .full, .readOnly, .busy, .locked, .newerSchema, .corrupt, .other] {
            let problem = APIProblem(OperationError(StoreError(kind, "/srv/rahasia/gapura.sqlite")))
            #expect(!"\(problem)".contains("rahasia"), "\(kind)")
        }
    }

    @Test("a name in a path is decoded once")
    func names() async throws {
        try await withAPI { world in
            let id = try world.id("siti")
            #expect(
                try await world.send(
                    .put, "/accounts/\(id)/email", body: ["email": "siti+a@contoh.invalid", "verified": true]
                ).status == 200)
            for name in ["siti+a@contoh.invalid", "siti%2Ba%40contoh.invalid", City.nips["siti"] ?? ""] {
                #expect(try await world.get("/accounts/\(name)").json?["id"]?.string == id, "\(name)")
            }
            #expect(try await world.get("/accounts/siti%252Ba@contoh.invalid").status == 404)
        }
    }

    // MARK: Pages

    @Test(
        "pages: each account once, in as many pages as it takes, and the link leads from one to the next",
        arguments: engines)
    func pages(_ engine: Engine) async throws {
        try await withAPI(on: engine, ["super", "setda"]) { world in
            for (caller, count) in [("super", AuthorityCity.places.count), ("setda", nil)] {
                var (found, path): ([String], String?) = ([], "/accounts?limit=3")
                var pages = 0
                while let current = path {
                    let answer = try await world.get(current, as: caller)
                    #expect(answer.status == 200, "\(answer.text)")
                    found += answer.json?["accounts"]?.array?.compactMap { $0["id"]?.string } ?? []
                    let next = answer.json?["next"]?.string
                    let link = try #require(HTTPField.Name("Link"))
                    #expect((next == nil) == (answer.headers[link] == nil))
                    path = answer.headers[link].map { link in
                        String(link.dropFirst("<\(TestGateway.issuer)/api/v1".count).prefix { $0 != ">" })
                    }
                    if let next { #expect(path == "/accounts?limit=3&cursor=\(next)") }
                    pages += 1
                    try #require(pages < 50)
                }
                #expect(Set(found).count == found.count)
                if let count { #expect(found.count == count) }
                let visible = try AuthorityCity.places.filter { AuthorityCity.sees(.account(caller), $0.value) }
                    .map { try world.id($0.key) }
                #expect(Set(found) == Set(visible), "\(caller)")
            }
        }
    }

    @Test("grants, appointments, loads, units and the audit go on where the page before ended", arguments: engines)
    func otherPages(_ engine: Engine) async throws {
        try await withAPI(on: engine) { world in
            for number in 1...5 {
                let answer = try await world.send(
                    .post, "/grants",
                    body: [
                        "application": "simpeg", "role": "penilai", "letter": .string("800/\(number)"),
                        "account": .string(try world.id(["ujang", "siti", "rina", "budi", "bkd"][number - 1])),
                    ])
                #expect(answer.status == 201, "\(answer.text)")
                let letter = try await world.send(
                    .post, "/appointments",
                    body: [
                        "kind": "PLT", "nip": .string(City.nips["siti"] ?? ""),
                        "unit": .string(try world.admins.unit("hukum")),
                        "post": .string("Kepala \(number)"), "from": .string("2026-0\(number)-01"),
                        "to": .string("2026-0\(number)-20"), "letter": .string("821/\(number)"),
                    ])
                #expect([200, 201].contains(letter.status), "\(letter.text)")
            }
            for (path, list, key) in [
                ("/grants", "grants", "id"), ("/appointments", "appointments", "id"), ("/units", "units", "id"),
                ("/audit", "events", "seq"),
            ] {
                let all = try #require(try await world.get(path + "?limit=1000").json?[list]?.array)
                #expect(all.count >= 4, "\(path): \(all.count)")
                var (found, cursor): ([JSONValue], String?) = ([], nil)
                repeat {
                    let page = try await world.get(path + "?limit=2" + (cursor.map { "&cursor=\($0)" } ?? ""))
                    #expect(page.status == 200, "\(page.text)")
                    found += try #require(page.json?[list]?.array)
                    cursor = page.json?["next"]?.string
                    try #require(found.count <= all.count)
                } while cursor != nil
                #expect(found.map { $0[key] } == all.map { $0[key] }, "\(path)")
            }
        }
    }

    @Test("attack 203: a cursor is good for its list and its filters, and nobody can make one")
    func cursors() async throws {
        try await withAPI { world in
            let next = try #require(try await world.get("/accounts?limit=2").json?["next"]?.string)
            #expect(try await world.get("/accounts?limit=5&cursor=\(next)").status == 200)
            var bytes = try Base64URL.decode(next)
            bytes[bytes.count - 1] ^= 1
            let id = Array(try world.id("siti").utf8)
            let forged = [
                Base64URL.encode(bytes), Base64URL.encode(id), Base64URL.encode([UInt8](repeating: 0, count: 16) + id),
                Base64URL.encode(Array(bytes.prefix(16)) + Array("' OR 1=1 --".utf8)), "x", "%00",
                String(repeating: "A", count: 5000), String(next.dropLast()), next + "=", try world.id("siti"),
            ]
            for cursor in forged {
                let answer = try await world.get("/accounts?cursor=\(cursor)")
                #expect(answer.status == 400 && answer.problem() == "invalid", "\(cursor.prefix(40))")
            }
            for path in ["/units?cursor=", "/accounts?state=aktif&cursor=", "/grants?cursor=", "/audit?cursor="] {
                #expect(try await world.get(path + next).status == 400, "\(path)")
            }
            #expect(try await world.get("/accounts?after=\(try world.id("siti"))").status == 400)
        }
    }

    // MARK: Entity tags

    @Test(
        "an ETag says whether it is still that; If-Match refuses to change what was changed meanwhile",
        arguments: engines)
    func entityTags(_ engine: Engine) async throws {
        try await withAPI(on: engine) { world in
            let path = "/accounts/\(try world.id("siti"))"
            let read = try await world.get(path)
            let tag = try #require(read.headers[.eTag])
            #expect(tag.hasPrefix("\"") && tag.hasSuffix("\""))
            let same = try await world.send(.get, path, headers: [.ifNoneMatch: "\"other\", \(tag)"])
            #expect(same.status == 304 && same.body.isEmpty && same.headers[.eTag] == tag)

            // As it comes back from a proxy that compressed the answer.
            #expect(try await world.send(.get, path, headers: [.ifNoneMatch: "W/\(tag)"]).status == 304)
            let weak = try await world.send(
                .put, path + "/email", body: ["email": "a@contoh.invalid"], headers: [.ifMatch: "W/\(tag)"])
            #expect(weak.status == 412)

            // A session more is no change of the account.
            _ = try await world.city.signedIn("siti")
            #expect(try await world.get(path).headers[.eTag] == tag)

            func put(_ email: String, _ condition: String) async throws -> TestAnswer {
                try await world.send(
                    .put, path + "/email", body: ["email": .string(email)], headers: [.ifMatch: condition])
            }
            #expect(try await put("satu@contoh.invalid", tag).status == 200)
            let stale = try await put("dua@contoh.invalid", tag)
            #expect(stale.status == 412 && stale.problem() == "changed")
            #expect(try await put("dua@contoh.invalid", "\"other\"").status == 412)
            #expect(
                try await put("dua@contoh.invalid", "W/\(try #require(try await world.get(path).headers[.eTag]))")
                    .status == 412)
            #expect(try await world.get(path).json?["email"]?.string == "satu@contoh.invalid")
            #expect(try await put("tiga@contoh.invalid", "*").status == 200)

            // What has no versions has no conditions either: one that is ignored would be a promise.
            let links = try await world.send(.post, path + "/links", headers: [.ifMatch: "*"])
            #expect(links.status == 400 && links.problem() == "invalid")

            // Of many who read the same one changes it.
            let current = try #require(try await world.get(path).headers[.eTag])
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 1...8 {
                    group.addTask { try await put("n\(number)@contoh.invalid", current).status }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.filter { $0 == 200 }.count == 1)
            #expect(statuses.filter { $0 == 412 }.count == 7)
        }
    }

    // MARK: Keys

    private static let key = HTTPField.Name("Idempotency-Key") ?? .ifMatch
    private static let replayed = HTTPField.Name("Idempotency-Replayed") ?? .ifMatch

    @Test("a request that is sent again under its key is answered the same and does nothing", arguments: engines)
    func keys(_ engine: Engine) async throws {
        try await withAPI(on: engine, ["super", "bkd"]) { world in
            let path = "/accounts/\(try world.id("siti"))/links"
            func ask(_ key: String, _ path: String = path, as caller: String = "super") async throws -> TestAnswer {
                try await world.send(.post, path, as: caller, headers: [Self.key: key])
            }
            let first = try await ask("k-1")
            let link = try #require(first.json?["link"]?.string)
            #expect(first.headers[Self.replayed] == nil)
            let events = try await world.gateway.store.read { try $0.audit.head().seq }
            for _ in 1...3 {
                let again = try await ask("k-1")
                #expect(again.status == first.status && again.json == first.json)
                #expect(again.headers[Self.replayed] == "true")
            }
            #expect(try await world.gateway.store.read { try $0.audit.head().seq } == events)
            // What is kept opens for nobody who reads the database.
            let kept = try await world.gateway.store.read { tx in
                try tx.rows("SELECT answer FROM api_answers").map { try $0.text(0) }
            }
            #expect(kept.count == 1 && !kept.contains { $0.contains(link.suffix(12)) || $0.contains("link") })

            let other = try await ask("k-1", "/accounts/\(try world.id("rina"))/links")
            #expect(other.status == 422 && other.problem() == "key_reused")
            // Somebody else's key is another.
            let theirs = try await ask("k-1", as: "bkd")
            #expect(theirs.status == 200 && theirs.json?["link"]?.string != link)
            // Whose role was taken away does not get it again either.
            _ = try await world.city.operate("account.role", ["name": .string(try world.id("bkd")), "role": "none"])
            let late = try await ask("k-1", as: "bkd")
            #expect(late.status == 403 && late.problem() == "forbidden")
            for key in ["", "a b", String(repeating: "k", count: 129), "\u{e9}"] {
                #expect(try await ask(key).status == 400, "\(key)")
            }
            // After a day a key is forgotten.
            world.gateway.clock.advance(seconds: 86_401)
            try await world.gateway.store.write { [now = world.gateway.clock.now] tx in
                _ = try tx.upkeep.deleteExpired(at: now, keepingSessionsSince: now)
            }
            #expect(try await world.gateway.store.read { tx in try tx.rows("SELECT key FROM api_answers").count } == 0)
        }
    }

    @Test("of many equal requests at once under one key one does something", arguments: engines)
    func race(_ engine: Engine) async throws {
        try await withAPI(on: engine) { world in
            let body: JSONValue = [
                "user_name": "baru.sekali", "name": "Baru", "link": true, "sponsor": .string(try world.id("siti")),
                "ends_at": "2027-01-31",
            ]
            let answers = try await withThrowingTaskGroup(of: TestAnswer.self) { group in
                for _ in 1...8 {
                    group.addTask {
                        try await world.send(.post, "/accounts", body: body, headers: [Self.key: "race"])
                    }
                }
                return try await group.reduce(into: [TestAnswer]()) { $0.append($1) }
            }
            let made = answers.filter { $0.status == 201 }
            #expect(!made.isEmpty && Set(made.map(\.text)).count == 1)
            for answer in answers where answer.status != 201 {
                #expect(answer.status == 409 && answer.problem() == "key_in_use", "\(answer.text)")
            }
            #expect(try await world.send(.post, "/accounts", body: body, headers: [Self.key: "race"]).status == 201)
            // Without a key the same account is found again, with no second link.
            let again = try await world.send(.post, "/accounts", body: body)
            #expect(again.status == 200 && again.json?["new"]?.bool == false && again.json?["link"] == nil)
        }
    }

    @Test("a request that failed leaves its key free, and one that was not answered says so")
    func failedAndLost() async throws {
        try await withAPI { world in
            let id = try world.id("siti")
            func put(_ email: String, _ condition: String, _ key: String) async throws -> TestAnswer {
                try await world.send(
                    .put, "/accounts/\(id)/email", body: ["email": .string(email)],
                    headers: [.ifMatch: condition, Self.key: key])
            }
            #expect(try await put("a@contoh.invalid", "\"old\"", "k").status == 412)
            #expect(try await put("a@contoh.invalid", "*", "k").status == 200)
            #expect(try await put("a@contoh.invalid", "\"old\"", "k").status == 422)

            // As a gateway that stopped between the change and the answer leaves it.
            let (actor, now) = (Actor.account(try world.id("super")).text, world.gateway.clock.now)
            let parts = ["DELETE", "/accounts/{name}/sessions", "{\"name\":\"\(id)\"}", ""]
            let claim = try await APIAnswers(world.gateway.gateway.services).begin(
                "lost", parts, of: actor, id: "x", at: now
            ).claim
            let answers = APIAnswers(world.gateway.gateway.services)
            try await world.gateway.store.write { tx in try answers.take(claim, in: tx) }
            let lost = try await world.send(.delete, "/accounts/\(id)/sessions", headers: [Self.key: "lost"])
            #expect(lost.status == 409 && lost.problem() == "key_in_use")
        }
    }
}
