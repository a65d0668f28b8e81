import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// The table of routes: all operations that an admin may run are in it, each as the operation takes it.
@Suite("Administration API: routes")
struct APIRouteTests {
    @Test("attack 191: every operation that is not the console's has a route or a reason, and no other has one")
    func everyOperation() throws {
        let routed = Set(APIRoutes.all.map(\.operation))
        let left = Set(APIRoutes.commandsOnly.map(\.operation))
        for operation in Operations.all {
            let isServed = routed.contains(operation.name)
            #expect(isServed == (operation.access != .console && !left.contains(operation.name)), "\(operation.name)")
        }
        #expect(routed.isDisjoint(with: left))
        for name in routed.union(left) { #expect(throws: Never.self) { try Operations.find(name) } }
    }

    /// Arguments that no request brings, and why.
    private static let unserved: [String: Set<String>] = [
        // Files on the server.
        "account.codes": ["csv", "sheet"]
    ]

    @Test("every field is an argument of its operation, and every argument a field")
    func fields() throws {
        for route in APIRoutes.all {
            let operation = try Operations.find(route.operation)
            var served = Set(route.fields.map(\.name))
            if let page = route.page {
                #expect(served.remove("cursor") != nil, "\(route.path)")
                served.insert(page.argument)
            }
            #expect(served.count == route.fields.count, "\(route.path) names a field twice")
            let all = Set(operation.members).subtracting(Self.unserved[operation.name] ?? [])
            #expect(served == all, "\(route.method) \(route.path)")
            #expect(Set(route.fixed.keys).isSubset(of: operation.members))
            #expect(!route.isWriting || route.fields(in: .query).isEmpty, "\(route.path): a query that changes")
        }
        #expect(Set(APIRoutes.all.map { "\($0.method) \($0.routerPath)" }).count == APIRoutes.all.count)
    }

    @Test("attack 205: what is read changes nothing: no row of the audit, no answer that is kept")
    func readsChangeNothing() async throws {
        try await withAPI { world in
            func state() async throws -> [String] {
                try await world.gateway.store.read { tx in
                    // Paths of things that are not there are refusals, which have rows of their own.
                    try tx.rows("SELECT seq FROM audit_events WHERE event <> 'request.refused' ORDER BY seq").map {
                        "\(try $0.integer(0))"
                    }
                        + (try tx.rows("SELECT id, updated_at, state, role FROM accounts ORDER BY id").map {
                            "\(try $0.text(0)) \(try $0.integer(1)) \(try $0.text(2)) \(try $0.text(3))"
                        })
                        + (try tx.rows("SELECT key FROM api_answers").map { try $0.text(0) })
                }
            }
            let before = try await state()
            for route in APIRoutes.all where !route.isWriting {
                let path = try Self.path(route, world)
                let answer = try await world.get(path)
                // Whatever of these there is none of is unknown, and said so.
                #expect([200, 404].contains(answer.status), "\(path): \(answer.text)")
                #expect(answer.headers[.cacheControl] == "no-store", "\(path)")
            }
            #expect(try await state() == before)
        }
    }

    @Test("attack 197: nothing that is read holds a secret of a client, a hash, a sealed text or a link")
    func noSecrets() async throws {
        try await withAPI(["super", "bkd"]) { world in
            var secrets = Array(world.city.secrets.values)
            secrets += world.tokens.values
            let link = try await world.city.operate("account.link", ["name": .string(try world.id("siti"))])
            secrets.append(String(try #require(link["link"]?.string).suffix(20)))
            let newcomer = try await world.city.operate(
                "account.add",
                ["user_name": "kontrak", "name": "Tenaga Kontrak", "sponsor": "ujang", "ends_at": "2027-06-30"])
            let codes = try await world.send(
                .post, "/activation-codes", body: ["names": [newcomer["id"] ?? .null], "again": true])
            #expect(codes.status == 200, "\(codes.text)")
            let printed = (codes.json?["codes"]?.array ?? []).compactMap { $0["code"]?.string }
            #expect(!printed.isEmpty, "\(codes.text)")
            secrets += printed
            secrets += try await world.gateway.store.read { tx in
                try tx.rows("SELECT password_hash FROM accounts WHERE password_hash IS NOT NULL").map { try $0.text(0) }
                    + tx.rows("SELECT secret_digest, sealed_secret FROM clients").flatMap { row in
                        [try row.optionalText(0), try row.optionalText(1)].compactMap { $0 }
                    }
                    + tx.rows("SELECT digest FROM one_time_links").map { try $0.text(0) }
            }
            #expect(secrets.count > 10)
            for route in APIRoutes.all where !route.isWriting {
                let path = try Self.path(route, world)
                let text = try await world.get(path).text
                for secret in secrets where !secret.isEmpty {
                    #expect(!text.contains(secret), "\(path) tells a secret")
                }
            }
        }
    }

    /// A path of a route with things of the small city.
    private static func path(_ route: APIRoute, _ world: APIWorld) throws -> String {
        let places: [String: String] = [
            "name": try world.id("siti"), "person": City.nips["siti"] ?? "", "unit": try world.admins.unit("setda"),
            "draft": UUIDText.version4(), "load": UUIDText.version4(), "slug": "simpeg", "application": "simpeg",
            "client_id": "web",
        ]
        return route.fields(in: .path).reduce(route.path) { path, field in
            path.replacing("{\(field.name)}", with: places[field.name] ?? "?")
        }
    }

    @Test("attack 202: tricks with path and method lead nowhere")
    func pathTricks() async throws {
        try await withAPI { world in
            let id = try world.id("siti")
            for path in [
                "//accounts/\(id)", "/./accounts/\(id)", "/x/../accounts/\(id)", "/accounts%2f\(id)",
                "/accounts/%2e%2e/me", "/accounts/..%2fme", "/accounts\\\(id)", "/accounts/%5c", "/accounts/a%00",
            ] {
                let answer = try await world.get(path)
                #expect(answer.status == 400 && answer.problem() == "invalid", "\(path): \(answer.status)")
            }
            for path in ["/Accounts", "/ACCOUNTS/\(id)", "/accounts;x/\(id)", "/account", "/"] {
                let answer = try await world.get(path)
                #expect(answer.status == 404, "\(path): \(answer.status)")
            }
            let prefix = try await world.gateway.send(
                .get, "/API/v1/me", headers: [.authorization: "Bearer \(world.tokens["super"] ?? "")"])
            #expect(prefix.status == 404)

            for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
                var headers: HTTPFields = [:]
                headers[try #require(HTTPField.Name(name))] = "DELETE"
                let answer = try await world.send(.get, "/accounts/\(id)/roles", headers: headers)
                #expect(answer.status == 200)
                let post = try await world.send(.post, "/accounts/\(id)/sessions", headers: headers)
                #expect(post.status == 405 && post.headers[.allow] == "DELETE")
                #expect(post.problem() == "method_not_allowed")
            }
        }
    }

    @Test("docs/api.md has a line for every route and for no other")
    func documentation() throws {
        let file = URL(filePath: #filePath).appending(path: "../../../../docs/api.md").standardized
        let text = try String(contentsOf: file, encoding: .utf8)
        let rows = text.split(separator: "\n").compactMap {
            $0.firstMatch(of: /^\| `([A-Z]+ \/[^`]*)` \| .* \| `(.*)` \|$/)
        }
        let documented = rows.map { "\($0.1) \($0.2)" }
        #expect(
            documented == APIRoutes.byPath.flatMap { $0.map { "\($0.method.rawValue) \($0.path) \($0.operation)" } })
    }

    @Test("the OpenAPI document is for callers, and says what the routes say")
    func document() async throws {
        try await withAPI(["super", "feed"]) { world in
            #expect(try await world.send(.get, "/openapi.json", as: nil).status == 401)
            let json = try #require(try await world.get("/openapi.json", as: "feed").json)
            #expect(json["openapi"]?.string == "3.1.0")
            let paths = try #require(json["paths"]?.object)
            var documented: Set<String> = []
            for (path, item) in paths.members {
                for method in try #require(item.object).keys { documented.insert("\(method.uppercased()) \(path)") }
            }
            #expect(documented == Set(APIRoutes.all.map { "\($0.method.rawValue) \($0.path)" }))
            let ids = paths.members.flatMap {
                $0.value.object?.members.compactMap { $0.value["operationId"]?.string } ?? []
            }
            #expect(Set(ids).count == APIRoutes.all.count)
            // A method that the document does not name is not served.
            for (path, item) in paths.members {
                let plain = path.replacing(/\{[^}]+\}/, with: "x")
                for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
                where item[method.lowercased()] == nil {
                    let answer = try await world.send(try #require(HTTPRequest.Method(method)), plain)
                    #expect(answer.status == 405, "\(method) \(path)")
                }
            }
        }
    }
}
