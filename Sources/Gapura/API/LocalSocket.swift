import GapuraDirectory
import GapuraFormats
import GapuraStore
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where commands reach the running gateway: `POST /operations/NAME` over HTTP/1.1 on a Unix socket in the data folder.
///
/// Who may connect is decided by the system: the socket has mode 0600 in a folder that nobody else may write to. Who it
/// was stands in the audit, from the kernel and not from what the peer says.
package struct LocalSocket: Service {
    private let services: Services
    private let path: String
    private let lock: DataLock
    private let afterEach: @Sendable () -> Void

    /// Takes the data folder: a second gateway on the same folder is refused, on PostgreSQL too.
    /// - Parameter afterEach: what may have to wake up after an operation, such as the delivery of sign-outs.
    package init(_ services: Services, afterEach: @escaping @Sendable () -> Void) throws {
        let folder = services.settings.dataFolder
        path = try SocketPath.make(in: folder)
        try DataFolder.prepare(folder)
        do {
            lock = try DataLock("\(folder)/gateway.lock")
        } catch let error as StoreError where error.kind == .locked {
            throw OperationError(
                .unavailable,
                "Another gateway runs on the data folder \(folder); stop it first, or give this one a folder of its own.",
                id:
                    "Gerbang lain sedang berjalan dengan folder data \(folder); hentikan dahulu, atau pakai folder lain."
            )
        }
        self.services = services
        self.afterEach = afterEach
    }

    package func run() async throws {
        let services = services
        let path = path
        let afterEach = afterEach
        let router = Router(context: SocketContext.self)
        router.post("/operations/:name") { request, context in
            try await Self.answer(request, context, services, afterEach)
        }
        var logger = services.logger
        logger.logLevel = max(logger.logLevel, .notice)
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .unixDomainSocket(path: path)),
            onServerRunning: { _ in
                // The process has umask 077 from its first line; this is for whoever embeds the gateway.
                chmod(path, 0o600)
            },
            logger: logger
        )
        defer { unlink(path) }
        try await application.run()
        withExtendedLifetime(lock) {}
    }

    private static func answer(
        _ request: Request, _ context: SocketContext, _ services: Services, _ afterEach: @escaping @Sendable () -> Void
    ) async throws -> Response {
        let name = context.parameters.get("name") ?? ""
        let user = await context.peerUser()
        let body = try await request.body.collect(upTo: 4 << 20)
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                try await write(name, Array(body.readableBytesView), user, services, afterEach, to: &writer)
            }
        )
    }

    /// Runs the operation and writes lines while it runs. A command that goes away cancels it; transactions are whole
    /// or nothing all the same.
    private static func write(
        _ name: String, _ body: [UInt8], _ user: String, _ services: Services,
        _ afterEach: @escaping @Sendable () -> Void,
        to writer: inout any ResponseBodyWriter
    ) async throws {
        let (lines, continuation) = AsyncStream<OperationLine>.makeStream(bufferingPolicy: .bufferingNewest(64))
        let work = Task {
            continuation.yield(await outcome(name, body, user, services) { continuation.yield(.progress($0, $1)) })
            afterEach()
            continuation.finish()
        }
        try await withTaskCancellationHandler {
            do {
                for await line in lines { try await writer.write(ByteBuffer(bytes: line.bytes)) }
                try await writer.finish(nil)
            } catch {
                work.cancel()
                throw error
            }
        } onCancel: {
            work.cancel()
        }
    }

    private static func outcome(
        _ name: String, _ body: [UInt8], _ user: String, _ services: Services,
        progress: @escaping @Sendable (Double, String) -> Void
    ) async -> OperationLine {
        do {
            guard let arguments = try? StrictJSON.parse(body, maximumBytes: 4 << 20).object else {
                throw OperationError(.invalid, "The arguments are not a JSON object.", id: "Argumen bukan objek JSON.")
            }
            let context = OperationContext(services: services, actor: .command(user: user), progress: progress)
            let result = try await Operations.find(name).run(arguments, context)
            services.logger.info("operation.done", metadata: ["operation": "\(name)", "user": "\(user)"])
            return .result(result)
        } catch {
            let error = OperationError(error)
            services.logger.info(
                "operation.failed",
                metadata: ["operation": "\(name)", "user": "\(user)", "reason": "\(error.code.rawValue)"]
            )
            return .failure(error)
        }
    }
}

/// The context of a request over the socket: it keeps the channel, to ask the kernel who is at the other end.
private struct SocketContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    private let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    var maxUploadSize: Int { 4 << 20 }

    func peerUser() async -> String {
        #if canImport(Glibc)
            guard let provider = channel as? any SocketOptionProvider else { return "unknown" }
            let credential: EventLoopFuture<PeerCredential> = provider.unsafeGetSocketOption(
                level: SocketOptionLevel(SOL_SOCKET), name: SocketOptionName(PeerCredential.option)
            )
            // Nobody is known where the kernel does not say.
            guard let peer = try? await credential.get() else { return "unknown" }
            return SystemUser.acting(pid: peer.pid, uid: peer.uid)
        #else
            return SystemUser.acting(pid: getpid(), uid: getuid())
        #endif
    }
}

/// `struct ucred` of unix(7), which Glibc's module does not show.
private struct PeerCredential: Sendable {
    var pid: Int32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0

    /// `SO_PEERCRED`.
    static let option: CInt = 17
}

/// Names of users of the machine.
package enum SystemUser {
    /// The name of a user, or the number.
    package static func name(_ uid: UInt32) -> String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        guard getpwuid_r(uid, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.pw_name else {
            return "\(uid)"
        }
        return String(cString: name)
    }

    /// Who runs this process.
    package static var current: String { name(getuid()) }

    /// Who acts through this process, see `acting`.
    package static var acting: String { acting(pid: getpid(), uid: getuid()) }

    /// Who acts through a process, and where: `siti@server1`. The login is the one that the kernel keeps through
    /// `sudo`; without a login (a service, a container) it is the user of the process.
    package static func acting(pid: Int32, uid: UInt32) -> String {
        "\(name(login(of: pid) ?? uid))@\(host)"
    }

    /// `/proc/PID/loginuid` of proc(5): set once at login, and by nobody but the system.
    private static func login(of pid: Int32) -> UInt32? {
        guard let file = fopen("/proc/\(pid)/loginuid", "re") else { return nil }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 32)
        guard fgets(&buffer, Int32(buffer.count), file) != nil else { return nil }
        let digits = buffer.prefix { (0x30...0x39).contains($0) }.map { UInt8(bitPattern: $0) }
        guard let uid = UInt32(String(decoding: digits, as: UTF8.self)), uid != .max else { return nil }
        return uid
    }

    private static var host: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Where the socket is.
package enum SocketPath {
    /// `sockaddr_un` has 108 bytes on Linux and 104 elsewhere.
    private static let limit = 100

    package static func make(in folder: String) throws -> String {
        let path = "\(folder)/gapura.sock"
        guard path.utf8.count <= limit else {
            throw OperationError(
                .refused,
                "The path of the data folder is too long for a socket: \(path) has \(path.utf8.count) bytes of at most \(limit).",
                id:
                    "Letak folder data terlalu panjang untuk soket: \(path) \(path.utf8.count) bita, paling banyak \(limit)."
            )
        }
        return path
    }
}

/// The folder of socket, locks and, by default, the database.
package enum DataFolder {
    /// Makes it, mode 0700, or refuses one that others may write to.
    package static func prepare(_ folder: String) throws {
        var status = stat()
        if stat(folder, &status) != 0 {
            guard errno == ENOENT, mkdir(folder, 0o700) == 0 || errno == EEXIST else {
                let why = String(cString: strerror(errno))
                throw OperationError(
                    .refused, "The data folder \(folder) cannot be made: \(why). Make it with mode 0700.",
                    id: "Folder data \(folder) tidak dapat dibuat: \(why). Buatlah dengan izin 0700."
                )
            }
            return
        }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
            throw OperationError(
                .refused,
                "The data folder \(folder) is not a folder of the user who runs this; wanted: owner \(SystemUser.name(geteuid())), mode 0700.",
                id:
                    "Folder data \(folder) bukan milik pengguna yang menjalankan ini; seharusnya milik \(SystemUser.name(geteuid())), izin 0700."
            )
        }
        guard status.st_mode & 0o022 == 0 else {
            throw OperationError(
                .refused, "Others may write to the data folder \(folder); chmod 700 \(folder)",
                id: "Pihak lain dapat menulis ke folder data \(folder); jalankan chmod 700 \(folder)"
            )
        }
    }
}
