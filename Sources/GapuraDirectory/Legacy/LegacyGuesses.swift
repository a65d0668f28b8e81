import Foundation
import GapuraFormats
import GapuraStore

/// What anybody would try first as somebody's old password: the NIP and its parts, the birth date that stands in it,
/// the user name. Such a password never signs anybody in, whatever the old application allowed.
struct LegacyGuesses: Sendable, Equatable {
    /// NIPs, of today and earlier.
    private let numbers: [String]
    private let names: [String]

    static let none = LegacyGuesses(numbers: [], names: [])

    /// - Parameters:
    ///   - numbers: every NIP of the person, and what the old application had as one.
    ///   - names: user names here and there.
    init(numbers: [String], names: [String]) {
        self.numbers = Self.unique(numbers.map(Self.digits).filter { $0.utf8.count >= 4 })
        self.names = Self.unique(names.flatMap { [$0, nameKey($0)] }.filter { !$0.isEmpty })
    }

    /// Passwords so common that a list of them is the first thing tried, with no person in them.
    static let common = [
        "123456", "12345678", "123456789", "password", "12345", "admin123", "1234", "rahasia", "1234567", "1234567890",
        "111111", "000000", "654321", "123123", "112233", "Password", "password123", "admin", "administrator", "user",
        "user123", "pegawai", "pegawai123", "rahasia123", "qwerty", "bismillah", "indonesia", "sayang",
        "pns", "asn", "pnsasn", "sipd", "kominfo", "bkd", "bkpsdm", "test", "test123", "guest", "pass", "pass123",
    ]

    /// All that is tried against a hash that is quick to compute.
    var all: [String] { Self.unique(few + numbers.flatMap(Self.parts)) }

    /// Fewer, for hashes that take milliseconds.
    var some: [String] { Self.unique(few + numbers.flatMap(Self.dates)) }

    /// The likeliest, for hashes of which each takes long; the rest is caught when it is typed (`holds`).
    var few: [String] { Self.unique(numbers.flatMap { [$0, String($0.suffix(9))] } + names) }

    /// Whether what somebody types is one of these, or one of the commonest: any run of digits of the NIP, any spelling
    /// of the birth date.
    func holds(_ typed: String) -> Bool {
        let folded = nameKey(typed)
        if Self.common.contains(where: { nameKey($0).isExactly(folded) }) { return true }
        if names.contains(where: { nameKey($0).isExactly(folded) }) { return true }
        // Spaces and signs between digits change nothing: 01-01-1890, 18900101 191501 1 001.
        guard !folded.isEmpty, typed.utf8.allSatisfy({ $0 < 0x41 }) else { return false }
        let digits = Self.digits(typed)
        guard digits.utf8.count >= 4 else { return digits.utf8.count == typed.utf8.count }
        return numbers.contains { number in
            number.utf8.firstRange(of: digits.utf8) != nil || Self.dates(number).contains { $0.isExactly(digits) }
        }
    }

    private static func parts(_ number: String) -> [String] {
        var parts = dates(number)
        let count = number.utf8.count
        guard count > 6 else { return parts }
        for length in 6..<count { parts += [String(number.prefix(length)), String(number.suffix(length))] }
        let date = Array(dates(number).prefix(1)).first.map { Array($0.utf8) } ?? []
        if date.count == 8 {
            let (year, month, day) = (text(date[0..<4]), text(date[4..<6]), text(date[6..<8]))
            for sign in ["-", "/", "."] {
                parts += [day + sign + month + sign + year, year + sign + month + sign + day]
            }
        }
        return parts
    }

    /// The birth date in a number, as people write dates without signs.
    private static func dates(_ number: String) -> [String] {
        let digits = Array(number.utf8)
        guard digits.count == 18 else { return [] }
        let (year, short) = (text(digits[0..<4]), text(digits[2..<4]))
        let (month, day) = (text(digits[4..<6]), text(digits[6..<8]))
        return [year + month + day, day + month + year, day + month + short, short + month + day, month + day + year]
    }

    private static func text(_ digits: ArraySlice<UInt8>) -> String { String(decoding: digits, as: UTF8.self) }

    private static func digits(_ text: String) -> String {
        String(decoding: text.utf8.filter { (0x30...0x39).contains($0) }, as: UTF8.self)
    }

    private static func unique(_ texts: [String]) -> [String] {
        var seen: Set<ExactText> = []
        return texts.filter { seen.insert(ExactText($0)).inserted }
    }
}

/// Bytes of a typed password as an old application hashed them: UTF-8, composed.
///
/// Unlike our own hashes, spaces stay as they are: the old application knew no other way.
enum LegacyText {
    static func bytes(_ typed: String) -> [UInt8] {
        Array(typed.precomposedStringWithCanonicalMapping.utf8)
    }
}
