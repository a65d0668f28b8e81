/// Builds ZIP files and workbooks byte by byte, also ones that no program would write.
struct XLSXTestFile {
    /// One entry; sizes and flags can be lied about.
    struct Entry {
        var name: String
        var packed: [UInt8]
        var size: Int
        var crc: UInt32
        var method: UInt16
        var flags: UInt16 = 0

        static func stored(_ name: String, _ text: String) -> Entry {
            stored(name, Array(text.utf8))
        }

        static func stored(_ name: String, _ bytes: [UInt8]) -> Entry {
            Entry(name: name, packed: bytes, size: bytes.count, crc: CRC32.of(bytes), method: 0)
        }

        /// `prefix`, then one byte very often, deflated to about a 158th: a bomb that needs no compressor.
        static func bomb(_ name: String, byte: UInt8, repeated matches: Int) -> Entry {
            let bytes = [UInt8](repeating: byte, count: 1 + 258 * matches)
            return Entry(
                name: name, packed: Deflate.run(byte, matches: matches), size: bytes.count, crc: CRC32.of(bytes),
                method: 8)
        }
    }

    var entries: [Entry]

    static let contentTypes = """
        <Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">\
        <Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>
        """
    static let packageRelationships = """
        <Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" \
        Target="xl/workbook.xml"/></Relationships>
        """
    static let workbook = """
        <workbook xmlns:r="http://r"><sheets><sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>
        """
    static let workbookRelationships = """
        <Relationships><Relationship Id="rId1" Type="http://x/relationships/worksheet" Target="worksheets/sheet1.xml"/>\
        <Relationship Id="rId9" Type="http://x/relationships/sharedStrings" Target="sharedStrings.xml"/>\
        <Relationship Id="rId5" Type="http://x/relationships/externalLink" Target="http://127.0.0.1:9/evil" TargetMode="External"/></Relationships>
        """

    /// A workbook whose one sheet has this between the tags of `sheetData`.
    static func sheet(_ rows: String, shared: String? = nil, prolog: String = "") -> XLSXTestFile {
        var file = XLSXTestFile(entries: [
            .stored("[Content_Types].xml", contentTypes), .stored("_rels/.rels", packageRelationships),
            .stored("xl/workbook.xml", workbook), .stored("xl/_rels/workbook.xml.rels", workbookRelationships),
            .stored("xl/worksheets/sheet1.xml", "\(prolog)<worksheet><sheetData>\(rows)</sheetData></worksheet>"),
        ])
        if let shared { file.entries.append(.stored("xl/sharedStrings.xml", "\(prolog)<sst>\(shared)</sst>")) }
        return file
    }

    /// Rows of inline strings.
    static func table(_ rows: [[String]]) -> XLSXTestFile {
        sheet(
            rows.map { row in
                "<row>" + row.map { "<c t=\"inlineStr\"><is><t>\($0)</t></is></c>" }.joined() + "</row>"
            }.joined())
    }

    mutating func replace(_ name: String, with text: String) {
        entries = entries.map { $0.name == name ? .stored(name, text) : $0 }
    }

    var bytes: [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            let offset = file.count
            let name = Array(entry.name.utf8)
            var common: [UInt8] = []
            common.append(little: UInt16(20))
            common.append(little: entry.flags)
            common.append(little: entry.method)
            common.append(little: UInt32(0x5a21_0000))
            common.append(little: entry.crc)
            common.append(little: UInt32(entry.packed.count))
            common.append(little: UInt32(entry.size))
            common.append(little: UInt16(name.count))
            common.append(little: UInt16(0))
            file.append(little: UInt32(0x0403_4b50))
            file += common + name + entry.packed
            directory.append(little: UInt32(0x0201_4b50))
            directory.append(little: UInt16(20))
            directory += common
            directory += [UInt8](repeating: 0, count: 10)
            directory.append(little: UInt32(offset))
            directory += name
        }
        let start = file.count
        file += directory
        file.append(little: UInt32(0x0605_4b50))
        file.append(little: UInt32(0))
        file.append(little: UInt16(entries.count))
        file.append(little: UInt16(entries.count))
        file.append(little: UInt32(directory.count))
        file.append(little: UInt32(start))
        file.append(little: UInt16(0))
        return file
    }
}

extension [UInt8] {
    mutating func append(little value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}

enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xedb8_8320 ^ (value >> 1) : value >> 1 }
    }

    static func of(_ bytes: [UInt8]) -> UInt32 {
        var value: UInt32 = 0xffff_ffff
        bytes.withUnsafeBufferPointer { bytes in
            table.withUnsafeBufferPointer { table in
                for byte in bytes { value = table[Int((value ^ UInt32(byte)) & 0xff)] ^ (value >> 8) }
            }
        }
        return ~value
    }
}

/// One block of fixed Huffman codes: a literal, then matches of length 258 at distance 1.
enum Deflate {
    static func run(_ byte: UInt8, matches: Int) -> [UInt8] {
        var bits = BitWriter()
        bits.write(1, 1)
        bits.write(1, 2)
        precondition(byte < 144, "a literal of eight bits")
        bits.writeCode(0x30 + UInt32(byte), 8)
        for _ in 0..<matches {
            bits.writeCode(0b1100_0101, 8)
            bits.writeCode(0, 5)
        }
        bits.writeCode(0, 7)
        return bits.finished
    }

    private struct BitWriter {
        private var bytes: [UInt8] = []
        private var current: UInt32 = 0
        private var count: UInt32 = 0

        mutating func write(_ value: UInt32, _ bits: UInt32) {
            current |= value << count
            count += bits
            while count >= 8 {
                bytes.append(UInt8(truncatingIfNeeded: current))
                current >>= 8
                count -= 8
            }
        }

        /// Huffman codes stand with their highest bit first.
        mutating func writeCode(_ code: UInt32, _ bits: UInt32) {
            for bit in (0..<bits).reversed() { write(code >> bit & 1, 1) }
        }

        var finished: [UInt8] {
            count > 0 ? bytes + [UInt8(truncatingIfNeeded: current)] : bytes
        }
    }
}
