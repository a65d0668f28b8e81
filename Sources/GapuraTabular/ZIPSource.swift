internal import CZip

/// What libzip reads an archive through: its own protocol of commands, answered from `RandomAccessBytes`.
///
/// It belongs to the archive from `make` on, and goes with it.
final class ZIPSource {
    /// What the file's own reader threw; libzip itself only knows that something did.
    private(set) var failure: (any Error)?
    private let bytes: RandomAccessBytes
    private var position: UInt64 = 0
    private var error = zip_error_t()

    private init(_ bytes: RandomAccessBytes) {
        self.bytes = bytes
        zip_error_init(&error)
    }

    deinit {
        zip_error_fini(&error)
    }

    /// A source that libzip owns, and the object behind it.
    static func make(_ bytes: RandomAccessBytes) -> (pointer: OpaquePointer, source: ZIPSource)? {
        let source = ZIPSource(bytes)
        let box = Unmanaged.passRetained(source)
        guard let pointer = zip_source_function_create(callback, box.toOpaque(), nil) else {
            box.release()
            return nil
        }
        return (pointer, source)
    }

    private static var callback: zip_source_callback {
        { box, data, length, command in
            guard let box else { return -1 }
            let source = Unmanaged<ZIPSource>.fromOpaque(box)
            if command == ZIP_SOURCE_FREE {
                source.release()
                return 0
            }
            return source.takeUnretainedValue().answer(command, data, length)
        }
    }

    private func answer(_ command: zip_source_cmd_t, _ data: UnsafeMutableRawPointer?, _ length: UInt64) -> Int64 {
        switch command {
        case ZIP_SOURCE_OPEN:
            position = 0
            return 0
        case ZIP_SOURCE_READ: return read(data, length)
        case ZIP_SOURCE_CLOSE: return 0
        case ZIP_SOURCE_STAT: return stat(data, length)
        case ZIP_SOURCE_ERROR: return data.map { zip_error_to_data(&error, $0, length) } ?? -1
        case ZIP_SOURCE_SEEK: return seek(data, length)
        case ZIP_SOURCE_TELL: return Int64(clamping: position)
        case ZIP_SOURCE_SUPPORTS: return Self.supported
        default:
            zip_error_set(&error, ZIP_ER_OPNOTSUPP, 0)
            return -1
        }
    }

    /// One bit for each command above, as `zip_source_make_command_bitmap` sets them.
    private static var supported: Int64 {
        let commands = [
            ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE,
            ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_SUPPORTS,
        ]
        var bits: Int64 = 0
        for command in commands { bits |= 1 << Int64(command.rawValue) }
        return bits
    }

    private func read(_ data: UnsafeMutableRawPointer?, _ length: UInt64) -> Int64 {
        let buffer = UnsafeMutableRawBufferPointer(start: data, count: data == nil ? 0 : Int(clamping: length))
        do {
            let count = min(max(try bytes.read(Int(clamping: position), buffer), 0), buffer.count)
            position += UInt64(count)
            return Int64(count)
        } catch {
            failure = error
            zip_error_set(&self.error, ZIP_ER_READ, 0)
            return -1
        }
    }

    private func stat(_ data: UnsafeMutableRawPointer?, _ length: UInt64) -> Int64 {
        guard let data, length >= MemoryLayout<zip_stat_t>.size else {
            zip_error_set(&error, ZIP_ER_INVAL, 0)
            return -1
        }
        var stat = zip_stat_t()
        zip_stat_init(&stat)
        stat.size = UInt64(bytes.count)
        stat.valid = UInt64(ZIP_STAT_SIZE)
        data.storeBytes(of: stat, as: zip_stat_t.self)
        return Int64(MemoryLayout<zip_stat_t>.size)
    }

    private func seek(_ data: UnsafeMutableRawPointer?, _ length: UInt64) -> Int64 {
        guard let data else { return -1 }
        let target = zip_source_seek_compute_offset(position, UInt64(bytes.count), data, length, &error)
        guard target >= 0 else { return -1 }
        position = UInt64(target)
        return 0
    }
}
