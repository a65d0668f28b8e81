/// Turns the events of a worksheet into rows. It keeps the rows of one chunk at most; unwanted cells never become
/// values.
final class XLSXSheetHandler: XMLStreamHandler {
    private enum Capture { case nothing, value, formula, inline }
    private enum CellType { case number, shared, text, bool, error }

    private let strings: XLSXSharedStrings
    private let limits: TabularLimits
    private let header: (TabularRow) throws -> ColumnSelection
    private var selection = ColumnSelection.all
    private(set) var hasHeader = false

    private var rows: [TabularRow] = []
    private var failure: (any Error)?
    private var isSheetData = false
    private var isRow = false
    private var isCell = false
    private var isInline = false
    private var isPhonetic = false
    private var capture = Capture.nothing

    private var rowNumber = 0
    private var cells: [TabularCell] = []
    private var column = -1
    private var wantsCell = false
    private var type = CellType.number
    private var buffer: [UInt8] = []
    private var formula: [UInt8]?

    init(
        _ strings: XLSXSharedStrings,
        _ limits: TabularLimits,
        _ header: @escaping (TabularRow) throws -> ColumnSelection
    ) {
        self.strings = strings
        self.limits = limits
        self.header = header
    }

    /// Hands on the rows that are complete. What the handler found wrong comes before what the XML parser did.
    func hand(on row: (TabularRow) throws -> Void, after parsing: Result<Void, TabularError>) throws {
        for finished in rows { try row(finished) }
        rows.removeAll(keepingCapacity: true)
        if let failure { throw failure }
        try parsing.get()
    }

    // MARK: Events

    func start(_ name: XMLName, _ attributes: XMLAttributes) {
        guard isSheetData else {
            if name == "sheetData" { isSheetData = true }
            return
        }
        switch name {
        case "c": startCell(attributes)
        case "v": startCapture(.value)
        case "t": if isInline, !isPhonetic { startCapture(.inline) }
        case "is": isInline = isCell
        case "row": startRow(attributes)
        case "f": startCapture(.formula)
        case "rPh": isPhonetic = true
        default: break
        }
    }

    func end(_ name: XMLName) {
        guard isSheetData else { return }
        switch name {
        case "c": endCell()
        case "v", "t", "f": capture = .nothing
        case "is": isInline = false
        case "row": endRow()
        case "rPh": isPhonetic = false
        case "sheetData": isSheetData = false
        default: break
        }
    }

    func text(_ bytes: UnsafeBufferPointer<UInt8>) {
        switch capture {
        case .nothing: return
        case .value, .inline:
            guard buffer.count + bytes.count <= limits.maximumCellBytes else { return failTooLong() }
            buffer.append(contentsOf: bytes)
        case .formula:
            guard (formula?.count ?? 0) + bytes.count <= limits.maximumCellBytes else { return failTooLong() }
            formula?.append(contentsOf: bytes)
        }
    }

    // MARK: Rows and cells

    private func startRow(_ attributes: XMLAttributes) {
        guard !isRow else {
            return fail(TabularError(.corruptXML, row: rowNumber, "a row within a row"))
        }
        isRow = true
        let stated = attributes.bytes("r").map(Self.integer)
        guard let number = stated ?? rowNumber + 1, number > rowNumber else {
            return fail(TabularError(.rowOrder, row: rowNumber, "the rows are not in order"))
        }
        guard number <= limits.maximumRows else {
            return fail(TabularError(.tooManyRows, row: rowNumber, "more than \(limits.maximumRows) rows"))
        }
        rowNumber = number
        cells = []
        cells.reserveCapacity(limits.maximumColumns)
        column = -1
    }

    private func endRow() {
        isRow = false
        guard failure == nil else { return }
        let row = TabularRow(number: rowNumber, cells: cells)
        if hasHeader {
            rows.append(row)
        } else if !row.isBlank {
            hasHeader = true
            do { selection = try header(row) } catch { fail(error) }
        }
    }

    private func startCell(_ attributes: XMLAttributes) {
        guard isRow, !isCell else {
            return fail(TabularError(.corruptXML, row: rowNumber, "a cell within a cell, or in no row"))
        }
        isCell = true
        buffer.removeAll(keepingCapacity: true)
        formula = nil
        guard let next = attributes.bytes("r").map(Self.column) ?? column + 1, next > column else {
            return fail(TabularError(.rowOrder, row: rowNumber, "the cells of a row are not in order"))
        }
        column = next
        wantsCell = failure == nil && selection.contains(column)
        type = Self.type(attributes.bytes("t"))
    }

    private func startCapture(_ kind: Capture) {
        guard isCell else { return }
        guard column < limits.maximumColumns else {
            // A styled but empty cell far to the right is harmless; one with a value is a column too many.
            return fail(
                TabularError(.tooManyColumns, row: rowNumber, "more than \(limits.maximumColumns) columns"))
        }
        guard wantsCell else { return }
        capture = kind
        if kind == .formula { formula = [] }
    }

    private func endCell() {
        defer { isCell = false }
        guard wantsCell, column < limits.maximumColumns, failure == nil else { return }
        guard let value = value() else { return }
        while cells.count < column { cells.append(.empty) }
        cells.append(value)
    }

    /// The cell's value; nil where it is empty.
    private func value() -> TabularCell? {
        if let formula { return .formula("=" + String(decoding: formula, as: UTF8.self)) }
        if buffer.isEmpty { return nil }
        switch type {
        case .text: return .text(String(decoding: buffer, as: UTF8.self))
        case .number: return .number(raw: String(decoding: buffer, as: UTF8.self))
        case .bool: return .bool(buffer == [UInt8(ascii: "1")])
        case .error: return .error(String(decoding: buffer, as: UTF8.self))
        case .shared:
            guard let index = buffer.withUnsafeBufferPointer(Self.integer), let text = strings[index] else {
                fail(TabularError(.unknownSharedString, row: rowNumber, "a shared string that does not exist"))
                return nil
            }
            return text.isEmpty ? nil : .text(text)
        }
    }

    private func failTooLong() {
        fail(TabularError(.cellTooLong, row: rowNumber, "a cell is longer than \(limits.maximumCellBytes) bytes"))
    }

    private func fail(_ error: any Error) {
        if failure == nil { failure = error }
        capture = .nothing
        wantsCell = false
    }

    // MARK: Attribute values

    /// A number of at most nine digits.
    private static func integer(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard (1...9).contains(bytes.count) else { return nil }
        var value = 0
        for byte in bytes {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }

    /// The column of a reference such as `BM10022`, from 0; at most three letters.
    private static func column(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        var column = 0
        var letters = 0
        for byte in bytes {
            guard (0x41...0x5a).contains(byte) else { break }
            letters += 1
            guard letters <= 3 else { return nil }
            column = column * 26 + Int(byte - 0x41) + 1
        }
        return letters == 0 ? nil : column - 1
    }

    private static func type(_ bytes: UnsafeBufferPointer<UInt8>?) -> CellType {
        guard let bytes, let first = bytes.first else { return .number }
        switch (first, bytes.count) {
        case (UInt8(ascii: "s"), 1): return .shared
        case (UInt8(ascii: "b"), 1): return .bool
        case (UInt8(ascii: "e"), 1): return .error
        case (UInt8(ascii: "n"), 1): return .number
        default: return .text
        }
    }
}
