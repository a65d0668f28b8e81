import Gapura

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Files and the standard input of a command.
enum LocalFile {
    static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// The gateway may run in another folder than the command.
    static func absolute(_ path: String) -> String {
        guard path.utf8.first != UInt8(ascii: "/"), let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return "\(String(cString: folder))/\(path)"
    }

    /// A small file, or the standard input for `-`.
    static func read(_ path: String, limit: Int = 4 << 20) throws -> [UInt8] {
        let isInput = path == "-"
        let descriptor = isInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        defer { if !isInput { close(descriptor) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path, errno) }
            if count == 0 { return bytes }
            bytes += buffer.prefix(count)
            guard bytes.count <= limit else {
                throw OperationError(
                    .invalid, "\(path) is larger than \(limit) bytes.",
                    id: "\(path) lebih besar daripada \(limit) bita.")
            }
        }
    }

    private static func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        #else
            Darwin.read(descriptor, buffer.baseAddress, buffer.count)
        #endif
    }

    private static func unreadable(_ path: String, _ code: Int32) -> OperationError {
        let why = String(cString: strerror(code))
        return OperationError(
            code == ENOENT ? .notFound : .refused, "\(path) cannot be read: \(why).",
            id: "\(path) tidak dapat dibaca: \(why)."
        )
    }
}
