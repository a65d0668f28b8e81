import Fuzzing
import GapuraTabular

/// `PK` begins a whole file. Else the first line names a part (`sheet`, `shared`, `workbook`, `types`, `package`,
/// `relationships`), the rest is its XML in a workbook that is otherwise right, or `deflate`, the rest a packed sheet:
/// checksums keep random changes of whole files out of the parts.
///
/// A file is read the same however its bytes are handed in; every limit of an upload holds.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    guard !input.rest.starts(with: [0x50, 0x4b]) else {
        read(input.bytes)
        return 0
    }
    var file = XLSXTestFile.sheet(
        "<row><c t=\"s\"><v>0</v></c><c t=\"inlineStr\"><is><t>a</t></is></c></row><row r=\"2\"><c><v>1</v></c></row>",
        shared: "<si><t>kepala</t></si>")
    let names = [
        "sheet": "xl/worksheets/sheet1.xml", "shared": "xl/sharedStrings.xml", "workbook": "xl/workbook.xml",
        "types": "[Content_Types].xml", "package": "_rels/.rels", "relationships": "xl/_rels/workbook.xml.rels",
        "deflate": "xl/worksheets/sheet1.xml",
    ]
    let part = String(decoding: input.line(), as: UTF8.self)
    guard let name = names[part], let index = file.entries.firstIndex(where: { $0.name == name }) else { return 0 }
    file.entries[index] = .stored(name, input.bytes)
    if part == "deflate" {
        // A size that is stated and a checksum that is not the contents': everything up to them is looked at.
        file.entries[index].method = 8
        file.entries[index].size = input.rest.count * 40
    }
    read(file.bytes)
    return 0
}

/// As an upload has them, smaller, so that inputs reach them.
private let limits: TabularLimits = {
    var limits = TabularLimits()
    (limits.maximumColumns, limits.maximumCellBytes, limits.maximumRows, limits.maximumEntries) = (20, 512, 300, 12)
    (limits.maximumInflatedBytes, limits.maximumSharedStringBytes) = (1 << 20, 1 << 12)
    return limits
}()

private func read(_ bytes: [UInt8]) {
    let whole = Result { try table(RandomAccessBytes(bytes)) }
    let pieces = Result {
        try table(
            RandomAccessBytes(count: bytes.count) { offset, buffer in
                guard bytes.indices.contains(offset) else { return 0 }
                let count = min(buffer.count, bytes.count - offset, 7)
                buffer.copyBytes(from: bytes[offset..<offset + count])
                return count
            })
    }
    check((try? whole.get()) == (try? pieces.get()), "short reads are read as the whole")
    if case .failure(let error) = whole { check(error is TabularError, "a refusal is a TabularError: \(error)") }
    guard let rows = try? whole.get() else { return }
    check(rows.count <= limits.maximumRows, "no more rows than allowed")
    check(zip(rows, rows.dropFirst()).allSatisfy { $0.number < $1.number }, "rows count upwards")
    for row in rows {
        check((1...limits.maximumRows).contains(row.number), "a row's number is in its range")
        check(row.cells.count <= limits.maximumColumns, "no more columns than allowed")
        for cell in row.cells { check(size(cell) <= limits.maximumCellBytes * 3 + 1, "a cell is short") }
    }
}

private func size(_ cell: TabularCell) -> Int {
    switch cell {
    case .empty, .bool: 0
    // A shared string is as long as the table of them may be.
    case .text(let text): text.utf8.count > limits.maximumSharedStringBytes ? .max : 0
    case .number(let text), .formula(let text), .error(let text): text.utf8.count
    }
}

private func table(_ bytes: RandomAccessBytes) throws -> [TabularRow] {
    var rows: [TabularRow] = []
    var reader = XLSXReader(bytes, limits: limits)
    try reader.read {
        rows.append($0)
        return .all
    } row: {
        rows.append($0)
    }
    return rows
}
