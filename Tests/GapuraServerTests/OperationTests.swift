import Gapura
import GapuraFormats
import GapuraStore
import Testing

@Suite("Operations")
struct OperationTests {
    @Test("names are unique")
    func names() {
        let names = Operations.all.map(\.name)
        #expect(Set(names).count == names.count)
    }

    @Test(
        "every kind of store error has one line in each language and a code",
        arguments: [
            StoreError.Kind.unavailable, .full, .readOnly, .busy, .locked, .newerSchema, .corrupt, .foreign,
            .configuration, .invalidText,
            .constraint(.unique), .other,
        ])
    func storeErrors(_ kind: StoreError.Kind) {
        let error = OperationError(StoreError(kind, "why\nindeed"))
        #expect(!error.message.contains("\n") && !error.indonesian.contains("\n"))
        #expect(error.message != error.indonesian)
        #expect(error.code != .failed || kind == .other)
    }

    @Test("a line of the socket is read as it was written")
    func lines() throws {
        let error = OperationError(.conflict, "a\nb", id: "c")
        guard case .failure(let read)? = OperationLine(OperationLine.failure(error).bytes.dropLast()) else {
            throw Unexpected()
        }
        #expect(read == error)
        guard case .result(let value)? = OperationLine(OperationLine.result(["a": [1, .null]]).bytes.dropLast()) else {
            throw Unexpected()
        }
        #expect(value == ["a": [1, .null]])
        guard case .progress(let share, let text)? = OperationLine(OperationLine.progress(0.5, "x").bytes.dropLast())
        else { throw Unexpected() }
        #expect(share == 0.5 && text == "x")
        #expect(OperationLine(Array("{}".utf8)) == nil)
        #expect(OperationLine(Array("no".utf8)) == nil)
    }

    private struct Unexpected: Error {}

    @Test(
        "moments are written in ISO 8601 and read again",
        arguments: [
            (Int64(0), "1970-01-01T00:00:00.000Z"), (1_790_784_000_123, "2026-09-30T16:00:00.123Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"), (.max, "9999-12-31T23:59:59.999Z"),
        ])
    func moments(_ milliseconds: Int64, _ text: String) {
        #expect(TimeText.iso8601(Timestamp(milliseconds: milliseconds)) == text)
    }

    @Test(
        "days that do not exist are refused",
        arguments: ["2026-02-29", "2026-13-01", "2026-00-10", "26-1-1", "2026-01-01T25:00:00Z", "", "2026/01/01"])
    func noDay(_ text: String) {
        #expect(TimeText.parse(text, in: "Asia/Jakarta") == nil)
    }

    @Test(
        "a day as an end includes that day in the city's time zone, and a moment is a moment",
        arguments: [
            ("2026-12-31", "Asia/Jakarta", "2026-12-31T17:00:00.000Z"),
            ("2026-12-31", "Asia/Makassar", "2026-12-31T16:00:00.000Z"),
            ("2026-12-31", "Asia/Jayapura", "2026-12-31T15:00:00.000Z"),
            ("2026-12-31T16:00:00Z", "Asia/Jakarta", "2026-12-31T16:00:00.000Z"),
        ])
    func day(_ text: String, _ zone: String, _ moment: String) {
        #expect(TimeText.parse(text, in: zone).map(TimeText.iso8601) == moment)
    }
}
