import Gapura
import GapuraFormats
import Logging

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Logs as JSON on the standard error, one object per line: `time`, `level`, `message`, then the metadata.
///
/// One `write` per line, so that lines of several threads never mix (up to the size of a pipe's buffer). Secrets never
/// come here: whoever logs leaves them out.
struct JSONLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info
    var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let write: @Sendable ([UInt8]) -> Void

    init(label: String, level: Logger.Level, write: @escaping @Sendable ([UInt8]) -> Void = Self.standardError) {
        self.label = label
        self.write = write
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line: JSONObject = [
            "time": .string(TimeText.iso8601(.now())), "level": .string(event.level.rawValue),
            "message": .string("\(event.message)"),
        ]
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let given = event.metadata { all.merge(given) { $1 } }
        if let error = event.error { all["error"] = "\(error)" }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) where !["time", "level", "message"].contains(key) {
            line[key] = Self.json(value)
        }
        if event.level >= .warning { line["source"] = .string("\(label)/\(event.source)") }
        write(line.encoded() + [0x0a])
    }

    private static func json(_ value: Logger.Metadata.Value) -> JSONValue {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let number as Int): .integer(Int64(number))
        case .stringConvertible(let value): .string(value.description)
        case .dictionary(let members):
            .object(JSONObject(members.sorted { $0.key < $1.key }.map { ($0.key, json($0.value)) }))
        case .array(let values): .array(values.map(json))
        }
    }

    @Sendable private static func standardError(_ bytes: [UInt8]) {
        // A full or closed pipe loses a log line rather than a request.
        _ = bytes.withUnsafeBytes { system(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func system(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.write(descriptor, bytes, count)
        #else
            Darwin.write(descriptor, bytes, count)
        #endif
    }
}
