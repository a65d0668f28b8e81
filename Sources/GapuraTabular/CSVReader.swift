#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Delimited text, RFC 4180, read as a stream: a file of any size needs the memory of one row.
///
/// The delimiter (`;`, `,` or tab) is the one the header uses most. A UTF-8 byte order mark is skipped; any other
/// encoding is an error, as are a NUL, a quote in the middle of a cell, and a row that has not as many cells as the
/// header: a shifted column would give people each other's data.
///
/// Why this is our own: `docs/decisions/0002-csv-reader.md`.
package struct CSVReader: TabularReader {
    private let source: ByteSource
    private let limits: TabularLimits
    private let delimiter: UInt8?

    /// - Parameter delimiter: one that is known beforehand; else the header tells.
    package init(_ source: ByteSource, limits: TabularLimits = TabularLimits(), delimiter: UInt8? = nil) {
        self.source = source
        self.limits = limits
        self.delimiter = delimiter
    }

    package mutating func read(
        header: (TabularRow) throws -> ColumnSelection,
        row: (TabularRow) throws -> Void
    ) throws {
        var opening = CSVOpening(limits: limits)
        var parser: CSVParser?
        try source.chunks { chunk in
            if parser != nil {
                try parser?.feed(chunk, header: header, row: row)
            } else if let found = try opening.feed(chunk) {
                var started = CSVParser(delimiter: delimiter ?? found, limits: limits)
                try opening.rest.withUnsafeBytes { try started.feed($0, header: header, row: row) }
                opening.rest = []
                parser = started
            }
        }
        if parser == nil {
            let found = try opening.finish()
            var started = CSVParser(delimiter: delimiter ?? found, limits: limits)
            try opening.rest.withUnsafeBytes { try started.feed($0, header: header, row: row) }
            parser = started
        }
        try parser?.finish(header: header, row: row)
    }
}

/// The beginning of a delimited file: byte order mark and delimiter, decided once the whole header row is there.
private struct CSVOpening {
    let limits: TabularLimits
    /// Everything read so far, without the byte order mark.
    var rest: [UInt8] = []
    private var hasCheckedMark = false
    private var position = 0
    private var isQuoted = false
    private var counts: [UInt8: Int] = [:]

    init(limits: TabularLimits) {
        self.limits = limits
    }

    /// The delimiter, or nil while the header row has no end yet.
    mutating func feed(_ chunk: UnsafeRawBufferPointer) throws(TabularError) -> UInt8? {
        rest.append(contentsOf: chunk)
        if !hasCheckedMark {
            guard rest.count >= 3 else { return nil }
            try checkMark()
        }
        while position < rest.count {
            let byte = rest[position]
            switch byte {
            case TextByte.quote: isQuoted.toggle()
            case TextByte.lineFeed where !isQuoted: return delimiter
            case TextByte.semicolon, TextByte.comma, TextByte.tab: if !isQuoted { counts[byte, default: 0] += 1 }
            default: break
            }
            position += 1
        }
        guard rest.count <= limits.maximumColumns * limits.maximumCellBytes else {
            throw TabularError(.cellTooLong, row: 1, "the header row does not end")
        }
        return nil
    }

    mutating func finish() throws(TabularError) -> UInt8 {
        if !hasCheckedMark { try checkMark() }
        guard !rest.isEmpty else { throw TabularError(.empty, "the file is empty") }
        return delimiter
    }

    private mutating func checkMark() throws(TabularError) {
        hasCheckedMark = true
        if rest.starts(with: [0xff, 0xfe]) || rest.starts(with: [0xfe, 0xff]) {
            throw TabularError(.utf16, row: 1, "the file is UTF-16; save it as UTF-8")
        }
        if rest.starts(with: [0xef, 0xbb, 0xbf]) { rest.removeFirst(3) }
    }

    private var delimiter: UInt8 {
        let order: [UInt8] = [TextByte.semicolon, TextByte.comma, TextByte.tab]
        var best = TextByte.comma
        for candidate in order where counts[candidate, default: 0] > counts[best, default: 0] { best = candidate }
        return best
    }
}

/// The state machine behind `CSVReader`; it sees the file in chunks and keeps one cell and one row.
private struct CSVParser {
    private enum State { case cellStart, plain, quoted, afterQuote, carriageReturn }

    private let delimiter: UInt8
    private let limits: TabularLimits
    private var state = State.cellStart
    private var cell: [UInt8] = []
    /// Whether nothing of the row but its end has been seen: a blank line.
    private var isUntouched = true
    private var cells: [TabularCell] = []
    private var column = 0
    private var number = 1
    private var width: Int?
    private var selection = ColumnSelection.all
    private var wantsCell = true

    init(delimiter: UInt8, limits: TabularLimits) {
        self.delimiter = delimiter
        self.limits = limits
    }

    mutating func feed(
        _ chunk: UnsafeRawBufferPointer,
        header: (TabularRow) throws -> ColumnSelection,
        row: (TabularRow) throws -> Void
    ) throws {
        var index = 0
        let count = chunk.count
        while index < count {
            let byte = chunk[index]
            guard byte != 0 else {
                throw TabularError(.nul, row: number, "a NUL character; the file may be UTF-16 or no text at all")
            }
            switch state {
            case .cellStart where byte == TextByte.quote:
                state = .quoted
                isUntouched = false
                index += 1
            case .cellStart, .plain:
                if byte == delimiter {
                    try endCell()
                    index += 1
                } else if byte == TextByte.lineFeed {
                    try endRow(header, row)
                    index += 1
                } else if byte == TextByte.carriageReturn {
                    state = .carriageReturn
                    index += 1
                } else if byte == TextByte.quote {
                    throw TabularError(.quoting, row: number, "a quote inside a cell that does not begin with one")
                } else {
                    state = .plain
                    isUntouched = false
                    index = try takePlain(chunk, from: index)
                }
            case .quoted:
                if byte == TextByte.quote {
                    state = .afterQuote
                    index += 1
                } else {
                    index = try takeQuoted(chunk, from: index)
                }
            case .afterQuote:
                index += 1
                if byte == TextByte.quote {
                    try append(TextByte.quote)
                    state = .quoted
                } else if byte == delimiter {
                    try endCell()
                } else if byte == TextByte.lineFeed {
                    try endRow(header, row)
                } else if byte == TextByte.carriageReturn {
                    state = .carriageReturn
                } else {
                    throw TabularError(.quoting, row: number, "text after the closing quote of a cell")
                }
            case .carriageReturn:
                guard byte == TextByte.lineFeed else {
                    throw TabularError(.lineEnding, row: number, "a carriage return without a line feed")
                }
                try endRow(header, row)
                index += 1
            }
        }
    }

    mutating func finish(
        header: (TabularRow) throws -> ColumnSelection,
        row: (TabularRow) throws -> Void
    ) throws {
        switch state {
        case .quoted: throw TabularError(.cutOff, row: number, "the file ends inside a quoted cell")
        case .cellStart where column == 0: break
        case .cellStart, .plain, .afterQuote, .carriageReturn: try endRow(header, row)
        }
        guard width != nil else { throw TabularError(.empty, "the file has no header row") }
    }

    // MARK: Cells and rows

    /// Takes bytes of an unquoted cell up to whatever ends it; answers the index after them.
    private mutating func takePlain(_ chunk: UnsafeRawBufferPointer, from start: Int) throws(TabularError) -> Int {
        var end = start
        while end < chunk.count {
            let byte = chunk[end]
            if byte == delimiter || byte <= TextByte.carriageReturn && isStop(byte) || byte == TextByte.quote { break }
            end += 1
        }
        try append(chunk, start, end)
        return end
    }

    private mutating func takeQuoted(_ chunk: UnsafeRawBufferPointer, from start: Int) throws(TabularError) -> Int {
        // Addresses, sentences: the long cells are quoted ones, and memchr goes through them at the speed of memory.
        let cell = UnsafeRawBufferPointer(rebasing: chunk[start...])
        let toQuote = Self.index(of: TextByte.quote, in: cell) ?? cell.count
        let end = start + (Self.index(of: 0, in: UnsafeRawBufferPointer(rebasing: cell[..<toQuote])) ?? toQuote)
        try append(chunk, start, end)
        return end
    }

    private static func index(of byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let start = bytes.baseAddress, let found = memchr(start, Int32(byte), bytes.count) else { return nil }
        return UnsafeRawPointer(found) - start
    }

    private func isStop(_ byte: UInt8) -> Bool {
        byte == TextByte.lineFeed || byte == TextByte.carriageReturn || byte == 0
    }

    private mutating func append(_ chunk: UnsafeRawBufferPointer, _ start: Int, _ end: Int) throws(TabularError) {
        guard wantsCell else { return }
        guard cell.count + (end - start) <= limits.maximumCellBytes else { throw cellTooLong }
        cell.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[start..<end]))
    }

    private mutating func append(_ byte: UInt8) throws(TabularError) {
        guard wantsCell else { return }
        guard cell.count < limits.maximumCellBytes else { throw cellTooLong }
        cell.append(byte)
    }

    private var cellTooLong: TabularError {
        TabularError(.cellTooLong, row: number, "a cell is longer than \(limits.maximumCellBytes) bytes")
    }

    private mutating func endCell() throws(TabularError) {
        if !wantsCell || cell.isEmpty {
            cells.append(.empty)
        } else {
            guard let text = String(validating: cell, as: UTF8.self) else {
                throw TabularError(.invalidUTF8, row: number, "column \(column + 1) is not UTF-8")
            }
            cells.append(.text(text))
        }
        cell.removeAll(keepingCapacity: true)
        column += 1
        guard column <= limits.maximumColumns else {
            throw TabularError(.tooManyColumns, row: number, "more than \(limits.maximumColumns) columns")
        }
        wantsCell = selection.contains(column)
        state = .cellStart
    }

    private mutating func endRow(
        _ header: (TabularRow) throws -> ColumnSelection,
        _ row: (TabularRow) throws -> Void
    ) throws {
        let isBlankLine = column == 0 && isUntouched
        guard number <= limits.maximumRows else {
            throw TabularError(.tooManyRows, row: number, "more than \(limits.maximumRows) rows")
        }
        try endCell()
        let finished = TabularRow(number: number, cells: cells)
        if let width {
            if !isBlankLine {
                guard column == width else {
                    throw TabularError(.unequalColumns, row: number, "\(column) cells, the header has \(width)")
                }
                try row(finished)
            }
        } else {
            width = column
            selection = try header(finished)
        }
        number += 1
        isUntouched = true
        cells = []
        cells.reserveCapacity(width ?? 0)
        column = 0
        wantsCell = selection.contains(0)
    }
}

/// The few characters that structure a text.
enum TextByte {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0a
    static let carriageReturn: UInt8 = 0x0d
    static let quote: UInt8 = 0x22
    static let comma: UInt8 = 0x2c
    static let semicolon: UInt8 = 0x3b
}
