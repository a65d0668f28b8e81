import GRDB

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The database file: what may be opened, and how a new one comes to be. Nothing that exists is ever overwritten.
enum SQLiteFile {
    /// `application_id` in the header of every database of ours: "GPRA".
    static let applicationID: UInt32 = 0x4750_5241

    /// Makes the folder, mode 0700, if only its last part is missing; refuses one that others may write to.
    static func prepareFolder(of path: String) throws {
        let folder = folder(of: path)
        var status = stat()
        if stat(folder, &status) != 0 {
            guard errno == ENOENT else { throw StoreError.system("look up", folder) }
            if mkdir(folder, 0o700) != 0, errno != EEXIST {
                guard errno == ENOENT else { throw StoreError.system("make the folder", folder) }
                throw StoreError(
                    .configuration, "\(folder): the folder for the database does not exist, nor the one above it")
            }
            return
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw StoreError(.configuration, "\(folder): not a folder")
        }
        // A shared folder with the sticky bit (/tmp) lets others add files, but not replace ours.
        guard status.st_mode & 0o022 == 0 || status.st_mode & S_ISVTX != 0 else {
            throw StoreError(.configuration, "\(folder): others may write to this folder; chmod 700 \(folder)")
        }
    }

    /// Makes the file if there is none. Returns what identifies it, so that a replaced file is noticed.
    static func prepare(_ path: String) throws -> Identity {
        var status = stat()
        if stat(path, &status) == 0 {
            try check(path, status)
            return Identity(status)
        }
        guard errno == ENOENT else { throw StoreError.system("look up", path) }
        guard access(path + "-wal", F_OK) != 0 else {
            throw StoreError(
                .corrupt, "\(path) is missing, but \(path)-wal exists: put the database back, or remove both")
        }
        try make(path)
        guard stat(path, &status) == 0 else { throw StoreError.system("look up", path) }
        return Identity(status)
    }

    /// An empty database of ours in a new file of mode 0600; fails if the path exists.
    static func create(_ path: String) throws {
        let descriptor = openDescriptor(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StoreError.system("create", path) }
        close(descriptor)
        do {
            let queue = try DatabaseQueue(path: path)
            try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA application_id = \(applicationID)") }
            try queue.close()
        } catch {
            unlink(path)
            throw StoreError.opening(error)
        }
    }

    /// Whether the header is that of a database of ours.
    static func check(_ path: String, _ status: stat) throws {
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw StoreError(.foreign, "\(path): not a file")
        }
        guard status.st_mode & 0o007 == 0 else {
            throw StoreError(.configuration, "\(path): everybody may read the database; chmod 600 \(path)")
        }
        let descriptor = openDescriptor(path, O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw StoreError.system("open", path) }
        defer { close(descriptor) }
        var header = [UInt8](repeating: 0, count: 100)
        guard pread(descriptor, &header, header.count, 0) == header.count,
            header.starts(with: Array("SQLite format 3\0".utf8))
        else {
            throw StoreError(.foreign, "\(path): not an SQLite database; it is left as it is")
        }
        // https://www.sqlite.org/fileformat.html section 1.3: application_id is at offset 68.
        let found = header[68..<72].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard found == applicationID else {
            throw StoreError(.foreign, "\(path): an SQLite database, but not one of Gapura; it is left as it is")
        }
    }

    /// A backup is checked as a database is.
    static func checkBackup(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else { throw StoreError.system("look up", path) }
        try check(path, status)
    }

    /// Under another name first, so that the path is never a half-made database. The caller holds the lock.
    private static func make(_ path: String) throws {
        let draft = path + ".new"
        unlink(draft)
        unlink(draft + "-journal")
        try create(draft)
        guard rename(draft, path) == 0 else {
            let error = StoreError.system("rename", draft)
            unlink(draft)
            throw error
        }
        syncFolder(of: path)
    }

    /// So that the name of a new file survives a power cut.
    static func syncFolder(of path: String) {
        let descriptor = openDescriptor(folder(of: path), O_RDONLY | O_CLOEXEC | O_DIRECTORY, 0)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        let folder = String(path[..<slash])
        return folder.isEmpty ? "/" : folder
    }

    /// Device and inode.
    struct Identity: Sendable, Equatable {
        private let device: UInt64
        private let inode: UInt64

        init(_ status: stat) {
            device = UInt64(truncatingIfNeeded: status.st_dev)
            inode = UInt64(truncatingIfNeeded: status.st_ino)
        }

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            self.init(status)
        }
    }
}
