import GapuraTokens

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The folder of the keys. Everything in it is read and written here, and only where no other user could have done so
/// (attack 308).
///
/// The folder has mode 0700, its files 0600, and both belong to the user the program runs as. A file is never changed
/// in place: a new one takes its name once it is on disk.
struct KeysFolder: Sendable {
    static let ring = "keyring.json"
    static let secret = "secrets.key"
    private static let lock = ".lock"
    private static let longest = 1 << 20

    let path: String

    /// Makes the folder where there is none. A folder without keys (as a fresh checkout has it) is closed to others;
    /// one with keys that others may enter is refused, because its keys may be known.
    init(_ path: String) throws {
        self.path = path
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw KeyringError.system("make the folder", path)
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw KeyringError.system("read", path) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw KeyringError(.damaged, "\(path): not a folder") }
        try Self.checkOwner(status, path)
        guard status.st_mode & 0o077 != 0 else { return }
        guard try Self.names(in: path).allSatisfy({ !Self.isSecret($0) }) else {
            throw KeyringError.mode(status.st_mode, wanted: "700", path)
        }
        guard chmod(path, 0o700) == 0 else { throw KeyringError.system("change the mode", path) }
    }

    /// Names of the files that hold keys or name them; each is checked.
    func names() throws -> [String] {
        let names = try Self.names(in: path).filter(Self.isSecret)
        for name in names {
            var status = stat()
            guard lstat(file(name), &status) == 0 else { throw KeyringError.system("read", file(name)) }
            try Self.check(status, file(name))
        }
        return names
    }

    /// The bytes of a file, or nil where there is none.
    func read(_ name: String) throws -> [UInt8]? {
        let path = file(name)
        let descriptor = openFile(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw KeyringError.system("open", path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw KeyringError.system("read", path) }
        try Self.check(status, path)
        guard status.st_size <= Self.longest else { throw KeyringError(.damaged, "\(path): too large") }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while bytes.count <= Self.longest {
            let count = systemRead(descriptor, &chunk)
            guard count >= 0 else { throw KeyringError.system("read", path) }
            if count == 0 { break }
            bytes += chunk.prefix(count)
        }
        return bytes
    }

    /// Writes a file whole: under another name, to disk, then to its place. Only inside `exclusively`.
    func write(_ bytes: [UInt8], to name: String) throws {
        let path = file(name)
        let temporary = file(".\(name).\(SecureRandom.text(9)).tmp")
        let descriptor = openFile(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw KeyringError.system("make", temporary) }
        do {
            defer { close(descriptor) }
            var written = 0
            while written < bytes.count {
                let count = systemWrite(descriptor, bytes[written...])
                guard count > 0 else { throw KeyringError.system("write", temporary) }
                written += count
            }
            guard fsync(descriptor) == 0 else { throw KeyringError.system("write", temporary) }
            guard rename(temporary, path) == 0 else { throw KeyringError.system("rename", path) }
        } catch {
            unlink(temporary)
            throw error
        }
        try synchronize()
    }

    /// Removes a file that nothing names any more.
    func remove(_ name: String) throws {
        guard unlink(file(name)) == 0 || errno == ENOENT else { throw KeyringError.system("remove", file(name)) }
    }

    /// Runs a change while no other process, and no other part of this one, changes the folder.
    func exclusively<Result>(_ body: () throws -> Result) throws -> Result {
        let path = file(Self.lock)
        let descriptor = openFile(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw KeyringError.system("open", path) }
        // Closing gives the lock back.
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw KeyringError.system("lock", path) }
        }
        // What a crash left half made: nothing names it.
        for name in try Self.names(in: self.path) where name.hasPrefix(".") && name.hasSuffix(".tmp") {
            try remove(name)
        }
        return try body()
    }

    /// What tells one version of a file from the next; nil where there is none.
    func stamp(_ name: String) -> FileStamp? {
        var status = stat()
        guard lstat(file(name), &status) == 0 else { return nil }
        #if canImport(Glibc)
            let changed = status.st_mtim
        #else
            let changed = status.st_mtimespec
        #endif
        return FileStamp(
            inode: UInt64(status.st_ino), size: Int64(status.st_size), seconds: Int64(changed.tv_sec),
            nanoseconds: Int64(changed.tv_nsec)
        )
    }

    func file(_ name: String) -> String {
        path.hasSuffix("/") ? path + name : path + "/" + name
    }

    // MARK: Checks

    /// Notes for people may stand in the folder; these are what must be closed.
    private static func isSecret(_ name: String) -> Bool {
        name.hasSuffix(".pem") || name.hasSuffix(".key") || name.isExactly(ring)
    }

    private static func check(_ status: stat, _ path: String) throws {
        guard status.st_mode & S_IFMT == S_IFREG else { throw KeyringError(.damaged, "\(path): not a plain file") }
        try checkOwner(status, path)
        guard status.st_mode & 0o077 == 0 else { throw KeyringError.mode(status.st_mode, wanted: "600", path) }
    }

    private static func checkOwner(_ status: stat, _ path: String) throws {
        guard status.st_uid == geteuid() else {
            throw KeyringError(
                .permissions,
                "\(path): belongs to user \(status.st_uid), wanted user \(geteuid()), whom this program runs as"
            )
        }
    }

    private static func names(in path: String) throws -> [String] {
        guard let folder = opendir(path) else { throw KeyringError.system("list", path) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: name.pointee)) {
                    String(cString: $0)
                }
            }
            names.append(name)
        }
        return names.sorted()
    }

    private func synchronize() throws {
        let descriptor = openFile(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw KeyringError.system("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw KeyringError.system("write", path) }
    }
}

/// See `KeysFolder.stamp`.
struct FileStamp: Equatable, Sendable {
    let inode: UInt64
    let size: Int64
    let seconds: Int64
    let nanoseconds: Int64
}

// System calls under names that no method hides.

private func openFile(_ path: String, _ flags: CInt, _ mode: mode_t) -> CInt {
    open(path, flags, mode)
}

private func systemRead(_ descriptor: CInt, _ buffer: inout [UInt8]) -> Int {
    while true {
        let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 || errno != EINTR { return count }
    }
}

private func systemWrite(_ descriptor: CInt, _ bytes: ArraySlice<UInt8>) -> Int {
    while true {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 || errno != EINTR { return count }
    }
}

extension KeyringError {
    /// From `errno`.
    static func system(_ what: String, _ path: String) -> KeyringError {
        let code = errno
        return KeyringError(.system, "\(path): cannot \(what): \(String(cString: strerror(code)))")
    }

    static func mode(_ mode: mode_t, wanted: String, _ path: String) -> KeyringError {
        let digits = String(mode & 0o7777, radix: 8)
        return KeyringError(
            .permissions,
            "\(path): mode 0\(digits), wanted 0\(wanted), since others may read the keys (chmod \(wanted) \(path))"
        )
    }
}
