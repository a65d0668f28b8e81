import GapuraFormats
import Testing

@testable import GapuraStore

@Suite struct StatementTests {
    @Test("a value becomes a parameter, never text")
    func parameters() {
        let (name, limit, missing): (String, Int, String?) = ("'; DROP TABLE units --", 10, nil)
        let statement: Statement = "SELECT 1 FROM units WHERE name = \(name) AND note IS \(missing) LIMIT \(limit)"
        #expect(statement.text == "SELECT 1 FROM units WHERE name = $1 AND note IS $2 LIMIT $3")
        #expect(statement.bindings.map(\.value) == [.text(name), .null, .integer(10)])
        #expect(statement.bindings.map(\.type) == [.text, .text, .integer])
    }

    @Test("fragments are renumbered, lists spread, raw text stays text")
    func fragments() {
        let condition: Statement = "a = \("x") AND b IN \(list: [Int64(1), 2])"
        let nested: Statement = "(\(fragment: condition)) OR c = \(true)"
        let plain: Statement = "id, name"
        let statement: Statement =
            """
            SELECT \(fragment: plain) \(raw: "FROM t") WHERE d = \("é") AND (\(fragment: nested)) \
            AND e = \(Timestamp(milliseconds: 5))
            """
        #expect(
            statement.text
                == "SELECT id, name FROM t WHERE d = $1 AND ((a = $2 AND b IN ($3, $4)) OR c = $5) AND e = $6"
        )
        #expect(
            statement.bindings.map(\.value) == [
                .text("é"), .text("x"), .integer(1), .integer(2), .integer(1), .integer(5),
            ])
    }

    @Test("twelve parameters and more are renumbered as well")
    func manyParameters() {
        let list: Statement = "x IN \(list: (1...12).map { Int64($0) }) tail"
        let statement: Statement = "\("first") \(fragment: list) \("last")"
        #expect(statement.text == "$1 x IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) tail $14")
        #expect(statement.bindings.count == 14)
    }

    @Test("an enumeration is its raw value")
    func enumerations() throws {
        enum State: String, SQLConvertible { case aktif, nonaktif }
        enum Level: Int, SQLConvertible { case low = 1 }
        let statement: Statement = "\(State.aktif) \(Level.low)"
        #expect(statement.bindings.map(\.value) == [.text("aktif"), .integer(1)])
        #expect(statement.bindings.map(\.type) == [.text, .integer])
        let row = Row(values: [.text("nonaktif"), .text("other")])
        #expect(try row.value(0, as: State.self) == .nonaktif)
        #expect(throws: StoreError.self) { try row.value(1, as: State.self) }
    }

    @Test("values are equal by bytes")
    func bytes() {
        #expect(SQLValue.text("caf\u{e9}") != .text("cafe\u{301}"))
        #expect(SQLValue.text("a") == .text("a"))
        #expect(SQLValue.integer(0) != .null)
    }
}

@Suite struct IDTests {
    private enum Thing {}

    @Test("UUIDv7 carries its time, sorts by it, and never repeats")
    func version7() throws {
        let ids = (0..<1_000).map { ID<Thing>.make(now: Timestamp(milliseconds: 1_700_000_000_000 + Int64($0))) }
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == ids.count)
        #expect(ids[0].text.hasPrefix("018bcfe5-6800-7"))
        for id in ids {
            #expect(ID<Thing>(id.text) == id)
            #expect("89ab".contains(id.text[id.text.index(id.text.startIndex, offsetBy: 19)]))
        }
    }

    @Test("impossible times do not trap")
    func extremes() {
        for time in [Int64.min, -1, Int64.max] {
            #expect(UUIDText.isCanonical(ID<Thing>.make(now: Timestamp(milliseconds: time)).text))
        }
    }

    @Test("UUIDv4 is a UUIDv4")
    func version4() {
        let ids = Set((0..<1_000).map { _ in UUIDText.version4() })
        #expect(ids.count == 1_000)
        #expect(ids.allSatisfy { UUIDText.isCanonical($0) && $0.dropFirst(14).hasPrefix("4") })
    }

    @Test(
        "only the canonical spelling is an identifier",
        arguments: [
            "", "018bcfe5-6800-7000-8000-00000000000", "018bcfe5-6800-7000-8000-0000000000000",
            "018BCFE5-6800-7000-8000-000000000000",
            "018bcfe5_6800-7000-8000-000000000000", "018bcfe5-6800-7000-8000-00000000000g",
            "{018bcfe5-6800-7000-8000-00000000000}",
            "018bcfe568007000800000000000000000000000", "018bcfe5-6800-7000-8000-00000000000\u{660}",
            "018bcfe5-6800-7000-8000-0000000000 0",
        ])
    func refused(_ text: String) {
        #expect(ID<Thing>(text) == nil)
    }
}

@Suite struct LocationTests {
    @Test func locations() throws {
        #expect(try DatabaseLocation("sqlite:data/gapura.db") == .sqlite(path: "data/gapura.db"))
        #expect(try DatabaseLocation("sqlite::memory:") == .sqliteMemory)
        #expect(try DatabaseLocation("postgresql://h/d") == .postgres(url: "postgresql://h/d"))
        for bad in ["", "sqlite:", "mysql://h/d", "data/gapura.db", "sqlite:a\0b"] {
            #expect(throws: StoreError.self) { try DatabaseLocation(bad) }
        }
    }

    @Test("no secret of a URL is printed")
    func description() throws {
        let text = try DatabaseLocation(
            "postgres://gapura:ra@hasia@db.kota.example:5432/gapura?sslmode=require&password=rahasia"
        ).description
        #expect(text == "postgres://db.kota.example:5432/gapura")
    }
}
