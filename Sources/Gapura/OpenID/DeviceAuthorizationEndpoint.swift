import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
package import Hummingbird

/// Device authorization: RFC 8628 section 3.1. The device shows a short code, and somebody types it at `/perangkat`.
package struct DeviceAuthorizationEndpoint: Sendable {
    /// Seconds.
    static let lifetime: Int64 = 600
    static let pause: Int64 = 5
    /// Devices of one client that wait at a time; of a public client from one network.
    static let limit: Int64 = 500
    static let publicLimit: Int64 = 50

    private let issuer: String
    private let room: TableRoom
    private let store: Store
    private let clients: ClientAuthentication

    package init(_ services: Services, clients: ClientReader) {
        issuer = services.settings.issuer
        room = TableRoom(limit: services.settings.flowLimit)
        store = services.store
        self.clients = ClientAuthentication(services, clients: clients)
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.only(.post, "/oauth2/device") { request, context in try await begin(request, context) }
    }

    private func begin(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let form = try await RequestParameters(form: request)
        try form.refuseDuplicates()
        let client = try await clients.authenticate(form, request, context)
        guard client.metadata.grantTypes.contains(where: { $0.isExactly(DeviceCodeGrant.name) }) else {
            throw OAuthError(.unauthorizedClient, "The client may not use this grant_type.")
        }
        let scope = try Scope.granted(form["scope"], to: client).joined(separator: " ")
        let (device, code, now) = (SecureRandom.text(32), UserCode.make(), context.now)
        let waiting = DeviceRequest(
            digest: StoredSecret.digest(device, of: .deviceCode), userCode: code.digest, clientID: client.id,
            network: client.isPublic ? FlowRoom.network(of: context.sourceAddress) : "", scope: scope,
            pause: Self.pause, createdAt: now, expiresAt: now.adding(seconds: Self.lifetime))
        let limit = client.isPublic ? Self.publicLimit : Self.limit
        let room = room
        try await store.write { tx in
            try room.check(at: now, count: tx.deviceRequests.count) {
                try tx.deviceRequests.deleteExpired(at: $0, limit: TableRoom.portion)
            }
            let open = try tx.deviceRequests.countOpen(of: client.id, from: waiting.network, at: now)
            guard open < limit else { throw OAuthError(.tooManyRequests, "Too many devices of this client wait.") }
            try tx.deviceRequests.insert(waiting)
        }
        let page = issuer + DevicePageEndpoint.path
        return JSONAnswer.make([
            "device_code": .string(device), "user_code": .string(code.shown), "verification_uri": .string(page),
            "verification_uri_complete": .string("\(page)?kode=\(code.shown)"), "expires_in": .integer(Self.lifetime),
            "interval": .integer(Self.pause),
        ])
    }
}
