import ArgumentParser
import Gapura
import GapuraFormats
import GapuraPages
import GapuraStore
import Hummingbird
import Logging
import Metrics
import NIOCore
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Runs the gateway until SIGTERM or Ctrl-C.",
        discussion: """
            Logs are JSON on the standard error, one object per line. The address is printed once the gateway answers. SIGTERM and Ctrl-C finish
            what is under way.

              gapura serve
              GAPURA_LISTEN=127.0.0.1:8443 gapura serve --config /etc/gapura/gapura.yaml
            """
    )

    @OptionGroup var common: CommonOptions

    func run() async throws {
        // A log's reader that goes away must not take the gateway with it.
        signal(SIGPIPE, SIG_IGN)
        let settings = try await common.load().settings
        let level = Logger.Level(rawValue: settings.logLevel) ?? .info
        LoggingSystem.bootstrap { label in JSONLogHandler(label: label, level: level) }
        let logger = Logger(label: "gapura")

        try await StartCheck.beforeServing(settings)
        let gateway = try await Gateway.open(
            settings, site: try SitePages(branding: Branding(settings)), logger: logger)
        MetricsSystem.bootstrap(gateway.metrics)
        do {
            try await StartCheck.afterOpening(gateway.services.store, settings)
            try await run(gateway, logger)
        } catch {
            await gateway.close()
            throw error
        }
        await gateway.close()
        logger.notice("stopped")
    }

    /// Services end in the reverse order: first this node says that it is not ready, then the address for people
    /// finishes what is under way, then the commands' socket, then the second address, at last the jobs.
    private func run(_ gateway: Gateway, _ logger: Logger) async throws {
        let services = gateway.services
        let issuer = services.settings.issuer
        // A command may have ended sessions: their applications are told at once, not at the next look at the ledger.
        let socket = try LocalSocket(services, afterEach: gateway.doorbell.ring)
        let server = try gateway.server { port in
            logger.notice("ready", metadata: ["issuer": "\(issuer)", "port": "\(port)"])
            Console.line("Gapura: \(issuer)")
        }
        let all: [any Service] =
            gateway.jobs() + [secondAddress(gateway, logger), socket, server, Draining(health: gateway.health)]
        var configuration = ServiceGroupConfiguration(
            services: all.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(25)
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch let error as IOError
            where error.errnoCode == EADDRINUSE || error.errnoCode == EACCES || error.errnoCode == EADDRNOTAVAIL
        {
            throw Self.cannotListen(services.settings, error)
        }
    }

    private static func cannotListen(_ settings: GatewaySettings, _ error: IOError) -> OperationError {
        let addresses = "\(settings.listenHost):\(settings.listenPort), \(settings.metricsHost):\(settings.metricsPort)"
        let why = String(cString: strerror(error.errnoCode))
        return OperationError(
            .unavailable,
            "The gateway cannot listen on one of \(addresses): \(why). Stop what uses it, or change `listen` or `metrics_listen`.",
            id:
                "Gerbang tidak dapat membuka salah satu dari \(addresses): \(why). Hentikan pemakainya, atau ubah `listen` atau `metrics_listen`."
        )
    }

    /// Health with reasons, and metrics (design decision 26).
    private func secondAddress(_ gateway: Gateway, _ logger: Logger) -> any Service {
        let settings = gateway.services.settings
        let router = Router(context: BasicRequestContext.self)
        OperationsEndpoints(health: gateway.health, metrics: gateway.metrics).addPrivateRoutes(to: router)
        return Application(
            router: router,
            configuration: ApplicationConfiguration(
                address: .hostname(settings.metricsHost, port: settings.metricsPort)),
            logger: logger
        )
    }
}

/// Says on the second address that this node takes nobody new, as soon as it is to end.
private struct Draining: Service {
    let health: HealthCheck

    func run() async throws {
        try await gracefulShutdown()
        health.beginDraining()
    }
}
