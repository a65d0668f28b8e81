import AsyncHTTPClient
import GapuraFormats
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// All HTTP that the gateway itself asks for: back-channel sign-outs, key sets, registration's URLs.
///
/// A URL comes from a client, so every call is guarded (design decision 21): only `http` and `https`; every address of
/// the host must be allowed, and the connection goes to the very address that was looked at; no redirects, proxies or
/// decompression; limits on time and size; TLS is verified.
package struct OutgoingHTTP: Sendable {
    /// What came back; a redirect is an answer like any other.
    package struct Answer: Sendable, Equatable {
        package let status: Int
        package let body: [UInt8]
    }

    /// `GET`: connect in 3 s, everything in 10 s.
    private static let limit: Duration = .seconds(10)
    private static let connectLimit: TimeAmount = .seconds(3)
    /// Addresses of one host that are tried one after the other.
    private static let attempts = 3

    private let rules: OutgoingGuard
    private let resolver: HostResolver
    private let clients: PinnedClients
    private let threads: NIOThreadPool

    /// - Parameters:
    ///   - networks: private networks that may be called, in CIDR notation.
    ///   - caFile: PEM file of certificate authorities beside the system's.
    package init(networks: [String] = [], caFile: String? = nil) throws {
        try self.init(networks: networks, caFile: caFile, resolver: nil)
    }

    package init(_ settings: GatewaySettings) throws {
        try self.init(networks: settings.outgoingNetworks, caFile: settings.outgoingCAFile)
    }

    init(networks: [String], caFile: String?, resolver: HostResolver?) throws {
        rules = try OutgoingGuard(networks: networks)
        let threads = NIOThreadPool(numberOfThreads: 4)
        threads.start()
        self.threads = threads
        self.resolver = resolver ?? .system(threads: threads)
        do {
            clients = PinnedClients(configuration: try Self.configuration(caFile))
        } catch {
            threads.shutdownGracefully { _ in }
            throw error
        }
    }

    /// Posts a form. The body of the answer is read up to a limit.
    ///
    /// - Parameters:
    ///   - headers: further ones; in no error and no log.
    ///   - timeout: seconds for everything.
    package func post(
        _ url: String, form: [(name: String, value: String)], headers: [(name: String, value: String)] = [],
        timeout: Double = 5, maximumBytes: Int = 65_536
    ) async throws -> Answer {
        let body = FormURLEncoded.encode(form)
        return try await call(url, within: .seconds(timeout), maximumBytes) { request in
            request.method = .POST
            request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
            request.headers.add(contentsOf: headers.map { ($0.name, $0.value) })
            request.body = .bytes(ByteBuffer(string: body))
        }
    }

    /// - Parameters:
    ///   - headers: further ones; in no error and no log.
    ///   - timeout: seconds for everything; nil: ten.
    package func get(
        _ url: String, headers: [(name: String, value: String)] = [], timeout: Double? = nil,
        maximumBytes: Int = 262_144
    ) async throws -> Answer {
        try await call(url, within: timeout.map { .seconds($0) } ?? Self.limit, maximumBytes) { request in
            request.headers.add(name: "accept", value: "application/json, */*;q=0.1")
            request.headers.add(contentsOf: headers.map { ($0.name, $0.value) })
        }
    }

    /// Ends what is under way and closes all connections.
    package func shutdown() async {
        await clients.shutdown()
        // Not waited for: a thread may sit in `getaddrinfo` for many seconds.
        threads.shutdownGracefully { _ in }
    }

    /// Hosts that are kept ready, for tests.
    var clientCount: Int { clients.count }

    // MARK: One call

    private func call(
        _ text: String, within limit: Duration, _ maximumBytes: Int,
        _ prepare: @Sendable (inout HTTPClientRequest) -> Void
    ) async throws -> Answer {
        let url = try OutgoingURL(text)
        var request = HTTPClientRequest(url: url.text)
        request.headers.add(name: "user-agent", value: "gapura")
        prepare(&request)
        let prepared = request
        return try await Self.within(limit) {
            let addresses = try await self.check(url)
            return try await self.send(prepared, to: url.host, addresses, maximumBytes)
        }
    }

    /// The addresses of the host, if every one of them is allowed: one refused address is a trap, or a mistake that the
    /// owner should hear of.
    private func check(_ url: OutgoingURL) async throws -> [IPAddress] {
        var addresses: [IPAddress] = []
        if let address = url.address {
            addresses = [address]
        } else {
            addresses = try await resolver.addresses(url.host)
        }
        guard !addresses.isEmpty else { throw OutgoingError(.unresolved, "\(url.host): no address") }
        for address in addresses where !rules.allows(address) {
            throw OutgoingError(
                .refusedAddress, "\(url.host): \(address) is not public and in no network of outgoingNetworks")
        }
        return addresses
    }

    private func send(
        _ request: HTTPClientRequest, to host: String, _ addresses: [IPAddress], _ maximumBytes: Int
    ) async throws -> Answer {
        var last = OutgoingError(.unresolved, "\(host): no address")
        for address in addresses.prefix(Self.attempts) {
            do {
                return try await clients.with(host: host, address: address) { client in
                    try await Self.send(request, by: client, maximumBytes)
                }
            } catch {
                last = Self.typed(error, host)
                // Only where nothing was sent yet is another address tried.
                guard last.kind == .connection, !Task.isCancelled else { throw last }
            }
        }
        throw last
    }

    private static func send(_ request: HTTPClientRequest, by client: HTTPClient, _ maximumBytes: Int) async throws
        -> Answer
    {
        let response = try await client.execute(request, timeout: .seconds(60))
        let encodings = response.headers["content-encoding"]
        guard encodings.allSatisfy({ $0.isEmpty || $0.lowercased().isExactly("identity") }) else {
            throw OutgoingError(.badAnswer, "an encoded body")
        }
        let body = try await response.body.collect(upTo: maximumBytes)
        try Task.checkCancellation()
        return Answer(status: Int(response.status.code), body: Array(body.readableBytesView))
    }

    /// Gives up after a time, whatever it waits for then: a name, a connection, or the next byte of a slow body.
    private static func within<Value: Sendable>(
        _ limit: Duration, _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await work() }
            group.addTask {
                try await Task.sleep(for: limit)
                throw OutgoingError(.timeout, "no whole answer in \(limit)")
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }

    private static func typed(_ error: any Error, _ host: String) -> OutgoingError {
        switch error {
        case let error as OutgoingError:
            error
        case is NIOTooManyBytesError:
            OutgoingError(.tooLarge, "\(host): the body is larger than allowed")
        case is CancellationError:
            OutgoingError(.timeout, "\(host): given up")
        case let error as HTTPClientError where [.cancelled, .deadlineExceeded, .readTimeout].contains(error):
            OutgoingError(.timeout, "\(host): given up")
        case let error as HTTPClientError where error == .connectTimeout:
            OutgoingError(.connection, "\(host): no connection")
        case is NIOConnectionError, ChannelError.connectTimeout:
            OutgoingError(.connection, "\(host): no connection")
        case let error as IOError where [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains(error.errnoCode):
            OutgoingError(.connection, "\(host): no connection")
        case let error as HTTPClientError where error == .alreadyShutdown:
            OutgoingError(.closed, "shutting down")
        case let error as HTTPClientError where error == .tlsHandshakeTimeout:
            OutgoingError(.tls, "\(host): \(error)")
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            OutgoingError(.tls, "\(host): \(error)")
        default:
            OutgoingError(.badAnswer, "\(host): \(type(of: error))")
        }
    }

    private static func configuration(_ caFile: String?) throws -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let caFile {
            do {
                tls.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(caFile))]
            } catch {
                throw OutgoingError(.badSetting, "outgoingCAFile: no certificates in \(caFile)")
            }
        }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow, timeout: .init(connect: Self.connectLimit),
            connectionPool: .init(idleTimeout: .seconds(15)), decompression: .disabled
        )
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        return configuration
    }
}
