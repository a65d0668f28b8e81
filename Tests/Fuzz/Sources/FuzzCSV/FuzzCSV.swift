import Fuzzing
import GapuraTabular

/// A file is read the same whatever chunks it comes in; what is read is written and read again as the same cells.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = FuzzInput(start, count).bytes
    let whole = Result { try table(ByteSource(bytes)) }
    for size in [1, 3] {
        let slowly = Result { try table(pieces(bytes, of: size)) }
        check((try? slowly.get()) == (try? whole.get()), "pieces of \(size) are read as the whole")
        check(failure(slowly) == failure(whole), "and refused as the whole")
    }
    if let rows = try? whole.get() {
        look(at: rows, TabularLimits())
        writeAndRead(rows)
    }
    var few = TabularLimits()
    (few.maximumColumns, few.maximumCellBytes, few.maximumRows) = (3, 8, 4)
    if let rows = try? table(ByteSource(bytes), few) { look(at: rows, few) }
    _ = try? table(ByteSource(bytes), selection: ColumnSelection([1]))
    return 0
}

private func table(
    _ source: ByteSource, _ limits: TabularLimits = TabularLimits(), delimiter: UInt8? = nil,
    selection: ColumnSelection = .all
) throws -> [TabularRow] {
    var rows: [TabularRow] = []
    var reader = CSVReader(source, limits: limits, delimiter: delimiter)
    try reader.read {
        rows.append($0)
        return selection
    } row: {
        rows.append($0)
    }
    return rows
}

private func failure(_ outcome: Result<[TabularRow], any Error>) -> TabularError? {
    guard case .failure(let error) = outcome else { return nil }
    check(error is TabularError, "a refusal is a TabularError")
    return error as? TabularError
}

private func pieces(_ bytes: [UInt8], of size: Int) -> ByteSource {
    var position = 0
    return ByteSource { buffer in
        let count = min(size, bytes.count - position, buffer.count)
        buffer.copyBytes(from: bytes[position..<position + count])
        position += count
        return count
    }
}

private func look(at rows: [TabularRow], _ limits: TabularLimits) {
    guard let header = rows.first else { return check(false, "a table has a header") }
    check(rows.count <= limits.maximumRows, "no more rows than allowed")
    check(header.cells.count <= limits.maximumColumns, "no more columns than allowed")
    check(rows.allSatisfy { $0.cells.count == header.cells.count }, "every row has the header's cells")
    check(zip(rows, rows.dropFirst()).allSatisfy { $0.number < $1.number }, "rows count upwards")
    for cell in rows.flatMap(\.cells) {
        let text = text(cell)
        check(text.utf8.count <= limits.maximumCellBytes && !text.utf8.contains(0), "a cell is short and has no NUL")
    }
}

private func writeAndRead(_ rows: [TabularRow]) {
    let texts = rows.map { $0.cells.map(text) }
    let written = texts.map { CSVWriter.row($0) }.joined()
    // What would be a formula gets its apostrophe. A row of one empty cell is a blank line, and no row.
    let expected = texts.enumerated().filter { $0 == 0 || $1 != [""] }.map { _, cells in
        cells.map { CSVWriter.isFormulaLike($0) ? "'" + $0 : $0 }
    }
    // With the mark in front, lest a first cell that begins with one loses it.
    let again = try? table(ByteSource([0xef, 0xbb, 0xbf] + Array(written.utf8)), delimiter: UInt8(ascii: ","))
    let read = again?.map { $0.cells.map(text) }
    let isSame = read?.elementsEqual(expected) { $0.elementsEqual($1) { $0.utf8.elementsEqual($1.utf8) } } ?? false
    // An apostrophe may make a cell, and with it a header, longer than allowed.
    check(isSame || written.utf8.count > 60_000, "what is written is read back")
}

private func text(_ cell: TabularCell) -> String {
    switch cell {
    case .empty: return ""
    case .text(let text): return text
    default:
        check(false, "delimited text has nothing but texts")
        return ""
    }
}
