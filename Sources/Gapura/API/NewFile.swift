#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file that an operator asked for: new, of mode 0600, since lists of people and backups are nobody else's business,
/// and never in the place of another. Unless it is finished it is removed.
final class NewFile {
    private let path: String
    private let descriptor: Int32
    private var waiting: [UInt8] = []
    private var isFinished = false

    /// - Throws: `OperationError` if there is a file of that name, before any work is done for it.
    static func checkFree(_ path: String) throws {
        if access(path, F_OK) == 0 { throw exists(path) }
    }

    /// Takes the name, with an empty file.
    /// - Throws: `OperationError` if there is a file of that name, or none can be made.
    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            isFinished = true
            throw errno == EEXIST ? Self.exists(path) : Self.failure(path, errno)
        }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        if !isFinished { unlink(path) }
    }

    func write(_ text: String) throws {
        waiting += text.utf8
        if waiting.count > 1 << 16 { try flush() }
    }

    func finish() throws {
        try flush()
        isFinished = true
    }

    /// As `finish`, and from then on the file survives a power cut: what it holds may be removed elsewhere.
    func finishDurably() throws {
        try sync()
        keep()
    }

    /// Everything written so far survives a power cut, or this is an error; the file is still removed unless it is kept.
    func sync() throws {
        try flush()
        guard fsync(descriptor) == 0 else { throw Self.failure(path, errno) }
        try syncFolder()
    }

    /// From now on the file stays, whatever happens.
    func keep() { isFinished = true }

    /// Finishes by putting another file in its place, which from then on survives a power cut under this name.
    ///
    /// Not by a hard link, which FAT and SMB do not have, nor by `renameat2`, which Swift's Glibc does not know.
    func finish(with draft: String) throws {
        guard rename(draft, path) == 0 else { throw Self.failure(path, errno) }
        try syncFolder()
        isFinished = true
    }

    private func syncFolder() throws {
        let folder: String
        if let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) {
            folder = slash == path.utf8.startIndex ? "/" : String(path[..<slash])
        } else {
            folder = "."
        }
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else { return }  // one may write to it and not read it
        defer { close(descriptor) }
        // A file system over a network may know no such thing.
        guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else { throw Self.failure(path, errno) }
    }

    /// Everything written so far is in the file, or this is an error: what follows may not be undone.
    func flush() throws {
        var rest = waiting[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Self.systemWrite(descriptor, $0) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure(path, errno) }
            rest = rest.dropFirst(count)
        }
        waiting.removeAll(keepingCapacity: true)
    }

    private static func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        // Glibc's own write: the name is taken here.
        #if canImport(Glibc)
            Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #else
            Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }

    private static func exists(_ path: String) -> OperationError {
        OperationError(
            .conflict, "\(path) exists and is never overwritten. Choose another name, or move it away.",
            id: "\(path) sudah ada dan tidak pernah ditimpa. Pilih nama lain atau pindahkan."
        )
    }

    private static func failure(_ path: String, _ code: Int32) -> OperationError {
        let why = String(cString: strerror(code))
        return OperationError(
            .refused, "\(path) cannot be written: \(why); nothing was changed. The gateway must be able to write it.",
            id: "\(path) tidak dapat ditulis: \(why); tidak ada yang berubah. Gerbang harus dapat menulisnya."
        )
    }
}
