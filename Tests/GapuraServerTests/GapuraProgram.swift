import Foundation
import GapuraFormats
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A folder of a test's own, gone with it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        // Short: a socket lies in it.
        path = "/tmp/gapura-\(UInt32.random(in: .min ... .max))"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func path(_ name: String) -> String { "\(path)/\(name)" }
}

/// The built program in a world of its own: a folder with data and keys.
final class GapuraProgram: Sendable {
    struct Answer {
        let code: Int32
        let output: String
        let errors: String

        var json: JSONValue { get throws { try StrictJSON.parse(Array(output.utf8), maximumBytes: 64 << 20) } }
    }

    let folder: TemporaryFolder
    /// A port that nobody asks, so that no other gateway of this machine answers in our name.
    let host = "localhost:\(Int.random(in: 20_000...29_999))"
    private let variables: [String: String]

    init(_ variables: [String: String] = [:], in folder: TemporaryFolder? = nil) throws {
        let folder = try folder ?? TemporaryFolder()
        self.folder = folder
        self.variables = [
            "GAPURA_DATABASE": "sqlite:\(folder.path("data/gapura.sqlite"))", "GAPURA_DATA_FOLDER": folder.path("data"),
            "GAPURA_KEYS_FOLDER": folder.path("keys"), "GAPURA_LISTEN": "127.0.0.1:0",
            "GAPURA_METRICS_LISTEN": "127.0.0.1:0",
            "GAPURA_ACCEPTS_FIXTURES": "true", "GAPURA_ISSUER": "http://\(host)",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": folder.path,
        ].merging(variables) { $1 }
    }

    var database: String { folder.path("data/gapura.sqlite") }

    /// `gapura`, beside the program that runs the tests.
    static let path: String = {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("gapura").path
    }()

    /// Runs a command to its end.
    func run(_ arguments: [String], input: String = "", through wrapper: [String] = []) async throws -> Answer {
        let process = process(wrapper + [Self.path] + arguments)
        let (output, errors, stdin) = (Pipe(), Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = stdin
        try process.run()
        stdin.fileHandleForWriting.write(Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        async let outputText = Self.text(output)
        async let errorText = Self.text(errors)
        let (out, err) = await (outputText, errorText)
        process.waitUntilExit()
        return Answer(code: process.terminationStatus, output: out, errors: err)
    }

    /// As `run`, and demands that it went well.
    @discardableResult
    func succeed(_ arguments: String..., input: String = "", location: SourceLocation = #_sourceLocation) async throws
        -> Answer
    {
        let answer = try await run(arguments, input: input)
        #expect(
            answer.code == 0, "gapura \(arguments.joined(separator: " ")): \(answer.errors)", sourceLocation: location)
        return answer
    }

    /// Lets ten minutes pass for the signing keys, in their list: until then none of them may follow another.
    func ageKeys() throws {
        let list = folder.path("keys/keyring.json")
        let text = try String(contentsOfFile: list, encoding: .utf8)
        var lines: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            guard let start = line.range(of: "\"made_at\":") else {
                lines.append(line)
                continue
            }
            let digits = line[start.upperBound...].prefix { $0.isNumber }
            let older = (Int64(digits) ?? 0) - 600_000
            lines.append(line[..<start.upperBound] + "\(older)" + line[digits.endIndex...])
        }
        let draft = list + ".new"
        try #require(
            FileManager.default.createFile(
                atPath: draft, contents: Data(lines.joined(separator: "\n").utf8),
                attributes: [.posixPermissions: 0o600]))
        // At once, as the program writes it: a gateway may be reading.
        try #require(rename(draft, list) == 0)
    }

    /// Starts `gapura serve` and waits until it answers.
    func serve() async throws -> RunningGapura {
        let process = process([Self.path, "serve"])
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        return try await RunningGapura(process, errors, host)
    }

    private func process(_ command: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.environment = variables
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        return process
    }

    private static func text(_ pipe: Pipe) async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let data = (try? pipe.fileHandleForReading.readToEnd()) ?? Data()
                continuation.resume(returning: String(decoding: data, as: UTF8.self))
            }
        }
    }
}

/// A gateway in a process of its own.
final class RunningGapura: @unchecked Sendable {
    private let process: Process
    private let host: String
    private let condition = NSCondition()
    private var lines: [JSONValue] = []
    private var raw = ""
    private(set) var port = 0

    init(_ process: Process, _ errors: Pipe, _ host: String) async throws {
        self.process = process
        self.host = host
        try process.run()
        Thread.detachNewThread { [self] in
            var rest = Data()
            while true {
                let data = errors.fileHandleForReading.availableData
                if data.isEmpty { break }
                rest += data
                while let end = rest.firstIndex(of: 0x0a) {
                    let line = Array(rest[rest.startIndex..<end])
                    rest.removeSubrange(rest.startIndex...end)
                    condition.withLock {
                        raw += String(decoding: line, as: UTF8.self) + "\n"
                        if let json = try? StrictJSON.parse(line) { lines.append(json) }
                        condition.broadcast()
                    }
                }
            }
            condition.withLock { condition.broadcast() }
        }
        let deadline = Date().addingTimeInterval(20)
        while Date() < deadline, process.isRunning {
            if let ready = line("ready"),
                let port = ready["port"]?.string.flatMap(Int.init) ?? ready["port"]?.integer.map(Int.init)
            {
                self.port = port
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        // The thread above holds on to this value, so that its end would come late.
        process.terminate()
        throw Failure(text: condition.withLock { raw })
    }

    struct Failure: Error {
        let text: String
    }

    deinit { if process.isRunning { process.terminate() } }

    func line(_ message: String) -> JSONValue? {
        condition.withLock { lines.first { $0["message"]?.string == message } }
    }

    var log: String { condition.withLock { raw } }

    /// A GET under the name that the gateway has for people.
    func get(_ path: String) async throws -> (status: Int, body: String) {
        var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(port)\(path)")))
        request.setValue(host, forHTTPHeaderField: "Host")
        let (data, response) = try await URLSession.shared.data(for: request)
        return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
    }

    /// SIGTERM, and the exit code.
    func stop() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }
}

/// A city of three impossible people in two agencies.
enum SmallCity {
    static let units = """
        Id,InstansiId,DiatasanId,EselonId,NamaUnor,NamaJabatan,CepatKode,IndukUnorId,PemimpinPnsId,JenisUnorId
        D5FFEAD205559ABC75F0734CCD124D13,7299,,,Pemerintah Kota Uji,Wali Kota,00001,D5FFEAD205559ABC75F0734CCD124D13,,INSTANSI
        895A456CAD7FB846B9ED461E8184CA63,7299,D5FFEAD205559ABC75F0734CCD124D13,21,Sekretariat Daerah,Sekretaris Daerah,00002,895A456CAD7FB846B9ED461E8184CA63,,OPD
        518F47A5985C24824A8521704F0D50D2,7299,D5FFEAD205559ABC75F0734CCD124D13,22,Dinas Kesehatan,Kepala Dinas Kesehatan,00003,518F47A5985C24824A8521704F0D50D2,,OPD
        """

    static let columns = [
        "pns_id", "nip_baru", "nama", "gelar_depan", "gelar_belakang", "tanggal_lahir", "jenis_kelamin", "nik",
        "nomor_hp", "email_gov",
        "kedudukan_hukum_id", "kedudukan_hukum_nama", "status_cpns_pns", "gol_akhir_nama", "jenis_jabatan_id",
        "jabatan_id", "jabatan_nama",
        "tmt_jabatan", "unor_id", "instansi_kerja_id",
    ]

    static let nip = "189607111918111001"

    static func people(broken: Bool = false) -> String {
        func row(_ pnsID: String, _ nip: String, _ name: String, _ birth: String, _ sex: String, _ unit: String)
            -> String
        {
            [
                pnsID, "'\(nip)", name, "null", "null", birth, sex, "'0000000000000000", "null", "null", "'01", "Aktif",
                "P", "III/a", "4", "J1",
                "Pelaksana", "01-01-1920", unit, "7299",
            ].joined(separator: ";")
        }
        var rows = [
            columns.joined(separator: ";"),
            row(
                "C0F6ED7F5DE75EA70DB415A811098C7C", nip, "Ujang Contoh", "11-07-1896", "M",
                "895A456CAD7FB846B9ED461E8184CA63"),
            row(
                "1EE54590B3CC92BBAA9A29AC46E3873F", "189501011919012002", "Siti Contoh", "01-01-1895", "F",
                "518F47A5985C24824A8521704F0D50D2"),
        ]
        rows.append(
            row(
                "ECBDADC8CD17BAA2A34F2C30EB5F0426", "1895010119190120", "Terlalu Pendek", "01-01-1895", "F",
                "518F47A5985C24824A8521704F0D50D2"))
        if broken { rows.append("\"tidak ditutup") }
        return rows.joined(separator: "\r\n") + "\r\n"
    }

    /// Writes both files.
    static func write(to folder: TemporaryFolder) throws -> (people: String, units: String) {
        try people().write(toFile: folder.path("siasn.csv"), atomically: true, encoding: .utf8)
        try units.write(toFile: folder.path("unor.csv"), atomically: true, encoding: .utf8)
        return (folder.path("siasn.csv"), folder.path("unor.csv"))
    }
}
