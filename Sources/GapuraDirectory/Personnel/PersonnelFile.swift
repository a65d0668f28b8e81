internal import GapuraFormats
internal import GapuraTokens

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A file of personnel data or units, read into memory once, so that what is hashed, previewed and applied are the same
/// bytes.
package struct PersonnelFile: Sendable {
    /// The last part of the path; for people to recognise, never used as a path.
    package let name: String
    package let bytes: [UInt8]
    /// SHA-256, base64url.
    package let digest: String
    private let maximumInflatedBytes: Int64

    /// - Parameter maximumInflatedBytes: for uploads; a file given to the command may inflate as far as its ratio
    ///   allows.
    package init(name: String, bytes: [UInt8], maximumInflatedBytes: Int64 = .max) {
        self.name = name
        self.bytes = bytes
        self.maximumInflatedBytes = maximumInflatedBytes
        digest = Base64URL.encode(SHA256.hash(bytes))
    }

    /// Reads a file of at most `maximumBytes`.
    package static func open(_ path: String, maximumBytes: Int = 2 << 30) throws(PersonnelSourceError) -> PersonnelFile
    {
        let descriptor = Self.openReading(path)
        guard descriptor >= 0 else { throw .file("cannot open \(path): \(Self.problem())") }
        defer { close(descriptor) }
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            throw .file("\(path) is not a file")
        }
        guard information.st_size <= maximumBytes else { throw .file("\(path) is larger than \(maximumBytes) bytes") }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(information.st_size))
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .file("cannot read \(path): \(Self.problem())") }
            if count == 0 { break }
            guard bytes.count + count <= maximumBytes else {
                throw .file("\(path) is larger than \(maximumBytes) bytes")
            }
            bytes.append(contentsOf: buffer[..<count])
        }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return PersonnelFile(name: name, bytes: bytes)
    }

    /// The list of sources: a workbook is known by its first bytes, whatever the file is called.
    var personnelSource: any PersonnelSource {
        var limits = TabularLimits()
        limits.maximumInflatedBytes = maximumInflatedBytes
        let isWorkbook = bytes.starts(with: [0x50, 0x4b]) || bytes.starts(with: [0xd0, 0xcf, 0x11, 0xe0])
        return isWorkbook ? SIASNWorkbookSource(bytes, limits: limits) : SIASNTextSource(bytes, limits: limits)
    }

    private static func openReading(_ path: String) -> Int32 {
        // Glibc's own open: the name is taken here.
        #if canImport(Glibc)
            Glibc.open(path, O_RDONLY | O_CLOEXEC)
        #else
            Darwin.open(path, O_RDONLY | O_CLOEXEC)
        #endif
    }

    private static func problem() -> String {
        String(cString: strerror(errno))
    }
}
