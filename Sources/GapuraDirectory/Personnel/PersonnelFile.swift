internal import GapuraFormats
internal import GapuraTabular
internal import GapuraTokens

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A file of personnel data or units. It is read piece by piece and never as a whole: delimited text from its first
/// byte to its last, a workbook here and there, as a ZIP asks for it.
///
/// Hashing goes with the reading, so the digest is that of the bytes that were taken, whoever writes to the file
/// meanwhile.
package struct PersonnelFile: PersonnelOrigin {
    /// The last part of the path; for people to recognise, never used as a path.
    package let name: String
    private let path: String?
    private let bytes: RandomAccessBytes
    private let maximumInflatedBytes: Int64
    /// Nil: SIASN's export, known by its first bytes.
    private var profile: PersonnelProfile?

    /// A file in memory.
    /// - Parameter maximumInflatedBytes: for uploads; a file given to the command may inflate as far as its ratio
    ///   allows.
    package init(name: String, bytes: [UInt8], maximumInflatedBytes: Int64 = .max) {
        self.init(name, nil, RandomAccessBytes(bytes), maximumInflatedBytes)
    }

    /// A file on disk, of at most `maximumBytes`. It stays open for as long as the value lives.
    package static func open(_ path: String, maximumBytes: Int = 4 << 30) throws(PersonnelSourceError) -> PersonnelFile
    {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return PersonnelFile(name, path, try OpenedFile.open(path, maximumBytes), .max)
    }

    /// The same file, to be understood by a profile.
    package func with(_ profile: PersonnelProfile?) -> PersonnelFile {
        var copy = self
        copy.profile = profile
        return copy
    }

    private init(_ name: String, _ path: String?, _ bytes: RandomAccessBytes, _ maximumInflatedBytes: Int64) {
        self.name = name
        self.path = path
        self.bytes = bytes
        self.maximumInflatedBytes = maximumInflatedBytes
    }

    // MARK: Reading

    package func readPeople(
        withNIK: Bool, _ stop: any PersonnelStop, _ body: (any PersonnelSource) throws -> Void
    ) throws -> String {
        let digest = try read { contents in
            let (reader, profile) = try table(contents)
            try body(TableSource(reader, profile: profile, withNIK: withNIK))
        }
        return profiled(digest)
    }

    package func readUnits(_ stop: any PersonnelStop) throws -> (rows: [UnitRow], digest: String) {
        try readUnits()
    }

    /// Reads the file as a list of units.
    func readUnits() throws -> (rows: [UnitRow], digest: String) {
        var rows: [UnitRow] = []
        let digest = try read { contents in
            switch contents {
            case .workbook(let bytes):
                rows = try UnitFileSource(XLSXReader(bytes, limits: limits), profile: profile ?? .siasnWorkbook).read()
            case .text(let stream):
                let reader = CSVReader(stream, limits: limits, delimiter: profile?.delimiter)
                rows = try UnitFileSource(reader, profile: profile ?? .siasnText).read()
            }
        }
        return (rows, profiled(digest))
    }

    /// The reader for the file and the profile by which it is understood.
    private func table(_ contents: Contents) throws -> (any TabularReader, PersonnelProfile) {
        switch contents {
        case .workbook(let bytes):
            if let profile, profile.format != .any, profile.format != .xlsx {
                throw PersonnelSourceError.format(profile: profile.name, file: name)
            }
            return (XLSXReader(bytes, limits: limits), profile ?? .siasnWorkbook)
        case .text(let stream):
            if let profile, profile.format != .any, profile.format != .csv {
                throw PersonnelSourceError.format(profile: profile.name, file: name)
            }
            return (CSVReader(stream, limits: limits, delimiter: profile?.delimiter), profile ?? .siasnText)
        }
    }

    /// The same file understood otherwise is another load: a mended profile must not be answered with "done already".
    private func profiled(_ digest: String) -> String {
        guard let profile, PersonnelProfile.siasnWorkbook != profile, PersonnelProfile.siasnText != profile else {
            return digest
        }
        return RowDigest.of([digest, profile.yaml])
    }

    /// Hands out the file as a table of whatever columns.
    func readAsTable(_ body: (any TabularReader) throws -> Void) throws -> String {
        try read { contents in
            switch contents {
            case .workbook(let bytes): try body(XLSXReader(bytes, limits: limits))
            case .text(let stream): try body(CSVReader(stream, limits: limits))
            }
        }
    }

    /// Whether the file still has the bytes that a plan was made of: another one may have its name by now, or somebody
    /// wrote to it.
    /// - Throws: `PersonnelSourceError.changed`
    package func check(_ digest: String) throws {
        let now = try path.map { try PersonnelFile.open($0) } ?? self
        guard try profiled(now.digest()).isExactly(digest) else { throw PersonnelSourceError.changed(name) }
    }

    private enum Contents {
        case workbook(RandomAccessBytes)
        case text(ByteSource)
    }

    private var limits: TabularLimits {
        var limits = TabularLimits()
        limits.maximumInflatedBytes = maximumInflatedBytes
        return limits
    }

    /// The list of formats: a workbook is known by its first bytes, whatever the file is called.
    private func read(_ body: (Contents) throws -> Void) throws -> String {
        let magic = try bytes.first(4)
        guard magic.starts(with: [0x50, 0x4b]) || magic == [0xd0, 0xcf, 0x11, 0xe0] else {
            return try digest { try body(.text($0)) }
        }
        // A workbook is read here and there, its shared strings before its sheet: it is hashed before, and again after.
        let before = try digest()
        try body(.workbook(bytes))
        guard try digest().isExactly(before) else { throw PersonnelSourceError.changed(name) }
        return before
    }

    /// The SHA-256 of a stream that `body` takes to its end.
    private func digest(_ body: (ByteSource) throws -> Void = { try $0.skipToEnd() }) throws -> String {
        let hash = SHA256Stream()
        let stream = bytes.stream
        try body(
            ByteSource { buffer in
                let count = try stream.read(into: buffer)
                hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                return count
            })
        let digest = hash.finish()
        guard !digest.isEmpty else { throw PersonnelSourceError.file("\(name) cannot be hashed") }
        return Base64URL.encode(digest)
    }
}

/// A file that is open for reading, until nobody reads it any more.
private final class OpenedFile: Sendable {
    private let descriptor: Int32
    private let path: String

    private init(_ descriptor: Int32, _ path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        close(descriptor)
    }

    static func open(_ path: String, _ maximumBytes: Int) throws(PersonnelSourceError) -> RandomAccessBytes {
        // Glibc's own open: the name is taken here. Without O_NONBLOCK, a pipe would wait for somebody who writes.
        #if canImport(Glibc)
            let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        #else
            let descriptor = Darwin.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        #endif
        guard descriptor >= 0 else { throw .file("cannot open \(path): \(problem())") }
        let file = OpenedFile(descriptor, path)
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            throw .file("\(path) is not a file")
        }
        guard information.st_size <= maximumBytes else { throw .file("\(path) is larger than \(maximumBytes) bytes") }
        let size = Int(information.st_size)
        return RandomAccessBytes(count: size) { offset, buffer in
            // What is written behind the end while we read is no part of the file: it would have no end.
            let count = min(buffer.count, max(size - offset, 0))
            return try file.read(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), at: offset)
        }
    }

    private func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 { return count }
            guard errno == EINTR else {
                throw PersonnelSourceError.file("cannot read \(path): \(Self.problem())")
            }
        }
    }

    private static func problem() -> String {
        String(cString: strerror(errno))
    }
}
