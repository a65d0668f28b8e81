import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Makes sure that one process at most has an SQLite database open: `flock` on `PATH.lock`, which holds the number of
/// that process.
///
/// The system frees it when the process ends, however it ends. The file stays.
package final class DataLock: Sendable {
    private let descriptor: Mutex<CInt>

    /// Takes the lock or tells who has it.
    package init(_ path: String) throws {
        let descriptor = openDescriptor(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StoreError.system("open", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.processNumber(in: descriptor)
            let isHeld = errno == EWOULDBLOCK
            close(descriptor)
            guard isHeld else { throw StoreError.system("lock", path) }
            throw StoreError(.locked, "\(path): the database is open in process \(holder)")
        }
        let number = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, number, number.count, 0) == number.count else {
            let error = StoreError.system("write", path)
            close(descriptor)
            throw error
        }
        self.descriptor = Mutex(descriptor)
    }

    deinit {
        release()
    }

    /// Frees the lock; once more is harmless.
    func release() {
        descriptor.withLock { descriptor in
            guard descriptor >= 0 else { return }
            // Freed by word: a child that was forked and has not become its program yet holds a copy of the descriptor.
            flock(descriptor, LOCK_UN)
            close(descriptor)
            descriptor = -1
        }
    }

    /// The process that holds the lock beside a database, or nil if none does. Takes nothing.
    package static func holder(of database: String) -> String? {
        let descriptor = openDescriptor(database + ".lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_SH | LOCK_NB) != 0 else { return nil }
        return processNumber(in: descriptor)
    }

    private static func processNumber(in descriptor: CInt) -> String {
        let saved = errno
        defer { errno = saved }
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(0, count)).prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        return digits.isEmpty ? "(unknown)" : String(decoding: digits, as: UTF8.self)
    }
}

/// `open(2)`, under a name that no method hides.
func openDescriptor(_ path: String, _ flags: CInt, _ mode: mode_t) -> CInt {
    open(path, flags, mode)
}

extension StoreError {
    /// From `errno` after a call on a file.
    static func system(_ call: String, _ path: String) -> StoreError {
        let code = errno
        let kind: Kind =
            switch code {
            case ENOSPC, EDQUOT: .full
            case EROFS: .readOnly
            case ENOENT, ENOTDIR, EACCES, EPERM, EISDIR, ELOOP: .configuration
            default: .unavailable
            }
        return StoreError(kind, "\(path): \(call): \(String(cString: strerror(code)))")
    }
}
