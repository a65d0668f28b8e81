/// Why a text is not the JSON we read, and at which byte.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Kind: String, Sendable {
        case tooLarge, tooDeep, endsEarly, unexpectedByte, trailingBytes
        case badNumber, badEscape, loneSurrogate, controlCharacter, notUTF8, duplicateKey
    }

    /// What is wrong.
    public let kind: Kind
    /// The byte where it was seen.
    public let offset: Int

    public var description: String { "\(kind.rawValue) at byte \(offset)" }
}

/// The one reader for JSON that somebody else wrote: RFC 8259 and nothing beside it.
///
/// Two equal names in one object are refused (compared as bytes, after unescaping), lone surrogates too. It never
/// traps: nesting is limited, and so is
/// the size.
public enum StrictJSON {
    /// No caller gets more nesting than this, since reading recurses.
    public static let deepest = 256

    /// The value that the whole of the bytes is.
    public static func parse(
        _ bytes: some Collection<UInt8>, maximumDepth: Int = 64, maximumBytes: Int = 1 << 20
    ) throws(JSONError) -> JSONValue {
        let direct = bytes.withContiguousStorageIfAvailable { buffer in
            parsed(buffer, maximumDepth, maximumBytes)
        }
        if let direct {
            return try direct.get()
        }
        return try Array(bytes).withUnsafeBufferPointer { parsed($0, maximumDepth, maximumBytes) }.get()
    }

    private static func parsed(
        _ buffer: UnsafeBufferPointer<UInt8>, _ maximumDepth: Int, _ maximumBytes: Int
    ) -> Result<JSONValue, JSONError> {
        Result { () throws(JSONError) -> JSONValue in
            guard buffer.count <= maximumBytes else { throw JSONError(kind: .tooLarge, offset: maximumBytes) }
            var parser = JSONParser(buffer, maximumDepth: min(maximumDepth, deepest))
            return try parser.document()
        }
    }
}

/// A cursor over the bytes. Every read goes through `peek`, which knows the end.
private struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let maximumDepth: Int
    private var offset = 0
    private var depth = 0

    /// Longer numbers mean nothing to anybody, and cost.
    private static let longestNumber = 256

    init(_ bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    mutating func document() throws(JSONError) -> JSONValue {
        skipSpace()
        let value = try value()
        skipSpace()
        guard offset == bytes.count else { throw failure(.trailingBytes) }
        return value
    }

    private var peek: UInt8? {
        offset < bytes.count ? bytes[offset] : nil
    }

    private func failure(_ kind: JSONError.Kind) -> JSONError {
        JSONError(kind: kind, offset: offset)
    }

    private func unexpected() -> JSONError {
        failure(peek == nil ? .endsEarly : .unexpectedByte)
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
            offset += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        offset += 1
        return true
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        guard let byte = peek else { throw failure(.endsEarly) }
        switch byte {
        case UInt8(ascii: "\""):
            return .string(try string())
        case UInt8(ascii: "{"):
            return try object()
        case UInt8(ascii: "["):
            return try array()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return try number()
        case UInt8(ascii: "t"):
            return try word("true", .bool(true))
        case UInt8(ascii: "f"):
            return try word("false", .bool(false))
        case UInt8(ascii: "n"):
            return try word("null", .null)
        default:
            throw unexpected()
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let letters = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        for letter in letters {
            guard take(letter) else { throw unexpected() }
        }
        return value
    }

    private mutating func descend() throws(JSONError) {
        depth += 1
        guard depth <= maximumDepth else { throw failure(.tooDeep) }
        offset += 1
        skipSpace()
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        try descend()
        var values: [JSONValue] = []
        if !take(UInt8(ascii: "]")) {
            while true {
                values.append(try value())
                skipSpace()
                if take(UInt8(ascii: "]")) { break }
                guard take(UInt8(ascii: ",")) else { throw unexpected() }
                skipSpace()
            }
        }
        depth -= 1
        return .array(values)
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        try descend()
        var object = JSONObject()
        if !take(UInt8(ascii: "}")) {
            object.reserveCapacity(8)
            while true {
                let start = offset
                guard peek == UInt8(ascii: "\"") else { throw unexpected() }
                let key = try string()
                skipSpace()
                guard take(UInt8(ascii: ":")) else { throw unexpected() }
                skipSpace()
                let value = try value()
                guard object.appendIfNew(key, value) else { throw JSONError(kind: .duplicateKey, offset: start) }
                skipSpace()
                if take(UInt8(ascii: "}")) { break }
                guard take(UInt8(ascii: ",")) else { throw unexpected() }
                skipSpace()
            }
        }
        depth -= 1
        return .object(object)
    }

    // MARK: Numbers

    private mutating func digits() throws(JSONError) {
        let start = offset
        while let byte = peek, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
            offset += 1
        }
        guard offset > start else { throw failure(peek == nil ? .endsEarly : .badNumber) }
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = offset
        let isNegative = take(UInt8(ascii: "-"))
        let firstDigit = offset
        try digits()
        guard bytes[firstDigit] != UInt8(ascii: "0") || offset == firstDigit + 1 else {
            throw JSONError(kind: .badNumber, offset: firstDigit)
        }
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            try digits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            if !take(UInt8(ascii: "+")) {
                _ = take(UInt8(ascii: "-"))
            }
            try digits()
        }
        guard offset - start <= Self.longestNumber else { throw JSONError(kind: .badNumber, offset: start) }
        if isWhole, let integer = integer(firstDigit..<offset, isNegative) {
            return .integer(integer)
        }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<offset]), as: UTF8.self)
        guard let double = Double(text), double.isFinite else { throw JSONError(kind: .badNumber, offset: start) }
        return .double(double)
    }

    /// Nil where it does not fit. It counts downwards, since the smallest number has no positive twin.
    private func integer(_ digits: Range<Int>, _ isNegative: Bool) -> Int64? {
        var sum: Int64 = 0
        for position in digits {
            let (product, overflow) = sum.multipliedReportingOverflow(by: 10)
            let (difference, underflow) = product.subtractingReportingOverflow(
                Int64(bytes[position] &- UInt8(ascii: "0")))
            if overflow || underflow { return nil }
            sum = difference
        }
        if isNegative { return sum }
        return sum == .min ? nil : -sum
    }

    // MARK: Strings

    private mutating func string() throws(JSONError) -> String {
        offset += 1
        let start = offset
        while let byte = peek {
            if byte == UInt8(ascii: "\"") {
                let text = String(validating: UnsafeBufferPointer(rebasing: bytes[start..<offset]), as: UTF8.self)
                guard let text else { throw JSONError(kind: .notUTF8, offset: start) }
                offset += 1
                return text
            }
            if byte == UInt8(ascii: "\\") {
                return try escapedString(from: start)
            }
            guard byte >= 0x20 else { throw failure(.controlCharacter) }
            offset += 1
        }
        throw failure(.endsEarly)
    }

    /// The slower way, from the first backslash on.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var unescaped = Array(bytes[start..<offset])
        while let byte = peek {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: unescaped, as: UTF8.self) else {
                    throw JSONError(kind: .notUTF8, offset: start)
                }
                return text
            case UInt8(ascii: "\\"):
                try escape(into: &unescaped)
            case 0..<0x20:
                offset -= 1
                throw failure(.controlCharacter)
            default:
                unescaped.append(byte)
            }
        }
        throw failure(.endsEarly)
    }

    private mutating func escape(into unescaped: inout [UInt8]) throws(JSONError) {
        guard let letter = peek else { throw failure(.endsEarly) }
        offset += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            unescaped.append(letter)
        case UInt8(ascii: "b"):
            unescaped.append(0x08)
        case UInt8(ascii: "f"):
            unescaped.append(0x0c)
        case UInt8(ascii: "n"):
            unescaped.append(0x0a)
        case UInt8(ascii: "r"):
            unescaped.append(0x0d)
        case UInt8(ascii: "t"):
            unescaped.append(0x09)
        case UInt8(ascii: "u"):
            unescaped.append(contentsOf: String(try scalar()).utf8)
        default:
            offset -= 1
            throw failure(.badEscape)
        }
    }

    private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
        let start = offset
        var code = try fourHexadecimalDigits()
        if (0xd800...0xdbff).contains(code) {
            guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                throw JSONError(kind: .loneSurrogate, offset: start)
            }
            let low = try fourHexadecimalDigits()
            guard (0xdc00...0xdfff).contains(low) else { throw JSONError(kind: .loneSurrogate, offset: start) }
            code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw JSONError(kind: .loneSurrogate, offset: start) }
        return scalar
    }

    private mutating func fourHexadecimalDigits() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek else { throw failure(.endsEarly) }
            guard let digit = byte.hexadecimalValue else { throw failure(.badEscape) }
            code = code << 4 | UInt32(digit)
            offset += 1
        }
        return code
    }
}

extension UInt8 {
    /// 0 to 15 where the byte is a hexadecimal digit of either case.
    var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
