internal import CZip
internal import GapuraFormats

/// A ZIP file, opened through libzip. Names of entries are only ever looked up, never used as paths, and an
/// entry inside an entry is just bytes.
///
/// Refused before anything is inflated: more entries than allowed, two entries with one name, encryption, compression
/// other than deflate, a ratio that only a bomb has, and entries that share bytes (their packed sizes then add up to
/// more than the file).
final class ZIPContainer {
    struct Entry {
        let index: UInt64
        let name: String
        let packed: Int64
        let inflated: Int64
    }

    /// Below this size a ratio says nothing: a short part of blanks is no bomb.
    private static let smallestBomb: Int64 = 256 * 1024
    /// What a local and a central header take beside the name.
    private static let headerBytes: Int64 = 30 + 46

    private(set) var entries: [Entry] = []
    private let archive: OpaquePointer
    private let source: ZIPSource

    init(_ bytes: RandomAccessBytes, limits: TabularLimits) throws {
        try Self.checkMagic(bytes.first(4))
        var problem = zip_error_t()
        zip_error_init(&problem)
        defer { zip_error_fini(&problem) }
        guard let (pointer, source) = ZIPSource.make(bytes) else {
            throw TabularError(.unreadable, "no memory for the ZIP reader")
        }
        guard let archive = zip_open_from_source(pointer, ZIP_RDONLY, &problem) else {
            zip_source_free(pointer)
            if let failure = source.failure { throw failure }
            throw TabularError(.corruptZIP, "the ZIP directory is damaged or cut off (libzip \(problem.zip_err))")
        }
        self.archive = archive
        self.source = source
        // From here on every property is set, so that `deinit` discards the archive also where a check throws.
        entries = try Self.list(archive, limits)
        try Self.check(entries, fileSize: Int64(bytes.count), limits)
    }

    deinit {
        zip_discard(archive)
    }

    /// The entry with exactly this name.
    func entry(_ name: String) -> Entry? {
        entries.first { $0.name.isExactly(name) }
    }

    /// Inflates an entry chunk by chunk. More bytes than the directory stated are an error, as is a wrong checksum.
    func read(_ entry: Entry, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard let file = zip_fopen_index(archive, entry.index, 0) else {
            if let failure = source.failure { throw failure }
            throw TabularError(.corruptZIP, "an entry cannot be opened (libzip \(lastError))")
        }
        defer { zip_fclose(file) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
        defer { buffer.deallocate() }
        var total: Int64 = 0
        while true {
            let count = zip_fread(file, buffer.baseAddress, UInt64(buffer.count))
            guard count >= 0 else {
                if let failure = source.failure { throw failure }
                let code = zip_file_get_error(file).pointee.zip_err
                throw TabularError(.corruptZIP, "an entry is damaged or cut off (libzip \(code))")
            }
            if count == 0 { break }
            total += count
            guard total <= entry.inflated else {
                throw TabularError(.corruptZIP, "an entry is larger than the ZIP directory says")
            }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)]))
        }
        guard total == entry.inflated else {
            throw TabularError(.corruptZIP, "an entry is shorter than the ZIP directory says")
        }
    }

    /// A small part as a whole.
    func contents(_ entry: Entry, maximumBytes: Int64 = 4 * 1024 * 1024) throws -> [UInt8] {
        guard entry.inflated <= maximumBytes else {
            throw TabularError(.tooLarge, "a part of the workbook that is always small is larger than 4 MiB")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(entry.inflated))
        try read(entry) { bytes.append(contentsOf: $0) }
        return bytes
    }

    private var lastError: Int32 {
        zip_get_error(archive).pointee.zip_err
    }

    // MARK: Checks before anything is inflated

    private static func checkMagic(_ bytes: [UInt8]) throws(TabularError) {
        guard !bytes.isEmpty else { throw TabularError(.empty, "the file is empty") }
        if bytes.starts(with: [0xd0, 0xcf, 0x11, 0xe0]) {
            throw TabularError(.encrypted, "an old .xls, or a workbook with a password; save it as .xlsx without one")
        }
        guard bytes.starts(with: [0x50, 0x4b]) else { throw TabularError(.notZIP, "not an XLSX file") }
    }

    private static func list(_ archive: OpaquePointer, _ limits: TabularLimits) throws(TabularError) -> [Entry] {
        let count = zip_get_num_entries(archive, 0)
        guard count <= limits.maximumEntries else {
            throw TabularError(.tooManyEntries, "\(count) entries, at most \(limits.maximumEntries) are read")
        }
        var entries: [Entry] = []
        for index in 0..<UInt64(max(count, 0)) {
            var stat = zip_stat_t()
            zip_stat_init(&stat)
            let needed = UInt64(ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD)
            guard zip_stat_index(archive, index, 0, &stat) == 0, stat.valid & needed == needed, let name = stat.name,
                let packed = Int64(exactly: stat.comp_size), let inflated = Int64(exactly: stat.size)
            else {
                throw TabularError(.corruptZIP, "the ZIP directory is damaged")
            }
            guard stat.encryption_method == UInt16(ZIP_EM_NONE) else {
                throw TabularError(.encrypted, "the file is encrypted; save it without a password")
            }
            guard stat.comp_method == UInt16(ZIP_CM_STORE) || stat.comp_method == UInt16(ZIP_CM_DEFLATE) else {
                throw TabularError(.unsupportedCompression, "compression method \(stat.comp_method)")
            }
            entries.append(Entry(index: index, name: String(cString: name), packed: packed, inflated: inflated))
        }
        return entries
    }

    private static func check(_ entries: [Entry], fileSize: Int64, _ limits: TabularLimits) throws(TabularError) {
        var names: Set<ExactText> = []
        var taken: Int64 = 22
        var inflated: Int64 = 0
        for entry in entries {
            guard names.insert(ExactText(entry.name)).inserted else {
                throw TabularError(.duplicateEntry, "two entries have the same name")
            }
            taken = sum(taken, sum(entry.packed, headerBytes + 2 * Int64(entry.name.utf8.count)))
            inflated = sum(inflated, entry.inflated)
            guard !isBomb(entry.inflated, from: entry.packed, limits) else {
                throw TabularError(.compressionRatio, "an entry inflates more than \(limits.maximumRatio) times")
            }
        }
        guard taken <= fileSize else {
            throw TabularError(.overlappingEntries, "the entries take more bytes than the file has")
        }
        guard !isBomb(inflated, from: fileSize, limits) else {
            throw TabularError(.compressionRatio, "the file inflates more than \(limits.maximumRatio) times")
        }
        guard inflated <= limits.maximumInflatedBytes else {
            throw TabularError(.tooLarge, "more than \(limits.maximumInflatedBytes) bytes inflated")
        }
    }

    private static func isBomb(_ inflated: Int64, from packed: Int64, _ limits: TabularLimits) -> Bool {
        inflated > smallestBomb && inflated / Int64(max(limits.maximumRatio, 1)) > packed
    }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
