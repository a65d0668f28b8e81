import GapuraDirectory
package import GapuraFormats

/// Moments as text: ISO 8601 in UTC, and the days of the city.
package enum TimeText {
    /// `2026-09-30T16:59:59.123Z`.
    package static func iso8601(_ moment: Timestamp) -> String {
        let milliseconds = min(max(moment.milliseconds, -62_135_596_800_000), 253_402_300_799_999)
        let (days, rest) = floorDivide(milliseconds, 86_400_000)
        let (year, month, day) = civil(days)
        let seconds = rest / 1000
        return
            "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(seconds / 3600, 2)):\(pad(seconds / 60 % 60, 2)):\(pad(seconds % 60, 2))"
            + ".\(pad(rest % 1000, 3))Z"
    }

    /// `2026-12-31`, which ends with that day in the city's time zone, or `2026-12-31T16:00:00Z`.
    package static func parse(_ text: String, in timeZone: String) -> Timestamp? {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int64? {
            guard bytes.count >= range.upperBound, bytes[range].allSatisfy({ (0x30...0x39).contains($0) }) else {
                return nil
            }
            return bytes[range].reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
        }
        func has(_ byte: Unicode.Scalar, _ place: Int) -> Bool {
            bytes.count > place && bytes[place] == UInt8(ascii: byte)
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), has("-", 4), has("-", 7),
            year >= 1970,
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let days = day0(year, month, day)
        guard civil(days) == (year, month, day) else { return nil }
        let start = days * 86_400
        if bytes.count == 10 { return Timestamp(seconds: start + 86_400 - CityCalendar(timeZone: timeZone).offset) }
        guard bytes.count == 20, has("T", 10), has(":", 13), has(":", 16), has("Z", 19), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), hour < 24, minute < 60, second < 60
        else { return nil }
        return Timestamp(seconds: start + hour * 3600 + minute * 60 + second)
    }

    /// Howard Hinnant's days_from_civil and its inverse, <https://howardhinnant.github.io/date_algorithms.html>.
    private static func day0(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floorDivide(shifted, 400)
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func floorDivide(_ number: Int64, _ divisor: Int64) -> (quotient: Int64, rest: Int64) {
        let quotient = number >= 0 ? number / divisor : (number - divisor + 1) / divisor
        return (quotient, number - quotient * divisor)
    }

    private static func pad(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}

extension JSONValue {
    /// A moment in ISO 8601, or null.
    static func time(_ moment: Timestamp?) -> JSONValue {
        moment.map { .string(TimeText.iso8601($0)) } ?? .null
    }

    static func text(_ text: String?) -> JSONValue {
        text.map { .string($0) } ?? .null
    }
}
