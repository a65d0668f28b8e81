/// What a SCIM list holds (RFC 7644 section 3.4.2.2).
public indirect enum SCIMFilter: Sendable, Equatable {
    case present(SCIMAttributeName)
    case compare(SCIMAttributeName, Comparison, JSONValue)
    case all([SCIMFilter])
    case any([SCIMFilter])
    case not(SCIMFilter)
    /// One element of an attribute that has many fulfils all of it.
    case element(SCIMAttributeName, SCIMFilter)

    public enum Comparison: String, Sendable, CaseIterable {
        case equal = "eq"
        case notEqual = "ne"
        case contains = "co"
        case startsWith = "sw"
        case endsWith = "ew"
        case greater = "gt"
        case greaterOrEqual = "ge"
        case less = "lt"
        case lessOrEqual = "le"
    }

    /// Longer ones are refused before they are read (attack 233).
    public static let maximumBytes = 1024
    /// Parentheses and brackets in each other.
    public static let maximumDepth = 16

    /// - Throws: `SCIMSyntaxError`.
    public init(_ text: String) throws(SCIMSyntaxError) {
        var parser = try SCIMParser(text)
        parser.skipSpace()
        self = try parser.filter(depth: 0)
        guard parser.isAtEnd else { throw parser.error }
    }
}

/// Reads filters and paths, byte by byte. How deep it goes is counted before it goes there.
struct SCIMParser {
    private let bytes: [UInt8]
    private var place = 0

    init(_ text: String) throws(SCIMSyntaxError) {
        bytes = Array(text.utf8)
        guard bytes.count <= SCIMFilter.maximumBytes else { throw SCIMSyntaxError(offset: 0, isTooLong: true) }
    }

    var isAtEnd: Bool { place == bytes.count }
    var error: SCIMSyntaxError { SCIMSyntaxError(offset: place, isTooLong: false) }

    mutating func take(_ byte: UInt8) -> Bool {
        guard place < bytes.count, bytes[place] == byte else { return false }
        place += 1
        return true
    }

    mutating func skipSpace() {
        while place < bytes.count, bytes[place] == 0x20 { place += 1 }
    }

    // MARK: Filters

    /// `or` binds least, then `and`; both may be as long as the text.
    mutating func filter(depth: Int) throws(SCIMSyntaxError) -> SCIMFilter {
        guard depth <= SCIMFilter.maximumDepth else { throw SCIMSyntaxError(offset: place, isTooLong: true) }
        var alternatives: [SCIMFilter] = []
        repeat {
            var terms: [SCIMFilter] = []
            repeat { terms.append(try term(depth)) } while takeWord("and")
            alternatives.append(terms.count == 1 ? terms[0] : .all(terms))
        } while takeWord("or")
        skipSpace()
        return alternatives.count == 1 ? alternatives[0] : .any(alternatives)
    }

    private mutating func term(_ depth: Int) throws(SCIMSyntaxError) -> SCIMFilter {
        skipSpace()
        if take(UInt8(ascii: "(")) { return try rest(of: depth) }
        let start = place
        let attribute = try attribute()
        if attribute.schema == nil, attribute.sub == nil, asciiLowercase(attribute.name) == "not" {
            skipSpace()
            if take(UInt8(ascii: "(")) { return .not(try rest(of: depth)) }
            place = start
            throw error
        }
        if take(UInt8(ascii: "[")) {
            let inner = try filter(depth: depth + 1)
            guard take(UInt8(ascii: "]")) else { throw error }
            return .element(attribute, inner)
        }
        guard take(0x20) else { throw error }
        skipSpace()
        if takeWord("pr") { return .present(attribute) }
        for comparison in SCIMFilter.Comparison.allCases where takeWord(comparison.rawValue) {
            skipSpace()
            return .compare(attribute, comparison, try value())
        }
        throw error
    }

    private mutating func rest(of depth: Int) throws(SCIMSyntaxError) -> SCIMFilter {
        let inner = try filter(depth: depth + 1)
        guard take(UInt8(ascii: ")")) else { throw error }
        return inner
    }

    /// A word that ends where a word has to end; spaces before it belong to it.
    private mutating func takeWord(_ word: String) -> Bool {
        let start = place
        skipSpace()
        let wanted = Array(word.utf8)
        let end = place + wanted.count
        guard end <= bytes.count, zip(bytes[place..<end], wanted).allSatisfy({ $0 | 0x20 == $1 }),
            end == bytes.count || [0x20, UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "]")].contains(bytes[end])
        else {
            place = start
            return false
        }
        place = end
        return true
    }

    /// A string, number, truth or null of JSON.
    private mutating func value() throws(SCIMSyntaxError) -> JSONValue {
        let start = place
        if take(UInt8(ascii: "\"")) {
            while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
                place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
            }
            guard place < bytes.count else {
                place = start
                throw error
            }
            place += 1
        } else {
            while place < bytes.count, ![0x20, UInt8(ascii: ")"), UInt8(ascii: "]")].contains(bytes[place]) {
                place += 1
            }
        }
        guard let value = try? StrictJSON.parse(bytes[start..<place], maximumDepth: 1), value.array == nil,
            value.object == nil
        else {
            place = start
            throw error
        }
        return value
    }

    // MARK: Names

    /// `name`, `name.sub`, `urn:…:name.sub`.
    mutating func attribute() throws(SCIMSyntaxError) -> SCIMAttributeName {
        let start = place
        while place < bytes.count, Self.isInName(bytes[place]) || [0x3a, 0x2e].contains(bytes[place]) { place += 1 }
        let text = bytes[start..<place]
        func fail() -> SCIMSyntaxError { SCIMSyntaxError(offset: start, isTooLong: false) }
        var (schema, rest) = (String?.none, text)
        if let colon = text.lastIndex(of: 0x3a) {
            schema = String(decoding: text[..<colon], as: UTF8.self)
            rest = text[(colon + 1)...]
            guard asciiLowercase(schema ?? "").utf8.starts(with: "urn:".utf8) else { throw fail() }
        }
        let parts = rest.split(separator: 0x2e, omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ Self.isName($0) }), let name = parts.first else {
            throw fail()
        }
        return SCIMAttributeName(
            schema: schema, name: String(decoding: name, as: UTF8.self),
            sub: parts.count == 2 ? String(decoding: parts[1], as: UTF8.self) : nil)
    }

    mutating func name() throws(SCIMSyntaxError) -> String {
        let start = place
        while place < bytes.count, Self.isInName(bytes[place]) { place += 1 }
        guard Self.isName(bytes[start..<place]) else { throw error }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first else { return false }
        return (0x61...0x7a).contains(first | 0x20) || first == UInt8(ascii: "$")
    }

    private static func isInName(_ byte: UInt8) -> Bool {
        (0x61...0x7a).contains(byte | 0x20) || (0x30...0x39).contains(byte)
            || [UInt8(ascii: "$"), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
    }
}
