import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// SCIM as the personnel agency's application uses it.
@Suite("SCIM")
struct SCIMTests {
    private static let engines = bothEngines
    private static let own = SCIMResourceType.pegawaiID
    private static let patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

    /// A city whose government is known, and its feed.
    private func withFeed(
        on engine: Engine = .sqlite, stopShare: Int? = nil, _ body: (SCIMWorld) async throws -> Void
    ) async throws {
        try await withCity(on: engine, configure: { $0.loadStopShare = stopShare ?? 100 }) { city in
            let api = try await APIWorld.make(
                try await AuthorityCity.make(in: city), ["super", "feed", "setda", "bkd"])
            try await city.gateway.store.write { try $0.upkeep.setMeta("personnel.governments", "7299") }
            try await body(SCIMWorld(api: api))
        }
    }

    private static func person(_ number: Int, unit: String = "UNOR-hukum", status: String = "01") -> JSONObject {
        [
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", .string(own)],
            "externalId": .string("simpeg-\(number)"), "displayName": .string("Pegawai Baru \(number)"),
            "name": ["honorificSuffix": "S.E."], "title": "Analis",
            "emails": [["value": .string("baru\(number)@contoh.invalid")]],
            own: [
                "pnsId": .string("BARU\(number)"),
                "nip": .string("1890\(String(format: "%02d", number % 12 + 1))01191501100\(number)"),
                "status": .string(status), "statusName": "Aktif",
                "unitId": .string(unit), "postSince": "2020-01-01",
                "nik": "9999990101900001",
                "birthDate": "1890-01-01",
            ],
        ]
    }

    // MARK: People

    @Test(
        "a person is made, read, replaced and changed, each time as a load that can be taken back", arguments: engines)
    func people(_ engine: Engine) async throws {
        try await withFeed(on: engine) { world in
            let made = try await world.send(.post, "/Users", .object(Self.person(1)))
            #expect(made.status == 201, "\(made.text)")
            let user = try #require(made.json)
            let id = try #require(user["id"]?.string)
            #expect(made.headers[.location] == "\(TestGateway.issuer)/scim/v2/Users/\(id)")
            #expect(made.headers[.contentType] == "application/scim+json")
            #expect(
                user["userName"]?.string == user[Self.own]?["nip"]?.string && user["externalId"]?.string == "simpeg-1")
            #expect(user["name"]?["formatted"]?.string == "Pegawai Baru 1, S.E." && user["active"]?.bool == true)
            #expect(user["userType"]?.string == "PNS" && user["groups"]?.array?.count == 2)
            #expect(
                user[Self.own]?["postSince"]?.string == "2020-01-01"
                    && user[Self.own]?["governmentId"]?.string == "7299")
            let tag = try #require(made.headers[.eTag])
            #expect(user["meta"]?["version"]?.string == tag && tag.hasPrefix("W/"))

            let read = try await world.send(.get, "/Users/\(id)")
            #expect(read.status == 200 && read.json == user)
            #expect(try await world.send(.get, "/Users/\(id)", headers: [.ifNoneMatch: tag]).status == 304)

            var body = Self.person(1)
            body["title"] = "Kepala Seksi"
            body["emails"] = nil
            let replaced = try await world.send(.put, "/Users/\(id)", .object(body))
            #expect(replaced.status == 200, "\(replaced.text)")
            #expect(replaced.json?["title"]?.string == "Kepala Seksi" && replaced.json?["emails"] == nil)

            let patched = try await world.patch(
                "/Users/\(id)",
                [
                    ["op": "Replace", "path": .string("\(Self.own):status"), "value": "88"],
                    ["op": "add", "value": ["title": "Mantan", "name": ["honorificPrefix": "Dr."]]],
                ])
            #expect(patched.status == 200, "\(patched.text)")
            #expect(patched.json?["active"]?.bool == false, "\(patched.text)")
            #expect(patched.json?[Self.own]?["statusName"] == nil)
            #expect(patched.json?["name"]?["formatted"]?.string == "Dr. Pegawai Baru 1, S.E.")

            let loads = try #require(try await world.api.get("/personnel/loads").json?["loads"]?.array)
            #expect(
                loads.count == 3
                    && loads.allSatisfy { $0["actor"]?.string == "client:feed" && $0["file"]?.string == "SCIM" })
            // The same again is no load.
            #expect(try await world.send(.put, "/Users/\(id)", patched.json).status == 200)
            #expect(try await world.api.get("/personnel/loads").json?["loads"]?.array?.count == 3)
            let latest = try #require(loads.first?["id"]?.string)
            #expect(try await world.api.send(.post, "/personnel/loads/\(latest)/undo").status == 200)
            #expect(try await world.send(.get, "/Users/\(id)").json?["active"]?.bool == true)

            let gone = try await world.send(.delete, "/Users/\(id)")
            #expect(gone.status == 403 && gone.scimType() == nil)
            #expect(try await world.send(.get, "/Users/\(id)").status == 200)
        }
    }

    @Test("what a load would refuse is refused with its reason, and nothing is kept of it")
    func refused() async throws {
        try await withFeed { world in
            func post(_ change: (inout JSONObject, inout JSONObject) -> Void) async throws -> TestAnswer {
                var body = Self.person(2)
                var own = body[Self.own]?.object ?? [:]
                change(&body, &own)
                body[Self.own] = .object(own)
                return try await world.send(.post, "/Users", .object(body))
            }
            for answer in [
                try await post { $1["nip"] = "123" }, try await post { $1["pnsId"] = nil },
                try await post { $1["unitId"] = "TIDAK-ADA" }, try await post { body, _ in body["displayName"] = nil },
                try await post { body, _ in body["displayName"] = 7 },
                try await post { body, _ in body["userName"] = "ujang" },
                try await post { body, _ in body["active"] = false },
                try await post { body, _ in body["active"] = "yes" },
                try await post { body, _ in body["emails"] = "a@b" },
            ] {
                #expect(answer.status == 400 && answer.scimType() == "invalidValue", "\(answer.text)")
            }
            let taken = try await post { $1["nip"] = .string(City.nips["ujang"] ?? "") }
            #expect(taken.status == 409 && taken.scimType() == "uniqueness", "\(taken.text)")
            for text in ["", "[]", "{", "{\"a\":1,\"a\":2}"] {
                let answer = try await world.raw(.post, "/Users", text)
                #expect(answer.status == 400 && answer.scimType() == "invalidSyntax", "\(text)")
            }
            #expect(try await world.raw(.post, "/Users", "{}", type: "text/plain").status == 415)
            #expect(try await world.raw(.post, "/Users", String(repeating: " ", count: 1_100_000)).status == 413)
            #expect(try await world.api.get("/personnel/loads").json?["loads"]?.array?.isEmpty == true)
            #expect(try await world.gateway.store.read { tx in try tx.rows("SELECT 1 FROM external_ids").count } == 0)
        }
    }

    @Test("a source that disables people one by one is stopped like one that does it at once")
    func stop() async throws {
        try await withFeed(stopShare: 20) { world in
            var users: [String] = []
            for number in 1...9 {
                let made = try await world.send(.post, "/Users", .object(Self.person(number)))
                users.append(try #require(made.json?["id"]?.string, "\(made.text)"))
            }
            var statuses: [Int] = []
            for id in users.dropLast() {
                let answer = try await world.patch(
                    "/Users/\(id)", [["op": "replace", "path": .string("\(Self.own):status"), "value": "88"]])
                statuses.append(answer.status)
                if answer.status == 409 { #expect(answer.text.contains("lose their sign-in"), "\(answer.text)") }
            }
            #expect(statuses.contains(409), "\(statuses)")
            let first = try #require(statuses.firstIndex(of: 409))
            #expect(statuses[first...].allSatisfy { $0 == 409 } && first >= 1, "\(statuses)")
            // A day later it is another day.
            world.gateway.clock.advance(seconds: 86_401)
            let token = try await world.api.feedToken()
            let answer = try await world.patch(
                "/Users/\(users[8])", [["op": "replace", "path": .string("\(Self.own):status"), "value": "88"]],
                token: token)
            #expect(answer.status == 200, "\(answer.text)")
        }
    }

    @Test("taking back, one by one, what it delivered is stopped like disabling people", arguments: engines)
    func undos(_ engine: Engine) async throws {
        try await withFeed(on: engine, stopShare: 20) { world in
            for number in 1...9 {
                let made = try await world.send(.post, "/Users", .object(Self.person(number)))
                #expect(made.status == 201, "\(made.text)")
            }
            let loads = try #require(try await world.api.get("/personnel/loads").json?["loads"]?.array)
            var statuses: [Int] = []
            for load in loads {
                let id = try #require(load["id"]?.string)
                let answer = try await world.api.send(
                    .post, "/personnel/loads/\(id)/undo", as: "feed", body: [:])
                statuses.append(answer.status)
            }
            let first = try #require(statuses.firstIndex(of: 409), "\(statuses)")
            #expect(first >= 1 && statuses[first...].allSatisfy { $0 == 409 }, "\(statuses)")
        }
    }

    // MARK: Attacks

    @Test("attack 237: a PATCH that would look at too much is refused before it does")
    func patchLimits() async throws {
        try await withFeed { world in
            let hukum = try world.api.admins.unit("hukum")
            let many: [JSONValue] = (0..<10_001).map { ["value": .string("x\($0)")] }
            let added = try await world.patch(
                "/Groups/\(hukum)", [["op": "add", "path": "members", "value": .array(many)]])
            #expect(added.status == 400 && added.scimType() == "tooMany", "\(added.text)")
            let filter: JSONValue = ["op": "remove", "path": "members[value eq \"y\"]"]
            let half: JSONValue = ["op": "add", "path": "members", "value": .array(Array(many.prefix(9000)))]
            let visits = try await world.patch(
                "/Groups/\(hukum)",
                [half]
                    + Array(
                        repeating: ["op": "replace", "path": "members[value eq \"x1\"].value", "value": "x1"], count: 20
                    ))
            #expect(visits.status == 400 && visits.scimType() == "tooMany", "\(visits.text)")
            let one = try await world.patch("/Groups/\(hukum)", [filter])
            #expect(one.status == 400 && one.scimType() == "noTarget", "\(one.text)")
        }
    }

    @Test("somebody else's number is taken: 409 uniqueness")
    func takenNumber() async throws {
        try await withFeed { world in
            #expect(try await world.send(.post, "/Users", .object(Self.person(1))).status == 201)
            var other = Self.person(2)
            var own = other[Self.own]?.object ?? [:]
            own["nip"] = Self.person(1)[Self.own]?["nip"]
            other[Self.own] = .object(own)
            let taken = try await world.send(.post, "/Users", .object(other))
            #expect(taken.status == 409 && taken.scimType() == "uniqueness", "\(taken.text)")
        }
    }

    @Test(
        "attack 241: of two units that are renamed at once both have their new names, and a city keeps all its governments",
        arguments: engines)
    func twoGroups(_ engine: Engine) async throws {
        try await withFeed(on: engine) { world in
            try await world.gateway.store.write { try $0.upkeep.setMeta("personnel.governments", "7299 7300") }
            let units = ["hukum", "dinkes", "setda"]
            let ids = try units.map { try world.api.admins.unit($0) }
            for round in 1...3 {
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for id in ids {
                        group.addTask {
                            try await world.patch(
                                "/Groups/\(id)",
                                [["op": "replace", "path": "displayName", "value": .string("Unit \(id) \(round)")]]
                            ).status
                        }
                    }
                    return try await group.reduce(into: [Int]()) { $0.append($1) }
                }
                #expect(statuses.allSatisfy { [200, 409].contains($0) }, "\(statuses)")
                let names = try await world.gateway.store.read { tx in
                    try ids.map { try UnitID($0).flatMap { try tx.units.find($0)?.name } }
                }
                let renamed = zip(ids, names).count { $1 == "Unit \($0) \(round)" }
                #expect(renamed == statuses.count { $0 == 200 }, "\(statuses) \(names)")
            }
            let kept = try await world.gateway.store.read { try $0.upkeep.meta("personnel.governments") }
            #expect(Set((kept ?? "").split(separator: " ")) == ["7299", "7300"])
        }
    }

    @Test("a version is told where it is one: of a Group alone, and not of a list that leaves members out")
    func groupVersions() async throws {
        try await withFeed { world in
            let list = try #require(try await world.send(.get, "/Groups").json?["Resources"]?.array)
            #expect(list.allSatisfy { $0["meta"]?["version"] == nil && $0["meta"]?["lastModified"] == nil })
            let id = try #require(list.first?["id"]?.string)
            let one = try await world.send(.get, "/Groups/\(id)")
            let whole = try #require(
                try await world.send(.get, "/Groups?attributes=members&count=200").json?["Resources"]?.array)
            let same = whole.first { $0["id"]?.string == id }
            #expect(same?["meta"]?["version"] ?? one.json?["meta"]?["version"] == one.json?["meta"]?["version"])
            #expect(one.headers[.eTag] == one.json?["meta"]?["version"]?.string)
        }
    }

    @Test("attack 233: a filter that is nested or long beyond reason, or asks for what is not there: 400 invalidFilter")
    func filters() async throws {
        try await withFeed { world in
            for filter in [
                String(repeating: "(", count: 10_000) + "id pr" + String(repeating: ")", count: 10_000),
                String(repeating: "not (", count: 900) + "id pr" + String(repeating: ")", count: 900), "userName eq",
                "password eq \"x\"",
                "nik eq \"9999990101900001\"", "\(Self.own):nik pr", "\(Self.own):birthDate pr", "userName gt \"1\"",
                "active co true",
                "meta.lastModified eq \"x\"", "userName eq 7", "emails[x eq \"1\"]", "urn:x:y eq 1", "x]",
            ] {
                let answer = try await world.list("/Users", filter)
                #expect([400, 413, 414, 431].contains(answer.status), "\(filter.prefix(40))")
                if answer.status == 400 {
                    #expect(answer.scimType() == "invalidFilter", "\(filter.prefix(40)): \(answer.text)")
                }
                let search = try await world.send(
                    .post, "/Users/.search",
                    ["schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": .string(filter)])
                #expect(
                    search.status == 400 && search.scimType() == "invalidFilter", "\(filter.prefix(40)): \(search.text)"
                )
            }
        }
    }

    @Test("filters find what they say, on both engines", arguments: engines)
    func finding(_ engine: Engine) async throws {
        try await withFeed(on: engine) { world in
            for number in 1...3 {
                #expect(try await world.send(.post, "/Users", .object(Self.person(number))).status == 201)
            }
            let nip = Self.person(2)[Self.own]?["nip"]?.string ?? ""
            let total = try #require(try await world.send(.get, "/Users").json?["totalResults"]?.integer)
            func count(_ filter: String) async throws -> Int64? {
                let answer = try await world.list("/Users", filter)
                #expect(answer.status == 200, "\(filter): \(answer.text)")
                let found = answer.json?["Resources"]?.array?.count ?? -1
                #expect(answer.json?["totalResults"]?.integer == Int64(found), "\(filter)")
                return answer.json?["totalResults"]?.integer
            }
            for (filter, expected) in [
                ("userName eq \"\(nip)\"", 1), ("USERNAME eq \"\(nip)\"", 1), ("\(Self.own):nip sw \"1890\"", nil),
                ("externalId eq \"simpeg-2\"", 1), ("externalId sw \"simpeg-\"", 3),
                ("displayName eq \"pegawai baru 2\"", 1),
                ("displayName co \"BARU\"", 3), ("displayName ew \"3\"", 1), ("displayName co \"%\"", 0),
                ("displayName co \"_\"", 0),
                ("emails.value eq \"baru1@contoh.invalid\"", 1), ("emails[value eq \"baru1@contoh.invalid\"]", 1),
                ("emails co \"baru\"", 3), ("title pr and displayName sw \"Pegawai Baru\"", 3),
                ("not (displayName sw \"Pegawai Baru\")", total - 3), ("displayName ne \"pegawai baru 2\"", total - 1),
                ("externalId pr", 3), ("not (externalId pr)", total - 3), ("id pr", total),
                ("active eq false or active eq true", total),
                ("\(Self.own):pnsId eq \"BARU3\" or \(Self.own):pnsId eq \"BARU1\"", 2),
                ("\(Self.own):unitId eq \"UNOR-hukum\" and externalId pr", 3),
                ("meta.lastModified gt \"1999-01-01T00:00:00Z\"", total),
                ("meta.created lt \"1999-01-01T00:00:00Z\"", 0),
                ("title eq null and externalId pr", 0), ("userType eq \"PNS\" and externalId pr", 3),
            ] as [(String, Int64?)] {
                let found = try await count(filter)
                if let expected {
                    #expect(found == expected, "\(filter): \(found ?? -1)")
                } else {
                    #expect((found ?? 0) >= 3)
                }
            }
        }
    }

    @Test("attack 235: what may not be written is not, however the path says it")
    func patches() async throws {
        try await withFeed { world in
            let id = try #require(try await world.send(.post, "/Users", .object(Self.person(1))).json?["id"]?.string)
            func patch(_ operation: JSONValue) async throws -> String {
                let answer = try await world.patch("/Users/\(id)", [operation])
                return "\(answer.status) \(answer.scimType() ?? "")"
            }
            for (operation, expected) in [
                (["op": "replace", "path": "roles[value eq \"x\"]", "value": "y"], "400 invalidPath"),
                (["op": "add", "path": "members", "value": []], "400 invalidPath"),
                (["op": "add", "path": "members[value eq \"x\"]", "value": []], "400 invalidPath"),
                (["op": "replace", "path": "id", "value": "x"], "400 mutability"),
                (
                    ["op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:id", "value": "x"],
                    "400 mutability"
                ),
                (["op": "remove", "path": "meta"], "400 mutability"),
                (["op": "remove", "path": "schemas"], "400 mutability"),
                (["op": "replace", "path": "meta.created", "value": "x"], "400 mutability"),
                (["op": "replace", "path": "active", "value": false], "400 mutability"),
                (["op": "replace", "path": "groups", "value": []], "400 mutability"),
                (["op": "replace", "path": "urn:x:y:z", "value": 1], "400 invalidPath"),
                (["op": "replace", "path": "a b", "value": 1], "400 invalidPath"),
                (["op": "replace", "path": "emails[value eq \"nobody\"].value", "value": "x"], "400 noTarget"),
                (["op": "replace", "path": "emails[x eq \"nobody\"].value", "value": "x"], "400 invalidPath"),
                (["op": "remove"], "400 noTarget"), (["op": "add", "path": "title"], "400 invalidValue"),
                (["op": "move", "path": "title", "value": "x"], "400 invalidSyntax"),
                (["op": "replace", "value": ["id": "x"]], "400 mutability"),
                (["op": "replace", "value": ["meta": ["created": "x"]]], "400 mutability"),
                (["op": "replace", "value": "x"], "400 invalidValue"),
                (["op": "replace", "path": .string("\(Self.own):pnsId"), "value": "LAIN"], "400 mutability"),
                (["op": "replace", "path": "title", "value": ["x": 1]], "400 invalidValue"),
                (["op": "replace", "path": "userName", "value": "x"], "400 invalidValue"),
            ] as [(JSONValue, String)] {
                #expect(try await patch(operation) == expected, "\(operation.encodedText())")
            }
            let loads = try await world.api.get("/personnel/loads").json?["loads"]?.array?.count
            #expect(loads == 1)
            // Who sends everything back with one thing changed changes that one thing.
            var whole = try #require(try await world.send(.get, "/Users/\(id)").json?.object)
            whole["title"] = "Ganti"
            #expect(try await patch(["op": "replace", "value": .object(whole)]) == "200 ")
            #expect(try await world.patch("/Users/\(id)", []).scimType() == "invalidSyntax")
            #expect(
                try await world.send(.patch, "/Users/\(id)", ["Operations": [["op": "remove", "path": "title"]]]).status
                    == 400)
        }
    }

    @Test("attack 236: an externalId is each client's own, unique, and never an id")
    func externalIDs() async throws {
        try await withFeed { world in
            let first = try #require(try await world.send(.post, "/Users", .object(Self.person(1))).json)
            var body = Self.person(2)
            body["externalId"] = "simpeg-1"
            let same = try await world.send(.post, "/Users", .object(body))
            #expect(same.status == 409 && same.scimType() == "uniqueness")
            body["externalId"] = 7
            #expect(try await world.send(.post, "/Users", .object(body)).scimType() == "invalidValue")
            // It may look like anything: it finds nobody by itself.
            let id = try #require(first["id"]?.string)
            body["externalId"] = .string(id)
            let second = try await world.send(.post, "/Users", .object(body))
            #expect(second.status == 201 && second.json?["id"]?.string != id)
            #expect(try await world.send(.get, "/Users/\(id)").json?["externalId"]?.string == "simpeg-1")
            for path in ["/Users/simpeg-1", "/Users/\(City.nips["ujang"] ?? "")", "/Users/PNS-ujang", "/Users/x"] {
                #expect(try await world.send(.get, path).status == 404, "\(path)")
            }
            let taken = try await world.patch(
                "/Users/\(second.json?["id"]?.string ?? "")",
                [["op": "replace", "path": "externalId", "value": "simpeg-1"]])
            #expect(taken.status == 409 && taken.scimType() == "uniqueness")
            #expect(try await world.send(.post, "/Users", .object(Self.person(1))).scimType() == "uniqueness")
            // Another client has ids of its own.
            let theirs = try await world.send(.get, "/Users/\(id)", token: world.api.tokens["super"])
            #expect(theirs.status == 200 && theirs.json?["externalId"] == nil)
        }
    }

    @Test("attack 238: pages of any number are as good as the nearest possible ones")
    func pages() async throws {
        try await withFeed { world in
            let total = try #require(try await world.send(.get, "/Users").json?["totalResults"]?.integer)
            for (query, start, items) in [
                ("startIndex=-1", 1, total), ("startIndex=0", 1, total),
                ("startIndex=9223372036854775808", 1_000_000_000_000, 0),
                ("count=1000000000", 1, total), ("count=0", 1, 0), ("count=-5", 1, 0),
                ("startIndex=10000000", 10_000_000, 0),
                ("startIndex=2&count=1", 2, 1),
                ("startIndex=\(String(repeating: "9", count: 90))", 1_000_000_000_000, 0),
            ] as [(String, Int64, Int64)] {
                let answer = try await world.send(.get, "/Users?\(query)")
                #expect(answer.status == 200, "\(query): \(answer.text)")
                #expect(answer.json?["totalResults"]?.integer == total, "\(query)")
                #expect(
                    answer.json?["startIndex"]?.integer == start && answer.json?["itemsPerPage"]?.integer == items,
                    "\(query)")
                #expect(answer.json?["Resources"]?.array.map { Int64($0.count) } == items)
            }
            for query in ["startIndex=x", "count=1.5", "count=", "count=1&count=2"] where query != "count=" {
                #expect(try await world.send(.get, "/Users?\(query)").scimType() == "invalidValue", "\(query)")
            }
            var (seen, index): (Set<String>, Int64) = ([], 1)
            while index <= total {
                let page = try await world.send(.get, "/Users?startIndex=\(index)&count=3&attributes=id")
                for user in page.json?["Resources"]?.array ?? [] { seen.insert(user["id"]?.string ?? "") }
                index += 3
            }
            #expect(seen.count == Int(total))
        }
    }

    @Test("attack 239: a bulk has an end, references are resolved in any order, circles are not")
    func bulk() async throws {
        try await withFeed { world in
            func run(_ operations: [JSONValue], failOnErrors: Int64? = nil) async throws -> TestAnswer {
                var body: JSONObject = [
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": .array(operations),
                ]
                body["failOnErrors"] = failOnErrors.map { .integer($0) }
                return try await world.send(.post, "/Bulk", .object(body))
            }
            let remove: JSONValue = ["method": "DELETE", "path": "/Users/x"]
            let many = try await run(Array(repeating: remove, count: 10_000))
            #expect(many.status == 413 && many.json?["status"]?.string == "413")

            func group(_ bulkID: String, _ source: String, parent: String, members: [String] = []) -> JSONValue {
                [
                    "method": "POST", "path": "/Groups", "bulkId": .string(bulkID),
                    "data": [
                        "displayName": .string("Unit \(source)"),
                        "members": .array(members.map { ["value": .string($0)] }),
                        SCIMResourceType.unitID: ["sourceId": .string(source), "parent": .string(parent)],
                    ],
                ]
            }
            let user: JSONValue = ["method": "POST", "path": "/Users", "bulkId": "u", "data": .object(Self.person(4))]
            let top = try world.api.admins.unit("setda")
            // The members of the first come after it.
            let made = try await run([group("g", "BARU-1", parent: top, members: ["bulkId:u"]), user])
            let answers = try #require(made.json?["Operations"]?.array)
            #expect(answers.map { $0["status"]?.string } == ["201", "201"], "\(made.text)")
            let location = try #require(answers[0]["location"]?.string)
            let read = try await world.send(.get, "/Groups/\(location.split(separator: "/").last ?? "")")
            #expect(read.json?["members"]?.array?.count == 1 && read.json?["displayName"]?.string == "Unit BARU-1")

            let circle = try await run([
                group("a", "BARU-2", parent: "bulkId:b"), group("b", "BARU-3", parent: "bulkId:a"),
                group("c", "BARU-4", parent: "bulkId:nothing"),
                ["method": "POST", "path": "/Bulk", "bulkId": "d", "data": [:]],
                remove, ["method": "PATCH", "path": "/Users/x", "data": [:]],
            ])
            #expect(circle.status == 200)
            #expect(
                circle.json?["Operations"]?.array?.map { $0["status"]?.string } == [
                    "409", "409", "400", "400", "404", "400",
                ],
                "\(circle.text)")
            let stopped = try await run([remove, remove, remove], failOnErrors: 2)
            #expect(stopped.json?["Operations"]?.array?.count == 2)
            for wrong: JSONValue in [
                ["method": "POST", "path": "/Users", "data": [:]], ["method": "GET", "path": "/Users"],
                ["path": "/Users"], 1,
                ["method": "PUT", "path": "/Users/x"],
            ] {
                #expect(try await run([wrong]).scimType() == "invalidSyntax", "\(wrong.encodedText())")
            }
            #expect(try await run([user, user]).status == 400)
        }
    }

    @Test("attack 241: of two who replace what they both read one is told that it changed", arguments: engines)
    func versions(_ engine: Engine) async throws {
        try await withFeed(on: engine) { world in
            let made = try await world.send(.post, "/Users", .object(Self.person(1)))
            let (id, tag) = (made.json?["id"]?.string ?? "", try #require(made.headers[.eTag]))
            func put(_ title: String, _ condition: String?) async throws -> Int {
                var body = Self.person(1)
                body["title"] = .string(title)
                var headers: HTTPFields = [:]
                headers[.ifMatch] = condition
                return try await world.send(.put, "/Users/\(id)", .object(body), headers: headers).status
            }
            #expect(try await put("Satu", "W/\"old\"") == 412)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 1...6 { group.addTask { try await put("Jabatan \(number)", tag) } }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.filter { $0 == 200 }.count == 1 && statuses.filter { $0 == 412 }.count == 5, "\(statuses)")
            // Who says no version is carried out whatever was in between, or told that too much is.
            let loose = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 1...4 { group.addTask { try await put("Lepas \(number)", nil) } }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(loose.contains(200) && loose.allSatisfy { [200, 409].contains($0) }, "\(loose)")
        }
    }

    @Test("attack 242: what is never returned is not, whatever attributes are asked for")
    func selection() async throws {
        try await withFeed { world in
            let id = try #require(try await world.send(.post, "/Users", .object(Self.person(1))).json?["id"]?.string)
            for query in [
                "", "?attributes=\(Self.own):nik,\(Self.own):birthDate,\(Self.own):sex", "?attributes=\(Self.own)",
                "?attributes=nik,password",
                "?excludedAttributes=userName", "?attributes=%2A",
            ] {
                let text = try await world.send(.get, "/Users/\(id)\(query)").text
                #expect(
                    !text.contains("9999990101900001") && !text.contains("1890-01-01") && !text.contains("\"nik\""),
                    "\(query)")
            }
            func members(_ query: String) async throws -> Set<String> {
                Set(try #require(try await world.send(.get, "/Users/\(id)?\(query)").json?.object).keys)
            }
            #expect(try await members("attributes=userName,name.formatted") == ["schemas", "id", "userName", "name"])
            #expect(try await members("attributes=USERNAME") == ["schemas", "id", "userName"])
            #expect(try await members("attributes=\(Self.own)") == ["schemas", "id", Self.own])
            let part = try await world.send(.get, "/Users/\(id)?attributes=\(Self.own):nip,emails.value").json
            #expect(
                part?[Self.own]?.object?.keys == ["nip"] && part?["emails"]?.array?.first?.object?.keys == ["value"])
            let without = try await members("excludedAttributes=\(Self.own),id,groups,meta")
            #expect(without.contains("id") && without.isDisjoint(with: [Self.own, "groups", "meta"]))
            #expect(try await world.send(.get, "/Users?attributes=id&excludedAttributes=name").status == 400)
            #expect(try await world.send(.get, "/Users?attributes=a%20b").status == 200)
        }
    }

    // MARK: Units

    @Test("units are listed, renamed, moved and filled; nobody is put out of one", arguments: engines)
    func groups(_ engine: Engine) async throws {
        try await withFeed(on: engine) { world in
            let hukum = try world.api.admins.unit("hukum")
            let list = try #require(try await world.send(.get, "/Groups").json)
            #expect(
                list["totalResults"]?.integer ?? 0 >= 4
                    && list["Resources"]?.array?.allSatisfy { $0["members"] == nil } == true)
            let found = try await world.list("/Groups", "displayName eq \"Bagian Hukum\"")
            #expect(found.json?["totalResults"]?.integer == 1, "\(found.text)")

            let before = try #require(try await world.send(.get, "/Groups/\(hukum)").json)
            let renamed = try await world.patch(
                "/Groups/\(hukum)", [["op": "replace", "path": "displayName", "value": "Bagian Hukum dan HAM"]])
            #expect(
                renamed.status == 200 && renamed.json?["displayName"]?.string == "Bagian Hukum dan HAM",
                "\(renamed.text)")
            #expect(renamed.json?["members"] == before["members"])

            let siti = try #require(
                try await world.list("/Users", "userName eq \"\(City.nips["siti"] ?? "")\"").json?["Resources"]?.array?
                    .first)
            let sitiID = siti["id"]?.string ?? ""
            let added = try await world.patch(
                "/Groups/\(hukum)", [["op": "add", "path": "members", "value": [["value": .string(sitiID)]]]])
            #expect(added.status == 200, "\(added.text)")
            let moved = try #require(try await world.send(.get, "/Users/\(sitiID)").json)
            #expect(moved["groups"]?.array?.first?["value"]?.string == hukum)
            #expect(
                moved["title"] == siti["title"] && moved["active"] == siti["active"] && moved["name"] == siti["name"])

            let out = try await world.patch(
                "/Groups/\(hukum)", [["op": "remove", "path": .string("members[value eq \"\(sitiID)\"]")]])
            #expect(out.status == 400 && out.scimType() == "mutability", "\(out.text)")
            let nobody = try await world.patch(
                "/Groups/\(hukum)", [["op": "add", "path": "members", "value": [["value": "x"]]]])
            #expect(nobody.status == 400 && nobody.scimType() == "invalidValue")

            let made = try await world.send(
                .post, "/Groups",
                [
                    "displayName": "Subbagian Baru", "externalId": "u-1",
                    SCIMResourceType.unitID: ["sourceId": "UNOR-baru", "parent": .string(hukum)],
                ])
            #expect(made.status == 201 && made.json?["externalId"]?.string == "u-1", "\(made.text)")
            let id = try #require(made.json?["id"]?.string)
            let circle = try await world.patch(
                "/Groups/\(hukum)",
                [["op": "replace", "path": .string("\(SCIMResourceType.unitID):parent"), "value": .string(id)]])
            #expect(circle.status == 400 && circle.scimType() == "invalidValue", "\(circle.text)")
            let dinkes = try world.api.admins.unit("dinkes")
            let shifted = try await world.patch(
                "/Groups/\(id)",
                [["op": "replace", "path": .string("\(SCIMResourceType.unitID):parent"), "value": .string(dinkes)]])
            #expect(
                shifted.status == 200 && shifted.json?[SCIMResourceType.unitID]?["parent"]?.string == dinkes,
                "\(shifted.text)")
            #expect(try await world.send(.delete, "/Groups/\(id)").status == 403)
        }
    }

    // MARK: Around it

    @Test("who may call: the feed and whoever may load; nobody else learns anything")
    func callers() async throws {
        try await withFeed { world in
            for path in ["/Users", "/Groups", "/ServiceProviderConfig", "/Schemas", "/ResourceTypes", "/Users/x"] {
                let none = try await world.api.gateway.send(.get, "/scim/v2" + path)
                #expect(
                    none.status == 401 && none.headers[.wwwAuthenticate] != nil
                        && none.json?["status"]?.string == "401", "\(path)")
                #expect(try await world.send(.get, path, token: world.api.tokens["setda"]).status == 403, "\(path)")
            }
            #expect(try await world.send(.get, "/Users", token: world.api.tokens["bkd"]).status == 200)
            #expect(try await world.send(.get, "/Nothing").status == 404)
            #expect(try await world.send(.get, "/Nothing").json?["schemas"]?.strings == [SCIMProblem.schema])
            #expect(try await world.send(.post, "/Users/x", [:]).status == 405)
        }
    }

    @Test("it says what it can do, and every schema is one that its resources have")
    func discovery() async throws {
        try await withFeed { world in
            let config = try #require(try await world.send(.get, "/ServiceProviderConfig").json)
            #expect(config["bulk"]?["maxOperations"]?.integer == 100 && config["filter"]?["maxResults"]?.integer == 200)
            let types = try #require(try await world.send(.get, "/ResourceTypes").json?["Resources"]?.array)
            let schemas = try #require(try await world.send(.get, "/Schemas").json?["Resources"]?.array)
            let known = Set(schemas.compactMap { $0["id"]?.string })
            for type in types {
                #expect(known.contains(type["schema"]?.string ?? ""))
                for own in type["schemaExtensions"]?.array ?? [] {
                    #expect(known.contains(own["schema"]?.string ?? ""))
                }
                #expect(try await world.send(.get, "/ResourceTypes/\(type["id"]?.string ?? "")").json == type)
            }
            for schema in schemas {
                #expect(try await world.send(.get, "/Schemas/\(schema["id"]?.string ?? "")").json == schema)
            }
            #expect(try await world.send(.get, "/Schemas/x").status == 404)
            #expect(try await world.list("/Schemas", "id pr").status == 403)
        }
    }
}

/// A city as its personnel application sees it.
struct SCIMWorld: Sendable {
    let api: APIWorld
    var gateway: TestGateway { api.gateway }

    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: JSONValue? = nil, token: String? = nil,
        headers: HTTPFields = [:]
    ) async throws -> TestAnswer {
        try await raw(method, path, body?.encodedText(), token: token, headers: headers)
    }

    func raw(
        _ method: HTTPRequest.Method, _ path: String, _ body: String?, type: String = "application/scim+json",
        token: String? = nil, headers more: HTTPFields = [:]
    ) async throws -> TestAnswer {
        var headers = more
        headers[.authorization] = "Bearer \(token ?? api.tokens["feed"] ?? "")"
        if body != nil { headers[.contentType] = type }
        return try await gateway.send(method, "/scim/v2" + path, headers: headers, body: body)
    }

    func patch(_ path: String, _ operations: [JSONValue], token: String? = nil) async throws -> TestAnswer {
        try await send(
            .patch, path,
            ["schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": .array(operations)],
            token: token)
    }

    func list(_ path: String, _ filter: String) async throws -> TestAnswer {
        try await send(.get, "\(path)?\(FormURLEncoded.encode([("filter", filter)]))&count=200")
    }
}

extension TestAnswer {
    /// The `scimType`, after checking that the answer is an error of SCIM; nothing of any other answer.
    func scimType(_ location: SourceLocation = #_sourceLocation) -> String? {
        guard status >= 400 else { return nil }
        #expect(headers[.contentType] == "application/scim+json", sourceLocation: location)
        #expect(json?["schemas"]?.strings == [SCIMProblem.schema], sourceLocation: location)
        #expect(json?["status"]?.string == "\(status)", sourceLocation: location)
        #expect(json?["detail"]?.string?.isEmpty == false, sourceLocation: location)
        return json?["scimType"]?.string
    }
}
