import Foundation
import Testing

@testable import GapuraTabular

@Suite("CSV")
struct CSVReaderTests {
    func read(
        _ bytes: [UInt8], _ limits: TabularLimits = TabularLimits(), chunk: Int? = nil, columns: [Int]? = nil
    ) throws -> (header: TabularRow?, rows: [TabularRow]) {
        var position = 0
        let source = ByteSource { buffer in
            let count = min(chunk ?? buffer.count, buffer.count, bytes.count - position)
            buffer.copyBytes(from: bytes[position..<position + count])
            position += count
            return count
        }
        var reader = CSVReader(source, limits: limits)
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

    func code(_ bytes: [UInt8], _ limits: TabularLimits = TabularLimits()) -> TabularError? {
        do {
            _ = try read(bytes, limits)
            return nil
        } catch {
            return error as? TabularError
        }
    }

    func code(_ text: String) -> TabularError.Code? { code(Array(text.utf8))?.code }

    @Test(
        "quotes, doubled quotes, delimiters and line ends inside quotes; whatever the size of the chunks",
        arguments: [1, 2, 3, 7, 4096])
    func quoting(chunk: Int) throws {
        let text = "a;b;c\r\n\"x;\"\"y\"\"\r\nz\";;\"\"\r\n1;'01;\u{e9}\n"
        let table = try read(Array(text.utf8), chunk: chunk)
        #expect(table.header?.cells == [.text("a"), .text("b"), .text("c")])
        #expect(table.rows.map(\.number) == [2, 3])
        #expect(
            table.rows.map(\.cells) == [
                [.text("x;\"y\"\r\nz"), .empty, .empty], [.text("1"), .text("'01"), .text("\u{e9}")],
            ])
    }

    @Test(
        "the delimiter is the one the header uses most",
        arguments: [(";", "a;b,c;d"), (",", "a,b;c,d"), ("\t", "a\tb\tc;d")])
    func delimiters(delimiter: String, header: String) throws {
        let table = try read(Array("\(header)\n1\(delimiter)2\(delimiter)3\n".utf8))
        #expect(table.rows.first?.cells == [.text("1"), .text("2"), .text("3")])
    }

    @Test(
        "a byte order mark is no part of the first name; a missing last line end is no matter; blank lines count but are no rows"
    )
    func ends() throws {
        let table = try read(Array("\u{feff}a,b\n\n1,2".utf8))
        #expect(table.header?.cells == [.text("a"), .text("b")])
        #expect(table.rows == [TabularRow(number: 3, cells: [.text("1"), .text("2")])])
        #expect(try read(Array("a".utf8)).header?.cells == [.text("a")])
        #expect(try read(Array("a,b\r\n1,2\r".utf8)).rows.count == 1)
    }

    @Test("cells of columns that nobody wants never become values")
    func selection() throws {
        let table = try read(Array("id,nik,nama\n1,\"sec\"\"ret\",Budi\n2,x,Ani\n".utf8), columns: [0, 2])
        #expect(table.rows.map(\.cells) == [[.text("1"), .empty, .text("Budi")], [.text("2"), .empty, .text("Ani")]])
    }

    @Test("UTF-16, Latin-1 and NUL are errors that name the row")
    func encodings() throws {
        #expect(code([0xff, 0xfe, 0x61, 0x00, 0x0a, 0x00])?.code == .utf16)
        #expect(code([0xfe, 0xff, 0x00, 0x61, 0x00, 0x0a])?.code == .utf16)
        #expect(code([0x61, 0x00, 0x62, 0x00, 0x0a, 0x00])?.code == .nul)
        let latin = Array("a,b\n1,2\nAndr".utf8) + [0xe9] + Array(",x\n".utf8)
        #expect(code(latin)?.code == .invalidUTF8)
        #expect(code(latin)?.row == 3)
        #expect(code(Array("a\nx".utf8) + [0xc0, 0xaf, 0x0a])?.code == .invalidUTF8)
        #expect(code(Array("a\n\"x".utf8) + [0x00] + Array("\"\n".utf8))?.code == .nul)
    }

    @Test("attack 271: 101, 1,000 and 10,000 columns")
    func columns() throws {
        for count in [101, 1000, 10_000] {
            #expect(code((0..<count).map { "c\($0)" }.joined(separator: ",") + "\n") == .tooManyColumns)
        }
        #expect(code((0..<100).map { "c\($0)" }.joined(separator: ",") + "\n") == nil)
    }

    @Test("a shifted row, a quote in the wrong place, a lone carriage return and a cut-off file are errors")
    func broken() throws {
        #expect(code("a,b\n1,2,3\n") == .unequalColumns)
        #expect(code("a,b\n1\n") == .unequalColumns)
        #expect(code("a,b\n1,x\"y\n") == .quoting)
        #expect(code("a,b\n1,\"x\"y\n") == .quoting)
        #expect(code("a,b\r1,2\r") == .lineEnding)
        #expect(code("a,b\n1,\"2") == .cutOff)
        #expect(code("a,b\n1") == .unequalColumns)
        #expect(code("") == .empty)
        #expect(code("\u{feff}") == .empty)
    }

    @Test("a cell may have 64 KiB, a file so many rows")
    func limits() throws {
        #expect(code("a\n" + String(repeating: "x", count: 64 * 1024) + "\n") == nil)
        #expect(code("a\n" + String(repeating: "x", count: 64 * 1024 + 1) + "\n") == .cellTooLong)
        #expect(code("a\n\"" + String(repeating: "x", count: 64 * 1024 + 1) + "\"\n") == .cellTooLong)
        #expect(code(String(repeating: "x", count: 7_000_000)) == .cellTooLong)
        var limits = TabularLimits()
        limits.maximumRows = 3
        #expect(code(Array("a\n1\n2\n".utf8), limits) == nil)
        #expect(code(Array("a\n1\n2\n3\n".utf8), limits)?.code == .tooManyRows)
    }

    @Test("the writer quotes what must be quoted and disarms formulas, and its own reader reads it back")
    func writer() throws {
        #expect(CSVWriter.cell("a") == "a")
        #expect(CSVWriter.cell("a,\"b\"\r\n") == "\"a,\"\"b\"\"\r\n\"")
        #expect(CSVWriter.cell("=HYPERLINK(\"x\")") == "\"'=HYPERLINK(\"\"x\"\")\"")
        for start in ["=", "+", "-", "@", "\t", "\r"] { #expect(CSVWriter.cell(start + "1").contains("'")) }
        let row = ["x;y", "", " z", "\u{e9}\"", "=1"]
        let text = CSVWriter.row(["a", "b", "c", "d", "e"], delimiter: ";") + CSVWriter.row(row, delimiter: ";")
        let table = try read(Array(text.utf8))
        #expect(table.rows.first?.cells == [.text("x;y"), .empty, .text(" z"), .text("\u{e9}\""), .text("'=1")])
    }
}
