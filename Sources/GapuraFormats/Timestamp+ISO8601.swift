extension Timestamp {
    /// A moment of RFC 3339: `2026-12-31T16:00:00Z`, also with a fraction of a second and with `+07:00`.
    public init?(iso8601 text: String) {
        let bytes = Array(text.utf8)
        func number(_ start: Int, _ count: Int) -> Int64? {
            guard start + count <= bytes.count else { return nil }
            let digits = bytes[start..<start + count]
            guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }
        func has(_ byte: UInt8, _ place: Int) -> Bool { place < bytes.count && bytes[place] == byte }
        guard bytes.count <= 40, let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2), has(0x2d, 4),
            has(0x2d, 7),
            has(0x54, 10) || has(0x74, 10), has(0x3a, 13), has(0x3a, 16), year >= 1, (1...12).contains(month), day >= 1,
            day <= Self.days(in: month, of: year), hour < 24, minute < 60, second < 60
        else { return nil }
        var (place, fraction) = (19, Int64(0))
        if has(0x2e, place) {
            let digits = bytes[(place + 1)...].prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty else { return nil }
            for index in 0..<3 {
                let digit = index < digits.count ? Int64(digits[digits.startIndex + index] - 0x30) : 0
                fraction = fraction * 10 + digit
            }
            place += 1 + digits.count
        }
        var offset: Int64 = 0
        if has(0x5a, place) || has(0x7a, place) {
            place += 1
        } else if has(0x2b, place) || has(0x2d, place), let hours = number(place + 1, 2), has(0x3a, place + 3),
            let minutes = number(place + 4, 2), hours < 24, minutes < 60
        {
            offset = (hours * 3600 + minutes * 60) * (has(0x2b, place) ? 1 : -1)
            place += 6
        } else {
            return nil
        }
        guard place == bytes.count else { return nil }
        let seconds = Self.days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        self.init(milliseconds: seconds * 1000 + fraction)
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970 of a day of the Gregorian calendar; March begins the year, so that the day that some years have
    /// stands at its end.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = (year / 400, year % 400)
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
