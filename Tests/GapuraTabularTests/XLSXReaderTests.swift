import Testing

@testable import GapuraTabular

@Suite("XLSX")
struct XLSXReaderTests {
    func read(
        _ bytes: [UInt8], _ limits: TabularLimits = TabularLimits(), columns: [Int]? = nil
    ) throws -> (header: TabularRow?, rows: [TabularRow]) {
        var reader = XLSXReader(RandomAccessBytes(bytes), limits: limits)
        var header: TabularRow?
        var rows: [TabularRow] = []
        try reader.read {
            header = $0
            return columns.map { ColumnSelection($0) } ?? .all
        } row: {
            rows.append($0)
        }
        return (header, rows)
    }

    func code(_ bytes: [UInt8], _ limits: TabularLimits = TabularLimits()) -> TabularError.Code? {
        do {
            _ = try read(bytes, limits)
            return nil
        } catch {
            return (error as? TabularError)?.code
        }
    }

    private func readAll(_ bytes: RandomAccessBytes) throws {
        var reader = XLSXReader(bytes)
        try reader.read { _ in
            .all
        } row: { _ in
        }
    }

    // MARK: Values

    @Test("inline and shared strings, rich text, numbers, booleans, errors and formulas keep what they are")
    func values() throws {
        let rows = """
            <row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><r><t>N</t></r><r><t>IP</t></r><rPh><t>x</t></rPh></is></c></row>\
            <row r="3"><c r="A3" t="s"><v>1</v></c><c r="C3"><v>1.87011121902031e+17</v></c><c r="D3" t="b"><v>1</v></c>\
            <c r="E3" t="str"><f>A1&amp;"x"</f><v>cached</v></c><c r="F3" t="e"><v>#N/A</v></c><c r="G3" s="1"/></row>
            """
        let file = XLSXTestFile.sheet(
            rows, shared: "<si><t>pns_id</t></si><si><r><t>a</t></r><r><t>b</t></r><rPh><t>z</t></rPh></si>")
        let table = try read(file.bytes)
        #expect(table.header?.cells == [.text("pns_id"), .text("NIP")])
        #expect(table.rows.map(\.number) == [3])
        #expect(
            table.rows.first?.cells == [
                .text("ab"), .empty, .number(raw: "1.87011121902031e+17"), .bool(true), .formula("=A1&\"x\""),
                .error("#N/A"),
            ])
    }

    @Test("cells of columns that nobody wants never become values")
    func selection() throws {
        let file = XLSXTestFile.table([["id", "nik", "nama"], ["1", "secret", "Budi"]])
        let table = try read(file.bytes, columns: [0, 2])
        #expect(table.rows.first?.cells == [.text("1"), .empty, .text("Budi")])
    }

    @Test("stored entries and entries in another order are read; a BOM and a standalone declaration too")
    func containers() throws {
        var file = XLSXTestFile.sheet(
            "<row><c t=\"inlineStr\"><is><t>a</t></is></c></row>",
            prolog: "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>")
        file.entries.reverse()
        #expect(try read(file.bytes).header?.cells == [.text("a")])
    }

    @Test("September's export: 10,021 rows of 65 columns")
    func september() throws {
        let table = try read(try Example.bytes("siasn-2026-09.xlsx"), columns: Array(0..<20))
        #expect(table.header?.cells.count == 65)
        #expect(table.rows.count == 10_021)
        #expect(table.rows.last?.number == 10_022)
    }

    // MARK: Attacks

    @Test("attack 268: a ZIP bomb is refused before it is inflated, whatever its sizes say")
    func bomb() throws {
        var file = XLSXTestFile.table([["a"]])
        let sheet = file.entries.removeLast()
        file.entries.append(.bomb(sheet.name, byte: 0x20, repeated: 100_000))
        #expect(code(file.bytes) == .compressionRatio)

        // The directory states a small size; what really comes out is more.
        file.entries.removeLast()
        var liar = XLSXTestFile.Entry.bomb(sheet.name, byte: 0x20, repeated: 100_000)
        liar.size = liar.packed.count
        file.entries.append(liar)
        #expect(code(file.bytes) == .corruptZIP)

        // Many entries that each stay under the ratio and together are too much for an upload.
        var limits = TabularLimits()
        limits.maximumInflatedBytes = 1000
        #expect(code(XLSXTestFile.table([[String(repeating: "a", count: 2000)]]).bytes, limits) == .tooLarge)
    }

    @Test("attack 268: 65,535 entries, two entries of one name, entries that share bytes")
    func entries() throws {
        var many = XLSXTestFile.table([["a"]])
        for index in 0..<65_530 { many.entries.append(.stored("e\(index)", [UInt8]())) }
        #expect(code(many.bytes) == .tooManyEntries)

        var twice = XLSXTestFile.table([["a"]])
        twice.entries.append(.stored("xl/workbook.xml", "<workbook/>"))
        #expect(code(twice.bytes) == .duplicateEntry)

        // Twenty directory entries that all point at the same local header.
        let kernel = XLSXTestFile(entries: [.stored("k", [UInt8](repeating: 0x41, count: 40_000))])
        #expect(code(overlapping(kernel, 20)) == .overlappingEntries)
    }

    /// The same local entry listed often in the central directory, under different names.
    private func overlapping(_ kernel: XLSXTestFile, _ times: Int) -> [UInt8] {
        let bytes = kernel.bytes
        let local = Array(bytes.prefix(30 + 1 + 40_000))
        let record = Array(bytes.dropFirst(local.count).dropLast(22))
        var directory: [UInt8] = []
        for index in 0..<times {
            directory += record.dropLast() + [UInt8(0x61 + index)]
        }
        var end: [UInt8] = []
        end.append(little: UInt32(0x0605_4b50))
        end.append(little: UInt32(0))
        end.append(little: UInt16(times))
        end.append(little: UInt16(times))
        end.append(little: UInt32(directory.count))
        end.append(little: UInt32(local.count))
        end.append(little: UInt16(0))
        return local + directory + end
    }

    @Test(
        "attack 268: names with ../ and names like devices are only looked up; a target outside the package is no file")
    func names() throws {
        var file = XLSXTestFile.table([["a"]])
        file.entries.append(.stored("../../../etc/passwd", "x"))
        file.entries.append(.stored("/etc/passwd", "x"))
        #expect(try read(file.bytes).header?.cells == [.text("a")])
        file.replace(
            "xl/_rels/workbook.xml.rels",
            with:
                "<Relationships><Relationship Id=\"rId1\" Type=\"x/worksheet\" Target=\"/../../../../etc/passwd2\"/></Relationships>"
        )
        #expect(code(file.bytes) == .noWorksheet)
    }

    @Test("attack 268: encrypted entries, other compression, an old .xls, no ZIP at all, nothing")
    func containersRefused() throws {
        var encrypted = XLSXTestFile.table([["a"]])
        encrypted.entries[4].flags = 1
        #expect(code(encrypted.bytes) == .encrypted)
        var other = XLSXTestFile.table([["a"]])
        other.entries[4].method = 12
        #expect(code(other.bytes) == .unsupportedCompression)
        #expect(code([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) == .encrypted)
        #expect(code(Array("pns_id;nip".utf8)) == .notZIP)
        #expect(code([]) == .empty)
        #expect(code(Array("PK".utf8)) == .corruptZIP)
        #expect(code(XLSXTestFile(entries: [.stored("a", "b")]).bytes) == .noWorksheet)
    }

    @Test(
        "attack 269: a DOCTYPE is refused in every part, so no entity is ever expanded",
        arguments: [
            "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "_rels/.rels",
            "[Content_Types].xml",
        ])
    func doctype(part: String) throws {
        let lol = """
            <!DOCTYPE x [<!ENTITY a "lollollollollol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]><x>&b;&c;</x>
            """
        var file = XLSXTestFile.table([["a"]])
        file.replace(part, with: lol)
        #expect(code(file.bytes) == .doctype)
    }

    @Test("attack 269: a DOCTYPE in the shared strings")
    func doctypeInSharedStrings() throws {
        let file = XLSXTestFile.sheet(
            "<row><c t=\"s\"><v>0</v></c></row>", shared: "<si><t>&a;</t></si>",
            prolog: "<!DOCTYPE sst [<!ENTITY a \"b\">]>")
        #expect(code(file.bytes) == .doctype)
    }

    @Test("attack 269: an unknown entity without DOCTYPE, and XML that ends too early")
    func brokenXML() throws {
        #expect(code(XLSXTestFile.sheet("<row><c t=\"inlineStr\"><is><t>&x;</t></is></c></row>").bytes) == .corruptXML)
        #expect(code(XLSXTestFile.sheet("<row><c></row>").bytes) == .corruptXML)
    }

    @Test("attack 269: shared strings have a limit of bytes, empty ones too, and an index outside them is an error")
    func sharedStrings() throws {
        var limits = TabularLimits()
        limits.maximumSharedStringBytes = 4 * TabularLimits.sharedStringOverhead - 1
        let cell = "<row><c t=\"s\"><v>0</v></c></row>"
        #expect(
            code(XLSXTestFile.sheet(cell, shared: String(repeating: "<si/>", count: 4)).bytes, limits)
                == .tooManySharedStrings)
        limits.maximumSharedStringBytes = 4 * TabularLimits.sharedStringOverhead
        // Within the limit, the file is read; that all its texts are empty is another matter.
        #expect(code(XLSXTestFile.sheet(cell, shared: String(repeating: "<si/>", count: 4)).bytes, limits) == .empty)
        limits.maximumSharedStringBytes = 10
        #expect(
            code(XLSXTestFile.sheet(cell, shared: "<si><t>12345678901</t></si>").bytes, limits) == .tooManySharedStrings
        )
        #expect(code(XLSXTestFile.sheet(cell).bytes) == .unknownSharedString)
        #expect(
            code(XLSXTestFile.sheet("<row><c t=\"s\"><v>-1</v></c></row>", shared: "<si/>").bytes)
                == .unknownSharedString)
        #expect(
            code(XLSXTestFile.sheet("<row><c t=\"s\"><v>99999999999999999999</v></c></row>").bytes)
                == .unknownSharedString)
    }

    @Test("a sheet as Excel itself saves it, every text shared: 100,000 people with 15 texts of their own fit")
    func sharedStringsAtScale() throws {
        // Names, ids, NIP, NIK, telephone, addresses: 100 bytes each would be much.
        let needed = 100_000 * 15 * (100 + TabularLimits.sharedStringOverhead)
        #expect(needed < TabularLimits().maximumSharedStringBytes)

        // 66,700 people at 15 texts are more strings than were once allowed; here the texts are most of the file.
        let (people, texts) = (2000, 15)
        var shared = String(repeating: "<si/>", count: 1_000_000)
        var rows = ""
        for person in 0..<people {
            rows += "<row r=\"\(person + 1)\">"
            for text in 0..<texts {
                shared += "<si><t>orang \(person) kolom \(text)</t></si>"
                rows += "<c t=\"s\"><v>\(1_000_000 + person * texts + text)</v></c>"
            }
            rows += "</row>"
        }
        let table = try read(XLSXTestFile.sheet(rows, shared: shared).bytes)
        #expect(table.header?.cells.first == .text("orang 0 kolom 0"))
        #expect(table.rows.count == people - 1)
        #expect(table.rows.last?.cells.last == .text("orang \(people - 1) kolom \(texts - 1)"))
    }

    @Test("what the file's own reader throws comes out as it is, in the directory and in the middle of the sheet")
    func unreadable() throws {
        struct Broken: Error {}
        let real = try Example.bytes("siasn-2026-09.xlsx")
        let whole = RandomAccessBytes(real)
        for failing in [0..<real.count, (real.count - 100)..<real.count, (real.count / 2)..<(real.count / 2 + 1)] {
            let bytes = RandomAccessBytes(count: real.count) { offset, buffer in
                if failing.overlaps(offset..<max(offset + 1, offset + buffer.count)) { throw Broken() }
                return try whole.read(offset, buffer)
            }
            #expect(throws: Broken.self) { try readAll(bytes) }
        }
        // A file that is shorter than it was when it was opened.
        let shortened = RandomAccessBytes(count: real.count) { _, _ in 0 }
        #expect(throws: TabularError.self) { try readAll(shortened) }
    }

    @Test("attack 269: macros are refused, by the part and by the content type")
    func macros() throws {
        var part = XLSXTestFile.table([["a"]])
        part.entries.append(.stored("xl/vbaProject.bin", "x"))
        #expect(code(part.bytes) == .macros)
        var type = XLSXTestFile.table([["a"]])
        type.replace(
            "[Content_Types].xml",
            with:
                "<Types><Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.ms-excel.sheet.macroEnabled.main+xml\"/></Types>"
        )
        #expect(code(type.bytes) == .macros)
    }

    @Test("attack 271: 1,000 and 10,000 columns; empty styled cells far to the right are none")
    func columns() throws {
        for count in [101, 1000, 10_000] {
            #expect(code(XLSXTestFile.table([(0..<count).map { "c\($0)" }]).bytes) == .tooManyColumns)
        }
        #expect(code(XLSXTestFile.sheet("<row r=\"1\"><c r=\"NTP1\"><v>1</v></c></row>").bytes) == .tooManyColumns)
        let styled = XLSXTestFile.sheet("<row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"XFD1\" s=\"3\"/></row>")
        #expect(try read(styled.bytes).header?.cells == [.number(raw: "1")])
    }

    @Test("attack 271: a row number beyond the limit, rows and cells out of order, references that are none")
    func order() throws {
        var limits = TabularLimits()
        limits.maximumRows = 10
        #expect(code(XLSXTestFile.sheet("<row r=\"11\"/>").bytes, limits) == .tooManyRows)
        #expect(code(XLSXTestFile.sheet("<row r=\"2\"/><row r=\"2\"/>").bytes) == .rowOrder)
        #expect(code(XLSXTestFile.sheet("<row r=\"99999999999999999999\"/>").bytes) == .rowOrder)
        #expect(
            code(XLSXTestFile.sheet("<row><c r=\"B1\"><v>1</v></c><c r=\"A1\"><v>1</v></c></row>").bytes) == .rowOrder)
        #expect(code(XLSXTestFile.sheet("<row><c r=\"ABCDEFGHIJKLMNOPQ1\"><v>1</v></c></row>").bytes) == .rowOrder)
        #expect(code(XLSXTestFile.sheet("<row><c r=\"\"><v>1</v></c></row>").bytes) == .rowOrder)
    }

    /// Found by fuzzing: the outer row came twice, with the cells of the inner one.
    @Test(
        "a row within a row, a cell within a cell and a cell in no row are errors",
        arguments: [
            "<row><c><v>1</v></c></row><row><c><v>1</v></c><row><c><v>2</v></c></row></row>",
            "<row><c><v>1</v><c><v>2</v></c></c></row>", "<c><v>1</v></c><row><c><v>2</v></c></row>",
            "<row><c><v>1</v></c></row><c><v>1</v></c>",
        ])
    func nested(rows: String) {
        #expect(code(XLSXTestFile.sheet(rows).bytes) == .corruptXML)
    }

    @Test("XML nested too deeply and cells that are too long end the reading")
    func limits() throws {
        let deep = String(repeating: "<a>", count: 100_000)
        #expect(code(XLSXTestFile.sheet(deep).bytes) == .xmlDepth)
        let long = String(repeating: "a", count: 64 * 1024 + 1)
        #expect(code(XLSXTestFile.table([[long]]).bytes) == .cellTooLong)
        #expect(code(XLSXTestFile.sheet("<row><c><f>\(long)</f></c></row>").bytes) == .cellTooLong)
    }

    // MARK: Damage

    @Test("a workbook cut off anywhere is an error with a reason, never rows that look complete")
    func cutOff() throws {
        let whole = XLSXTestFile.table([["pns_id", "nip"], ["1", "2"]]).bytes
        for length in 0..<whole.count {
            #expect(code(Array(whole.prefix(length))) != nil, "cut off after \(length) bytes")
        }
        let real = try Example.bytes("siasn-2026-09.xlsx")
        for share in [1, 10, 50, 90, 99] {
            #expect(code(Array(real.prefix(real.count * share / 100))) == .corruptZIP)
        }
        #expect(code(Array(real.dropLast())) == .corruptZIP)
    }

    @Test("a workbook with one damaged byte is an error, or reads as before: nothing traps")
    func damaged() throws {
        let whole = XLSXTestFile.table([["pns_id", "nip"], ["1", "2"]]).bytes
        let expected = try read(whole)
        for index in whole.indices {
            for flip: UInt8 in [0x01, 0x80, 0xff] {
                var bytes = whole
                bytes[index] ^= flip
                guard let table = try? read(bytes) else { continue }
                #expect(table.rows == expected.rows, "byte \(index)")
            }
        }
    }

    @Test("what the row's reader throws comes out, and ends the reading")
    func thrown() throws {
        struct Enough: Error {}
        var count = 0
        var reader = XLSXReader(RandomAccessBytes(XLSXTestFile.table([["a"], ["1"], ["2"]]).bytes))
        #expect(throws: Enough.self) {
            try reader.read { _ in
                .all
            } row: { _ in
                count += 1
                throw Enough()
            }
        }
        #expect(count == 1)
        #expect(throws: Enough.self) {
            try reader.read { _ in
                throw Enough()
            } row: { _ in
                count += 1
            }
        }
        #expect(count == 1)
    }
}
