internal import GapuraFormats

/// The number of a civil servant: an NIP (PNS, CPNS) or an NI PPPK, 18 digits that were checked when this value was
/// made.
///
/// Layout: birth date `YYYYMMDD`, then `YYYYMM` of the appointment (PNS) or `YYYY`, `2` and the number of the contract
/// (PPPK), then the sex digit and a serial. It is no secret and no key: it says when somebody was born, is printed on
/// letters, and changes (Perka BKN 22/2007; domain notes 1.2, 1.3).
package struct NIP: Hashable, Sendable, CustomStringConvertible {
    /// Which numbering the digits follow.
    package enum Layout: String, Sendable {
        case pns
        case pppk
        /// Digits 13 and 14 fit neither: accepted, and put on the review list of BKPSDM.
        case unknown
    }

    /// The eighteen digits.
    package let digits: String
    package let layout: Layout
    package let birthDate: CalendarDate
    /// 1 for a man, 2 for a woman.
    package let sexDigit: Int

    /// Prints no digits: an NIP does not belong in a log.
    package var description: String { "NIP(\(layout.rawValue))" }

    /// Reads an NIP as people and spreadsheets write it: spaces, dots and hyphens between the groups, an apostrophe in
    /// front.
    ///
    /// - Parameter allowsFixtureYears: accepts people born 18xx, who cannot exist, as test data has them. A real city
    ///   leaves it off.
    package static func parse(_ text: String, allowsFixtureYears: Bool) throws(IdentifierProblem) -> NIP {
        guard let cleaned = IdentifierText.cleaned(text) else { throw .missing }
        if IdentifierText.hasInvisible(cleaned) { throw .invisible }
        if IdentifierText.isFloat(cleaned) { throw .numeric }
        var values: [Int] = []
        for byte in cleaned.utf8 {
            switch byte {
            case 0x30...0x39: values.append(Int(byte - 0x30))
            case UInt8(ascii: " "), UInt8(ascii: "."), UInt8(ascii: "-"): continue
            default: throw .length
            }
            if values.count > 18 { throw .length }
        }
        guard values.count == 18 else { throw .length }
        func number(_ range: Range<Int>) -> Int { values[range].reduce(0) { $0 * 10 + $1 } }

        let year = number(0..<4)
        guard (1900..<2100).contains(year) || allowsFixtureYears && (1800..<1900).contains(year),
            let birthDate = CalendarDate(year: year, month: number(4..<6), day: number(6..<8))
        else { throw .birthDate }
        let sexDigit = values[14]
        guard sexDigit == 1 || sexDigit == 2 else { throw .sexDigit }
        guard number(15..<18) != 0 else { throw .serialZero }
        let layout: Layout =
            switch number(12..<14) {
            case 1...12: .pns
            case 21...29: .pppk
            default: .unknown
            }
        let digits = String(decoding: values.map { UInt8($0) + 0x30 }, as: UTF8.self)
        return NIP(digits: digits, layout: layout, birthDate: birthDate, sexDigit: sexDigit)
    }
}
