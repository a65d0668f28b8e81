import AsyncHTTPClient
import GapuraFormats
import Synchronization

/// HTTP clients that can each connect to one address only, under the name of one host (attack 256: a name that changes
/// its address between the look and the call). The name still counts for TLS and for `Host`.
///
/// Protects the list of clients; the least recently used idle ones go when there are too many.
final class PinnedClients: Sendable {
    private static let kept = 64

    private struct Key: Hashable {
        /// ASCII in lower case: equal as `String` is equal as bytes.
        let host: String
        let address: IPAddress
    }

    private struct Entry {
        let client: HTTPClient
        var users = 0
        var lastUse: UInt64 = 0
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var uses: UInt64 = 0
        var isOpen = true
    }

    private let state = Mutex(State())
    private let configuration: HTTPClient.Configuration

    init(configuration: HTTPClient.Configuration) {
        self.configuration = configuration
    }

    /// Whoever forgot `shutdown`: AsyncHTTPClient would trap.
    deinit {
        for client in state.withLock({ $0.entries.values.map(\.client) }) {
            client.shutdown { _ in }
        }
    }

    func with<Value: Sendable>(
        host: String, address: IPAddress, _ body: (HTTPClient) async throws -> Value
    ) async throws -> Value {
        let key = Key(host: host, address: address)
        let client = try take(key)
        do {
            let value = try await body(client)
            await giveBack(key)
            return value
        } catch {
            await giveBack(key)
            throw error
        }
    }

    var count: Int { state.withLock { $0.entries.count } }

    func shutdown() async {
        let clients = state.withLock { state in
            state.isOpen = false
            defer { state.entries = [:] }
            return state.entries.values.map(\.client)
        }
        for client in clients {
            await Self.shutdown(client)
        }
    }

    private func take(_ key: Key) throws -> HTTPClient {
        try state.withLock { state in
            guard state.isOpen else { throw OutgoingError(.closed, "shutting down") }
            state.uses += 1
            var entry = state.entries[key] ?? Entry(client: makeClient(key))
            entry.users += 1
            entry.lastUse = state.uses
            state.entries[key] = entry
            return entry.client
        }
    }

    private func giveBack(_ key: Key) async {
        let surplus: [HTTPClient] = state.withLock { state in
            state.entries[key]?.users -= 1
            guard state.entries.count > Self.kept else { return [] }
            let idle = state.entries.filter { $0.value.users == 0 }.sorted { $0.value.lastUse < $1.value.lastUse }
            let gone = idle.prefix(state.entries.count - Self.kept)
            for (key, _) in gone {
                state.entries[key] = nil
            }
            return gone.map(\.value.client)
        }
        for client in surplus {
            await Self.shutdown(client)
        }
    }

    private func makeClient(_ key: Key) -> HTTPClient {
        var configuration = configuration
        configuration.dnsOverride = [key.host: key.address.description]
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// It fails only for a client that is shut down already.
    private static func shutdown(_ client: HTTPClient) async {
        try? await client.shutdown()
    }
}
