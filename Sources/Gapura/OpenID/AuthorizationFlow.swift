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

    /// Where a sign-in leads that no application asked for: a page of ours.
    package var ownPath: String? { parameters[AuthorizationFlows.ownPathName] }
}

package struct AuthorizationFlows: Sendable {
    /// The one parameter of a flow that is our own.
    fileprivate static let ownPathName = "lanjut"

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
        return try await keep(
            known, of: clientID, pushed: sent.pushed, in: browser, from: address, at: now)
    }

    /// Keeps a page of ours until somebody has signed in.
    /// - Parameter path: ours, with its query.
    func start(_ path: String, in browser: BrowserHandle, from address: String, at now: Timestamp) async throws
        -> String
    {
        try await keep([(Self.ownPathName, path)], of: nil, pushed: nil, in: browser, from: address, at: now)
    }

    private func keep(
        _ pairs: [(name: String, value: String)], of clientID: ClientID?, pushed: String?, in browser: BrowserHandle,
        from address: String, at now: Timestamp
    ) async throws -> String {
        let place = IPAddress.place(of: address)
        try room.checkOpen(place, at: now)
        let number = SecureRandom.text(16)
        let flow = Flow(
            digest: Self.digest(number, browser), network: FlowRoom.network(of: address), place: place,
            handle: StoredSecret.digest(browser.secret, of: .flow), clientID: clientID,
            request: FormURLEncoded.encode(pairs), pushed: pushed, createdAt: now,
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
        guard let flow = try await store.lookUp({ try $0.signIn.findFlow(digest: digest) }), flow.usedAt == nil,
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
