import Foundation
import GapuraFormats
import Testing

@testable import GapuraServer

/// `gapura keys` of the built program, beside a running gateway and without one.
@Suite("Keys commands", .serialized)
struct KeysCommandTests {
    private static let day: Double = 86_400

    @Test("keys rotate says from when on it may, and keeps old keys as long as the gateway's settings say")
    func rotate() async throws {
        let gapura = try GapuraProgram(["GAPURA_SESSION_ABSOLUTE": "5d"])
        try await gapura.succeed("setup")
        let early = try await gapura.run(["keys", "rotate"])
        #expect(early.code == Failure.refused && early.errors.contains("rotate again later (RS256: from 20"))
        #expect(early.errors.contains("putar lagi nanti"))
        try gapura.ageKeys()
        let done = try await gapura.succeed("keys", "rotate", "--json").json
        let keys = done["keys"]?.array ?? []
        #expect(keys.count == 9)
        #expect(done["early"]?.array?.isEmpty == true)
        let retired = keys.filter { $0["state"]?.string == "retired" }
        #expect(retired.count == 3)
        for key in retired {
            let (from, to) = (try Self.moment(key["retired_at"]), try Self.moment(key["published_until"]))
            #expect(to.timeIntervalSince(from) == 5.5 * Self.day)
        }
        #expect(try await gapura.run(["keys", "rotate", "--algorithm", "RS256"]).code == Failure.refused)
        #expect(try await gapura.run(["keys", "rotate", "--algorithm", "PS384"]).code == Failure.notFound)
        #expect(try await gapura.succeed("keys", "list", "--json").json["keys"]?.array?.count == 9)
    }

    private static func moment(_ value: JSONValue?) throws -> Date {
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return try format.parse(try #require(value?.string))
    }

    @Test("R59: keys revoke reaches a gateway that runs at once, not at its next look at the folder")
    func revokeWhileRunning() async throws {
        let gapura = try GapuraProgram()
        try await gapura.succeed("setup")
        let running = try await gapura.serve()
        func published() async throws -> [String] {
            let body = try await running.get("/oauth2/jwks").body
            return try StrictJSON.parse(Array(body.utf8))["keys"]?.array?.compactMap { $0["kid"]?.string } ?? []
        }
        let keys = try await gapura.succeed("keys", "list", "--json").json["keys"]?.array ?? []
        let active = try #require(keys.first { $0["state"]?.string == "active" }?["kid"]?.string)
        #expect(try await published().contains(active))
        try await gapura.succeed("keys", "revoke", active, "--yes")
        let now = try await published()
        #expect(!now.contains(active) && now.count == keys.count)
        #expect(running.stop() == 0)
    }
}
