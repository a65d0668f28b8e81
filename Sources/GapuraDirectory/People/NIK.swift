internal import GapuraFormats

/// Why a text is no NIK, or one to look at. The raw values are reasons that a load reports.
package enum NIKProblem: String, Error, Sendable {
    /// A spreadsheet stored it as a number; its last digits are lost.
    case numeric = "nik_numeric"
    /// Not 16 digits, no possible day in it, or a serial of 0000.
    case unusable = "nik_unusable"
}

/// The number of a resident (Nomor Induk Kependudukan), 16 digits that were checked when this value was made: region of
/// first registration, birth date with 40 added to a woman's day, serial.
///
/// It keeps neither a move nor a corrected birth date, so nothing is concluded from it (domain notes 1.5). It is
/// personal data that opens accounts elsewhere: it prints as dots, in logs and dumps too.
package struct NIK: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The sixteen digits. For the seal, the look-up and the claim; for nothing else.
    package let digits: String

    package var description: String { "•••" }
    package var debugDescription: String { "•••" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// The serial only: region and birth date stay covered.
    package var masked: String { "************" + digits.suffix(4) }

    /// Reads an NIK as people and spreadsheets write it.
    /// - Returns: nil for nothing at all.
    package static func parse(_ text: String) throws(NIKProblem) -> NIK? {
        guard let cleaned = IdentifierText.cleaned(text), !cleaned.isExactly("-") else { return nil }
        if IdentifierText.isFloat(cleaned) { throw .numeric }
        var values: [Int] = []
        for byte in cleaned.utf8 {
            switch byte {
            case 0x30...0x39: values.append(Int(byte - 0x30))
            case UInt8(ascii: " "), UInt8(ascii: "."), UInt8(ascii: "-"): continue
            default: throw .unusable
            }
            if values.count > 16 { throw .unusable }
        }
        guard values.count == 16 else { throw .unusable }
        func number(_ range: Range<Int>) -> Int { values[range].reduce(0) { $0 * 10 + $1 } }
        let day = number(6..<8) > 40 ? number(6..<8) - 40 : number(6..<8)
        // The century is not in it: 2000 has the leap day that 1900 lacks.
        guard CalendarDate(year: 2000 + number(10..<12), month: number(8..<10), day: day) != nil,
            number(12..<16) != 0, number(0..<6) != 0
        else { throw .unusable }
        return NIK(digits: String(decoding: values.map { UInt8($0) + 0x30 }, as: UTF8.self))
    }

    /// Provinces come and go: an unknown one is worth a look and no more.
    package var isProvinceKnown: Bool {
        switch Int(digits.prefix(2)) ?? 0 {
        case 11...21, 31...36, 51...53, 61...65, 71...76, 81...82, 91...97: true
        default: false
        }
    }
}
