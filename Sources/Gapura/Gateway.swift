import Foundation
import GapuraDirectory
package import GapuraFormats
import GapuraStore
import GapuraTokens
package import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
import NIOCore
import NIOSSL
package import ServiceLifecycle

/// Pages that bring routes of their own: the portal, the account pages, static files.
package protocol PageSite: Pages {
    func addRoutes(to router: Router<GapuraContext>, of gateway: Gateway)
}

/// The gateway, wired: its parts, its routes, and the jobs that run beside it.
package struct Gateway: Sendable {
    package let services: Services
    package let doorbell = LogoutDoorbell()
    package let clients: ClientReader
    package let health: HealthCheck
    /// Counts what this gateway does; the program makes it the metrics of the whole process.
    package let metrics = PrometheusMetrics()
    private let site: any PageSite

    /// Wires a gateway around an open store.
    package init(services: Services, site: any PageSite) {
        self.services = services
        self.site = site
        clients = ClientReader(services)
        health = HealthCheck(store: services.store, keyring: services.keyring)
    }

    /// Opens everything the settings name: keys, secrets, database.
    /// - Throws: `StoreError`, `KeyringError` and their kin, each with a text that says what to do.
    package static func open(
        _ settings: GatewaySettings, site: any PageSite, clock: WallClock = .system, logger: Logger
    ) async throws -> Gateway {
        let keyring = try await SigningKeyring.open(
            folder: settings.keysFolder, clock: clock, logger: logger, retention: KeyRetention(settings))
        let secrets = try SecretKeys.open(folder: settings.keysFolder)
        let outgoing = try OutgoingHTTP(settings)
        let passwords = try PasswordHasher(settings)
        let store = try await Store.open(DatabaseLocation(settings.database))
        let services = Services(
            settings: settings, store: store, clock: clock, keyring: keyring, secrets: secrets, passwords: passwords,
            pages: site,
            outgoing: outgoing, logger: logger
        )
        return Gateway(services: services, site: site)
    }

    /// Closes what `open` opened, once nothing runs any more.
    package func close() async {
        await services.outgoing.shutdown()
        services.passwords.shutdown()
        await services.store.close()
    }

    // MARK: Routes

    /// Every route of the gateway, in the order in which a request meets what stands before it.
    package func router() throws -> Router<GapuraContext> {
        let router = Router(context: GapuraContext.self, options: .autoGenerateHeadEndpoints)
        let refusals = RefusalLog(services)
        router.add(middleware: RequestMetrics(metrics: metrics))
        router.add(middleware: SecurityHeaders(services))
        router.add(middleware: try SourceAddress(trustedProxies: services.settings.trustedProxies))
        router.add(middleware: CrossOrigin(services, clients: clients))
        router.add(middleware: ErrorAnswers(services, refusals: refusals))
        router.add(middleware: AddressLimit(services))
        router.add(middleware: HostCheck(services))
        router.add(middleware: PathCheck())
        router.add(middleware: LanguageChoice(services))

        let authorize = AuthorizeEndpoint(services, clients: clients, refusals: refusals)
        authorize.addRoutes(to: router)
        RegistrationEndpoint(services, clients: clients).addRoutes(to: router)
        PushedAuthorizationEndpoint(services, clients: clients).addRoutes(to: router)
        DeviceAuthorizationEndpoint(services, clients: clients).addRoutes(to: router)
        TokenEndpoint(services, clients: clients).addRoutes(to: router)
        UserinfoEndpoint(services, clients: clients).addRoutes(to: router)
        IntrospectionEndpoint(services, clients: clients).addRoutes(to: router)
        RevocationEndpoint(services, clients: clients).addRoutes(to: router)
        MetadataEndpoint(services, clients: clients).addRoutes(to: router)
        LogoEndpoint(services).addRoutes(to: router)
        EndSessionEndpoint(services, clients: clients, doorbell: doorbell).addRoutes(to: router)
        APIEndpoint(services, clients: clients, doorbell: doorbell).addRoutes(to: router)
        SCIMEndpoint(services, clients: clients, doorbell: doorbell).addRoutes(to: router)

        DevicePageEndpoint(services, clients: clients, refusals: refusals).addRoutes(to: router)
        ConsentEndpoint(services, authorize: authorize, refusals: refusals).addRoutes(to: router)
        SignInEndpoint(services, authorize: authorize, refusals: refusals, metrics: metrics).addRoutes(to: router)
        PasswordEndpoint(services, refusals: refusals, doorbell: doorbell).addRoutes(to: router)
        ActivationEndpoint(services, refusals: refusals, metrics: metrics).addRoutes(to: router)
        SignOutEndpoint(services, clients: clients, doorbell: doorbell).addRoutes(to: router)
        OperationsEndpoints(health: health, metrics: metrics).addPublicRoutes(to: router)
        site.addRoutes(to: router, of: self)
        return router
    }

    // MARK: Running

    /// The HTTP server of the gateway, with TLS where the settings name certificate and key.
    package func server(onRunning: @escaping @Sendable (Int) async -> Void = { _ in }) throws -> some Service {
        let settings = services.settings
        let configuration = HTTP1Channel.Configuration(
            idleTimeout: .seconds(60),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 32 * 1024, maxHeaderListSize: 64 * 1024, maxHeaderFieldCount: 100)
        )
        let limit = ConnectionLimit(
            most: settings.addressConnections,
            proxies: try SourceAddress.proxies(settings.trustedProxies))
        let http = HTTPServerBuilder { responder in
            GuardedChannel(base: HTTP1Channel(responder: responder, configuration: configuration), limit: limit)
        }
        let builder = try tls().map { try HTTPServerBuilder.tls(http, tlsConfiguration: $0) } ?? http
        return Application(
            router: try router(), server: builder,
            configuration: ApplicationConfiguration(
                address: .hostname(settings.listenHost, port: settings.listenPort), serverName: nil, backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connections)
            ),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) }, logger: services.logger
        )
    }

    /// Connections that the process has files for, and some left for the database and the log: beyond them nobody is
    /// accepted until one closes, because an accept that fails is tried again at once (attack 322).
    private static var connections: Int {
        let files = Int(sysconf(Int32(_SC_OPEN_MAX)))
        return files < 0 ? 100_000 : max(64, files - 128)
    }

    /// What runs beside the server, in one list.
    package func jobs() -> [any Service] {
        [
            LogoutDeliveryJob(
                store: services.store, outgoing: services.outgoing, signer: logoutTokenSigner, doorbell: doorbell,
                clock: services.clock,
                logger: services.logger
            ),
            UpkeepJob(
                store: services.store, historyDays: services.settings.sessionHistoryDays,
                loadDays: services.settings.loadHistoryDays,
                auditDays: services.settings.auditDays, dataFolder: services.settings.dataFolder, clock: services.clock,
                logger: services.logger
            ),
            PersonnelScheduleJob(
                store: services.store, binDays: services.settings.recycleBinDays, doorbell: doorbell,
                clock: services.clock, logger: services.logger
            ),
            AccountEndJob(
                store: services.store, doorbell: doorbell, clock: services.clock, logger: services.logger),
            UnitDraftJob(store: services.store, clock: services.clock, logger: services.logger),
            KeyRotationJob(
                keyring: services.keyring, store: services.store, days: services.settings.keyRotationDays,
                clock: services.clock,
                logger: services.logger
            ),
        ]
    }

    private func tls() throws -> TLSConfiguration? {
        guard let certificate = services.settings.tlsCertificate, let key = services.settings.tlsKey else { return nil }
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
        )
        tls.minimumTLSVersion = .tlsv12
        // RFC 9325 section 4.2: of 1.2 only what has forward secrecy and is authenticated. Those of 1.3 all are.
        tls.cipherSuiteValues = [
            .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ]
        tls.applicationProtocols = ["http/1.1"]
        return tls
    }

    /// Signs logout tokens like ID tokens of the client they are for.
    private var logoutTokenSigner: LogoutTokenSigner {
        let services = services
        let clients = clients
        let signer = ClientSigner(services)
        let subjects = Subjects(services)
        return { delivery in
            guard let client = try await services.store.read({ try clients.findAny(delivery.clientID, in: $0) }) else {
                throw UndeliverableLogout("the client is gone")
            }
            return try LogoutToken.make(
                for: delivery, sub: subjects.sub(delivery.accountSub, for: client), issuer: services.settings.issuer,
                key: try signer.idTokenKey(for: client),
                now: services.clock.now
            )
        }
    }
}

extension PasswordHasher {
    /// As the settings say.
    /// - Parameter more: threads beyond those, where nobody signs in and an import leaves one free all the same.
    package convenience init(_ settings: GatewaySettings, more: Int = 0) throws {
        let threads =
            settings.passwordThreads > 0 ? settings.passwordThreads : ProcessInfo.processInfo.activeProcessorCount
        try self.init(
            parameters: Argon2Parameters(
                memory: settings.passwordMemory, passes: settings.passwordPasses, lanes: settings.passwordLanes),
            threads: threads + more, queue: settings.passwordQueue)
    }
}
