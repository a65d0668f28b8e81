import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// Attack 314: who begins sign-ins without end takes room from nobody but themselves.
@Suite("Sign-ins under way: room for all")
struct FlowRoomTests {
    /// A sign-in that was begun, and the browser that it belongs to.
    private struct Begun: Sendable {
        let browser: TestBrowser
        let location: String

        func isOpen() async throws -> Bool { try await browser.get(location).status == 200 }
    }

    private func begin(_ city: City, from address: String) async throws -> Begun {
        try await begin(city, in: city.gateway.browser(from: address))
    }

    private func begin(_ city: City, in browser: TestBrowser) async throws -> Begun {
        let answer = try await city.authorize(city.asking(), in: browser)
        return Begun(browser: browser, location: try #require(answer.location))
    }

    private func open(_ begun: [Begun]) async throws -> [Bool] {
        var found: [Bool] = []
        for one in begun { found.append(try await one.isOpen()) }
        return found
    }

    private static let openFlows: Statement = "SELECT COUNT(*) FROM flows WHERE used_at IS NULL"

    @Test(
        "attack 314: one browser has twenty sign-ins under way; the next takes the place of its oldest",
        arguments: bothEngines)
    func browser(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let other = try await begin(city, from: "203.0.113.7")
            let browser = city.gateway.browser(from: "203.0.113.7")
            _ = try await browser.get("/masuk")
            var begun: [Begun] = []
            for _ in 0..<22 {
                city.gateway.clock.advance(seconds: 1)
                begun.append(try await begin(city, in: browser))
            }
            #expect(try await open(begun) == [false, false] + Array(repeating: true, count: 20))
            #expect(try await other.isOpen())
        }
    }

    @Test(
        "attack 314: in a full network the address that began most makes room, of that the browser that began most",
        arguments: bothEngines)
    func neighbours(engine: Engine) async throws {
        try await withCity(on: engine, configure: { $0.flowNetworkLimit = 10 }) { city in
            var office: [Begun] = []
            for host in 1...3 { office.append(try await begin(city, from: "203.0.113.\(host)")) }
            // Behind the attacker's own address too, and the oldest there.
            let colleague = try await begin(city, from: "203.0.113.66")
            let attacker = city.gateway.browser(from: "203.0.113.66")
            _ = try await attacker.get("/masuk")
            var begun: [Begun] = []
            for _ in 0..<15 {
                city.gateway.clock.advance(seconds: 61)
                begun.append(try await begin(city, in: attacker))
            }
            #expect(try await open(office) == [true, true, true])
            #expect(try await colleague.isOpen())
            #expect(try await begun.last?.isOpen() == true)
            #expect(try await city.count(Self.openFlows) <= 10)
        }
    }

    @Test("attack 314: a flood from one address gets 429 for a minute and costs no row; its neighbours go on")
    func flood() async throws {
        try await withCity(configure: { $0.flowNetworkLimit = 10 }) { city in
            var begun: [Begun] = []
            for _ in 0..<10 { begun.append(try await begin(city, from: "203.0.113.66")) }
            func refused(_ seconds: Int64, from address: String = "203.0.113.66") async throws {
                let answer = try await city.authorize(city.asking(), in: city.gateway.browser(from: address))
                #expect(answer.status == 429)
                #expect(answer.retryAfter == seconds)
                #expect(answer.errorCode == "too_many_requests")
            }
            for _ in 0..<20 { try await refused(60) }
            // Nobody loses a sign-in whose password is just being typed.
            #expect(try await open(begun) == Array(repeating: true, count: 10))
            #expect(try await city.count(Self.openFlows) == 10)
            let neighbour = try await begin(city, from: "203.0.113.5")
            #expect(try await neighbour.isOpen())
            city.gateway.clock.advance(seconds: 59)
            try await refused(1)
            city.gateway.clock.advance(seconds: 1)
            #expect(try await begin(city, from: "203.0.113.66").isOpen())
            #expect(try await neighbour.isOpen())
            #expect(try await city.count(Self.openFlows) <= 10)
        }
    }

    @Test("attack 314: the networks of one IPv6 customer (/48) share what a network may have")
    func customer() async throws {
        try await withCity(configure: { $0.flowNetworkLimit = 10 }) { city in
            let other = try await begin(city, from: "2001:db8:2:1::1")
            for number in 1...30 { _ = try await begin(city, from: "2001:db8:1:\(number)::1") }
            #expect(try await city.count(Self.openFlows) <= 11)
            #expect(try await other.isOpen())
            #expect(FlowRoom.network(of: "2001:db8:1:2::1") == FlowRoom.network(of: "2001:db8:1:ffff::9"))
            #expect(IPAddress.place(of: "2001:db8:1:2::1") != IPAddress.place(of: "2001:db8:1:3::1"))
            #expect(FlowRoom.network(of: "192.0.2.1") == FlowRoom.network(of: "::ffff:192.0.2.200"))
            #expect(IPAddress.place(of: "192.0.2.1") != IPAddress.place(of: "192.0.2.2"))
        }
    }

    @Test("attack 314: a full table refuses nobody: the network that began most makes room", arguments: bothEngines)
    func everybody(engine: Engine) async throws {
        try await withCity(on: engine, configure: { $0.flowLimit = 20 }) { city in
            var city3: [Begun] = []
            for network in 1...3 { city3.append(try await begin(city, from: "203.0.\(network).7")) }
            for number in 1...60 {
                city.gateway.clock.advance(seconds: 1)
                let network = number % 2 == 0 ? "2001:db8:1" : "2001:db8:2"
                #expect(try await begin(city, from: "\(network):\(number)::1").location.hasPrefix("/masuk?alur="))
            }
            #expect(try await city.count(Self.openFlows) <= 20)
            #expect(try await open(city3) == [true, true, true])
            // More networks than there are places: the oldest of all go.
            for number in 1...30 {
                city.gateway.clock.advance(seconds: 1)
                #expect(try await begin(city, from: "198.51.\(number).7").isOpen())
            }
            #expect(try await city.count(Self.openFlows) <= 20)
            #expect(try await open(city3) == [false, false, false])
        }
    }

    @Test("attack 314: at the limits of a city not every start counts, and a tenth makes room at once")
    func sampled() async throws {
        try await withCity { city in
            let now = city.gateway.clock.now
            let limit = GatewaySettings().flowNetworkLimit
            try await city.gateway.store.write { tx in
                for index in 0..<limit + 300 {
                    let place = "\(index)"
                    try tx.signIn.insert(
                        Flow(
                            digest: place, network: FlowRoom.network(of: "203.0.113.7"), place: place, handle: place,
                            clientID: nil, request: "", createdAt: now, expiresAt: now.adding(seconds: 1800)))
                }
            }
            // One in five counts: that none of 250 does has a chance of 10^-24.
            for index in 0..<250 { _ = try await begin(city, from: "203.0.113.\(index)") }
            let left = try await city.count(Self.openFlows)
            #expect((limit * 9 / 10...limit * 9 / 10 + 250).contains(left), "\(left)")
        }
    }
}
