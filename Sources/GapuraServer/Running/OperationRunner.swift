import Gapura
import GapuraDirectory
import GapuraFormats
import GapuraStore
import Logging

/// Runs an operation in the gateway if it runs, else here, with the database opened under its lock.
struct OperationRunner: Sendable {
    let settings: GatewaySettings
    /// How long another process may hold the database before the command gives up.
    var patience: Duration = .seconds(5)
    /// See `gapura setup --new-keys`.
    var makesKeys = false

    func run(_ operation: String, _ arguments: JSONObject) async throws -> JSONValue {
        defer { Console.endProgress() }
        return try await reach(operation, arguments) { Console.progress($0, $1) }
    }

    /// A gateway that starts holds the database before it listens, and another command holds it for a moment: both are
    /// waited for.
    private func reach(
        _ operation: String, _ arguments: JSONObject, progress: @escaping @Sendable (Double, String) -> Void
    ) async throws -> JSONValue {
        let socket = try SocketClient(folder: settings.dataFolder)
        let deadline = ContinuousClock.now + patience
        while true {
            if try socket.isListening() { return try await socket.run(operation, arguments, progress: progress) }
            do {
                let services = try await LocalServices.open(
                    settings, isSetUp: operation == "setup", makesKeys: makesKeys,
                    hashesPasswords: operation == "legacy.import")
                return try await services.run { services in
                    let context = OperationContext(
                        services: services, actor: .command(user: SystemUser.acting), progress: progress)
                    return try await Operations.find(operation).run(arguments, context)
                }
            } catch let error as StoreError where error.kind == .locked && ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}

/// The parts of the gateway that a command needs when no gateway runs: database and keys, and no threads for passwords.
struct LocalServices: Sendable {
    private let services: Services

    /// - Parameters:
    ///   - isSetUp: only `setup` may find nothing and make everything.
    ///   - makesKeys: whether keys that are missing are lost for good.
    ///   - hashesPasswords: for an import of old passwords, which are wrapped as sign-ins will check them.
    static func open(
        _ settings: GatewaySettings, isSetUp: Bool = false, makesKeys: Bool = false, hashesPasswords: Bool = false
    ) async throws -> LocalServices {
        try DataFolder.prepare(settings.dataFolder)
        let location = try DatabaseLocation(settings.database)
        if !isSetUp { try StartCheck.requireDatabase(location) }
        let store = try await Store.open(location)
        do {
            if !makesKeys { try await StartCheck.afterOpening(store, settings, isSetUp: isSetUp) }
            var logger = Logger(label: "gapura", factory: { _ in SwiftLogNoOpLogHandler() })
            logger.logLevel = .error
            let keyring = try await SigningKeyring.open(
                folder: settings.keysFolder, clock: .system, logger: logger, retention: KeyRetention(settings))
            let services = Services(
                settings: settings, store: store, clock: .system, keyring: keyring,
                secrets: try SecretKeys.open(folder: settings.keysFolder),
                passwords: try hashesPasswords ? PasswordHasher(settings, more: 1) : noPasswords(),
                pages: NoPages(), outgoing: try OutgoingHTTP(settings), logger: logger
            )
            return LocalServices(services: services)
        } catch {
            await store.close()
            throw error
        }
    }

    /// Other commands set no passwords: one thread and the least work, for the hash that nobody will ask for.
    private static func noPasswords() throws -> PasswordHasher {
        try PasswordHasher(parameters: Argon2Parameters(memory: 8, passes: 1, lanes: 1), threads: 1, queue: 1)
    }

    /// Runs work with the services and closes them.
    func run<Value: Sendable>(_ work: (Services) async throws -> Value) async throws -> Value {
        do {
            let value = try await work(services)
            await close()
            return value
        } catch {
            await close()
            throw error
        }
    }

    private func close() async {
        await services.outgoing.shutdown()
        services.passwords.shutdown()
        await services.store.close()
    }

    /// A command shows nobody a page.
    private struct NoPages: Pages {
        func html(_ page: Page, in frame: PageFrame) throws -> String { "" }
        func asset(_ name: String) -> PageAsset? { nil }
    }
}
