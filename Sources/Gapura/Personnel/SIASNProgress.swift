import GapuraDirectory
import GapuraFormats

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How far a refresh has come.
struct SIASNProgress: Sendable {
    let startedAt: Timestamp
    /// Who is asked for, in this order.
    let numbers: [String]
    /// What was answered, by place in `numbers`.
    var answers: [Int: SIASNAnswer] = [:]

    var isComplete: Bool { answers.count == numbers.count }

    /// In the order in which they were asked for.
    var people: [SIASNPerson] {
        numbers.indices.compactMap { place in
            if case .person(let person)? = answers[place] { person } else { nil }
        }
    }

    /// The numbers that SIASN does not know.
    var unknown: [String] { numbers.indices.filter { answers[$0] == .unknown }.map { numbers[$0] } }
}

/// What a refresh has got so far, in a file of the data folder, mode 0600: a line for the order, then one for each
/// answer, so that a fault, a cut or a power failure costs one answer at most.
///
/// A file and not a table: it is nobody's record, belongs in no backup, and is gone with `unlink`, when it was applied
/// or after a day.
final class SIASNProgressFile {
    static let name = "siasn-refresh.jsonl"
    /// Personal data that nobody applied is kept no longer; and what SIASN said yesterday is not applied today.
    static let lifetime: Int64 = 86_400
    private static let maximumBytes = 64 << 20

    private let path: String
    private let descriptor: Int32

    /// Opens it, or makes it, for this one refresh alone.
    /// - Throws: `OperationError` where another one runs, or it cannot be made.
    init(folder: String) throws {
        path = "\(folder)/\(Self.name)"
        guard let descriptor = try Self.open(path, O_CREAT) else { throw Self.failure(path, ENOENT) }
        self.descriptor = descriptor
    }

    /// One in which nothing stands is not left lying about.
    deinit {
        var information = stat()
        if fstat(descriptor, &information) == 0, information.st_size == 0, information.st_nlink > 0 { unlink(path) }
        close(descriptor)
    }

    /// Removes one that is too old; nothing where there is none, or one is in use.
    static func removeOld(folder: String, now: Timestamp) {
        let path = "\(folder)/\(name)"
        guard let descriptor = try? open(path, 0) else { return }
        defer { close(descriptor) }
        guard let progress = read(descriptor), progress.startedAt.adding(seconds: lifetime) > now else {
            unlink(path)
            return
        }
    }

    /// What is in it; nil for nothing, and for what is too old or cannot be read, which goes at once.
    func load(now: Timestamp) -> SIASNProgress? {
        if let progress = Self.read(descriptor), progress.startedAt.adding(seconds: Self.lifetime) > now {
            return progress
        }
        ftruncate(descriptor, 0)
        return nil
    }

    /// Begins anew.
    func begin(_ numbers: [String], now: Timestamp) throws -> SIASNProgress {
        guard ftruncate(descriptor, 0) == 0 else { throw Self.failure(path, errno) }
        try write([
            "version": 1, "started_at": .integer(now.milliseconds), "numbers": .array(numbers.map { .string($0) }),
        ])
        return SIASNProgress(startedAt: now, numbers: numbers)
    }

    func add(_ answer: SIASNAnswer, at place: Int) throws {
        var line: JSONObject = ["place": .integer(Int64(place))]
        if case .person(let person) = answer { line["person"] = .object(person.members) }
        try write(line)
    }

    /// Nothing of it is left.
    func remove() {
        ftruncate(descriptor, 0)
        unlink(path)
    }

    // MARK: Lines

    private func write(_ line: JSONObject) throws {
        var rest = Array((JSONValue.object(line).encodedText() + "\n").utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure(path, errno) }
            rest = rest.dropFirst(count)
        }
    }

    /// Reads whole lines, and cuts off what a crash left of one.
    private static func read(_ descriptor: Int32) -> SIASNProgress? {
        guard let bytes = contents(descriptor) else { return nil }
        let end = bytes.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
        if end < bytes.count { ftruncate(descriptor, off_t(end)) }
        var lines = bytes[..<end].split(separator: 0x0a)[...]
        guard let first = lines.popFirst(), let head = object(first), head["version"]?.integer == 1,
            let started = head["started_at"]?.integer, let numbers = head["numbers"]?.strings
        else { return nil }
        var progress = SIASNProgress(startedAt: Timestamp(milliseconds: started), numbers: numbers)
        for line in lines {
            guard let object = object(line), let place = object["place"]?.integer.flatMap({ Int(exactly: $0) }),
                numbers.indices.contains(place)
            else { return nil }
            progress.answers[place] =
                object["person"]?.object.map { .person(SIASNPerson(kept: $0)) } ?? .unknown
        }
        return progress
    }

    private static func object(_ line: ArraySlice<UInt8>) -> JSONObject? {
        // Not JSON: nobody but we writes it, so nothing of it can be believed.
        (try? StrictJSON.parse(line))?.object
    }

    private static func contents(_ descriptor: Int32) -> [UInt8]? {
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_size <= maximumBytes else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(information.st_size))
        var place = 0
        while place < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress.map { $0 + place }, buffer.count - place, off_t(place))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            place += count
        }
        return bytes
    }

    /// Nil where there is none and none is to be made.
    private static func open(_ path: String, _ flags: Int32) throws -> Int32? {
        while true {
            let descriptor = systemOpen(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags)
            if descriptor < 0, errno == ENOENT { return nil }
            guard descriptor >= 0 else { throw failure(path, errno) }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                close(descriptor)
                throw OperationError(
                    .conflict, "Another refresh runs already; wait for it to end.",
                    id: "Penyegaran lain sedang berjalan; tunggu sampai selesai.")
            }
            var information = stat()
            guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG,
                information.st_uid == geteuid(), information.st_mode & 0o077 == 0
            else {
                close(descriptor)
                throw failure(path, EACCES)
            }
            // Removed between the opening and the lock: the next one is a new file.
            if information.st_nlink > 0 { return descriptor }
            close(descriptor)
        }
    }

    private static func failure(_ path: String, _ code: Int32) -> OperationError {
        let why = String(cString: strerror(code))
        return OperationError(
            .unavailable, "\(path) cannot be used: \(why). It must be a file of the gateway's user with mode 0600.",
            id: "\(path) tidak dapat dipakai: \(why). Berkas itu harus milik pengguna gerbang dengan izin 0600.")
    }
}

private func systemOpen(_ path: String, _ flags: Int32) -> Int32 { open(path, flags, 0o600) }

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
