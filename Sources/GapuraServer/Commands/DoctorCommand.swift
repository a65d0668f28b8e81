import ArgumentParser
import AsyncHTTPClient
import Gapura
import GapuraFormats
import GapuraStore
import NIOCore
import NIOHTTP1

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Looks for what is wrong, and says what to do.",
        discussion: """
            Exit code 1 if a line says FAIL.

              gapura doctor
              gapura doctor --json
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let checks = await checks()
        if output.json {
            Console.json(["checks": .array(checks.map { .object($0.jsonObject) })])
        } else {
            for check in checks {
                let status = check.status.rawValue
                Console.line(
                    "\(status)\(String(repeating: " ", count: 5 - status.utf8.count))\(check.name): \(TerminalText.plain(check.message))"
                )
                if check.status != .ok { Console.line("     \(TerminalText.plain(check.indonesian))") }
            }
        }
        if checks.contains(where: { $0.status == .failure }) { throw ExitCode(Failure.refused) }
    }

    private func checks() async -> [DoctorCheck] {
        let loaded: LoadedSettings
        do {
            loaded = try await common.load()
        } catch let error as SettingsError {
            return [DoctorCheck("settings", .failure, error.description, id: error.indonesian)]
        } catch {
            return [DoctorCheck("settings", error)]
        }
        let settings = loaded.settings
        var checks = [Self.settings(loaded)]
        checks += FolderCheck.run(settings)
        checks.append(CertificateCheck.run(settings, at: .now()))
        checks += await Self.database(settings)
        checks.append(await IssuerCheck.run(settings))
        return checks
    }

    /// A file with the password of a database is closed to others.
    private static func settings(_ loaded: LoadedSettings) -> DoctorCheck {
        var status = stat()
        if let file = loaded.file, stat(file, &status) == 0, status.st_mode & 0o077 != 0,
            loaded.sources["database"]?.hasPrefix(file) == true
        {
            return DoctorCheck(
                "settings", .warning, "\(file) names the database and others can read it; chmod 600 \(file)",
                id: "\(file) memuat alamat basis data dan dapat dibaca pihak lain; jalankan chmod 600 \(file)"
            )
        }
        let count = loaded.sources.count
        let name = loaded.file ?? "variables"
        if loaded.settings.acceptsFixtures {
            return DoctorCheck(
                "settings", .warning, "accepts_fixtures is on: right for the sample city, wrong for a real one.",
                id: "accepts_fixtures aktif: benar untuk kota contoh, salah untuk kota sungguhan."
            )
        }
        return DoctorCheck(
            "settings", .ok, "\(count) set (\(name)), the rest by default.",
            id: "\(count) diatur (\(name)), sisanya bawaan.")
    }

    private static func database(_ settings: GatewaySettings) async -> [DoctorCheck] {
        do {
            let result = try await OperationRunner(settings: settings).run("doctor", JSONObject())
            return (result["checks"]?.array ?? []).compactMap(DoctorCheck.init(json:))
        } catch {
            return [DoctorCheck("database", error)]
        }
    }
}

/// Modes of folders and files, and room on the disk.
private enum FolderCheck {
    static func run(_ settings: GatewaySettings) -> [DoctorCheck] {
        var checks = [
            closed("data folder", settings.dataFolder, "700"), closed("keys folder", settings.keysFolder, "700"),
        ]
        if case .sqlite(let path) = try? DatabaseLocation(settings.database), LocalFile.exists(path) {
            checks.append(closed("database file", path, "600"))
        }
        if let key = settings.tlsKey { checks.append(closed("TLS key", key, "600")) }
        checks.append(room(settings.dataFolder))
        return checks
    }

    private static func closed(_ name: String, _ path: String, _ mode: String) -> DoctorCheck {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let why = String(cString: strerror(errno))
            return DoctorCheck(
                name, .failure, "\(path): \(why). Is its disk mounted? Has `gapura setup` run?",
                id: "\(path): \(why). Apakah diskanya terpasang? Sudah `gapura setup`?")
        }
        guard status.st_uid == geteuid() else {
            let owner = SystemUser.name(status.st_uid)
            return DoctorCheck(
                name, .failure,
                "\(path) belongs to \(owner), and this runs as \(SystemUser.current); chown it, or run this as \(owner).",
                id:
                    "\(path) milik \(owner), sedangkan ini berjalan sebagai \(SystemUser.current); ubah pemiliknya atau jalankan sebagai \(owner)."
            )
        }
        guard status.st_mode & 0o077 == 0 else {
            let isHarmful = status.st_mode & 0o022 != 0 || name != "data folder"
            return DoctorCheck(
                name, isHarmful ? .failure : .warning, "Others can get at \(path); chmod \(mode) \(path)",
                id: "Pihak lain dapat membuka \(path); jalankan chmod \(mode) \(path)"
            )
        }
        return DoctorCheck(name, .ok, "\(path), mode 0\(String(status.st_mode & 0o777, radix: 8))", id: path)
    }

    private static func room(_ path: String) -> DoctorCheck {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else {
            return DoctorCheck(
                "disk", .warning, "\(path) has no file system to look at.", id: "\(path) tidak dapat diperiksa.")
        }
        let megabytes = (UInt64(status.f_bavail) * UInt64(status.f_frsize)) >> 20
        let text = "\(megabytes) MiB free"
        guard megabytes >= 1024 else {
            return DoctorCheck(
                "disk", megabytes < 100 ? .failure : .warning, "\(text) at \(path); make room before it is full.",
                id: "Sisa \(megabytes) MiB di \(path); kosongkan ruang sebelum penuh."
            )
        }
        return DoctorCheck("disk", .ok, text, id: "Sisa \(megabytes) MiB")
    }
}

/// Whether people reach the gateway under the name it gives itself.
private enum IssuerCheck {
    static func run(_ settings: GatewaySettings) async -> DoctorCheck {
        let url = "\(settings.issuer)/.well-known/openid-configuration"
        do {
            let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(3))
            let body = try await response.body.collect(upTo: 1 << 20)
            let issuer = try StrictJSON.parse(Array(body.readableBytesView))["issuer"]?.string
            guard response.status == .ok, let issuer, issuer.isExactly(settings.issuer) else {
                return DoctorCheck(
                    "issuer", .failure,
                    "\(url) answers \(response.status.code) and not as this gateway; look at the proxy and the name service.",
                    id: "\(url) menjawab \(response.status.code) dan bukan sebagai gerbang ini; periksa proksi dan DNS."
                )
            }
            return DoctorCheck("issuer", .ok, "\(settings.issuer) answers.", id: "\(settings.issuer) menjawab.")
        } catch {
            return DoctorCheck(
                "issuer", .warning,
                "\(url) does not answer; start the gateway, or look at the proxy, the certificate and the name service.",
                id: "\(url) tidak menjawab; jalankan gerbang, atau periksa proksi, sertifikat, dan DNS."
            )
        }
    }
}
