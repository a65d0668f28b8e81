import GapuraDirectory
package import GapuraFormats
import GapuraStore
import GapuraTokens

/// One sign-in under way: the application's request waits in the database, behind a number in the URL that only the
/// browser that began it can use (its cookie is part of the key, attack 17). Several tabs each have their own.
package struct AuthorizationFlow: Sendable {
    /// As it stands in the URL.
    package let number: String
    package let parameters: RequestParameters
    package let startedAt: Timestamp
    /// Digest of the handle, where the client had pushed the request.
    let pushed: String?
    let digest: String
}

package struct AuthorizationFlows: Sendable {
    private let store: Store
    private let lifetime: Int64
    private let room: FlowRoom

    package init(_ services: Services) {
        store = services.store
        lifetime = services.settings.flowLifetime
        room = FlowRoom(services.settings)
    }

    /// Keeps a request until somebody has signed in; of its parameters only those that are ever read.
    ///
    /// Where too many are under way, those of whoever began most make room (`FlowRoom`).
    /// - Returns: the number for the URL.
    /// - Throws: `PageError` 429 in a flood from one address.
    func start(
        _ sent: SentRequest, clientID: ClientID, in browser: BrowserHandle, from address: String,
        at now: Timestamp
    ) async throws -> String {
        let known = sent.parameters.pairs.filter { pair in
            AuthorizationRequestReader.names.contains { $0.isExactly(pair.name) }
        }
        let place = FlowRoom.place(of: address)
        try room.checkOpen(place, at: now)
        let number = SecureRandom.text(16)
        let flow = Flow(
            digest: Self.digest(number, browser), network: FlowRoom.network(of: address), place: place,
            handle: StoredSecret.digest(browser.secret, of: .flow), clientID: clientID,
            request: FormURLEncoded.encode(known), pushed: sent.pushed, createdAt: now,
            expiresAt: now.adding(seconds: lifetime)
        )
        let room = room
        let isBegun = try await store.write { tx in
            guard try room.make(for: flow, knowsBrowser: !browser.isNew, in: tx) else { return false }
            try tx.signIn.insert(flow)
            return true
        }
        guard isBegun else { throw room.close(place, at: now) }
        return number
    }

    /// The request that waits under a number in this browser, if it is still open.
    package func find(_ number: String, in browser: BrowserHandle, at now: Timestamp) async throws -> AuthorizationFlow?
    {
        guard number.utf8.count == 22, !browser.isNew else { return nil }
        let digest = Self.digest(number, browser)
        guard let flow = try await store.read({ try $0.signIn.findFlow(digest: digest) }), flow.usedAt == nil,
            now < flow.expiresAt
        else {
            return nil
        }
        let pairs = try FormURLEncoded.parse(Array(flow.request.utf8))
        return AuthorizationFlow(
            number: number, parameters: RequestParameters(pairs), startedAt: flow.createdAt, pushed: flow.pushed,
            digest: digest)
    }

    private static func digest(_ number: String, _ browser: BrowserHandle) -> String {
        StoredSecret.digest("\(browser.secret).\(number)", of: .flow)
    }
}
