package import GapuraFormats

/// The days of the city: where they begin and end as moments.
package struct CityCalendar: Sendable {
    /// Seconds east of UTC: WIB, WITA or WIT, which know no summer time.
    package let offset: Int64

    package init(timeZone: String) {
        offset =
            switch timeZone {
            case "Asia/Makassar": 8 * 3600
            case "Asia/Jayapura": 9 * 3600
            default: 7 * 3600
            }
    }

    /// The first moment of a day.
    package func start(of day: CalendarDate) -> Timestamp {
        day.midnight.adding(seconds: -offset)
    }

    /// The first moment after a day.
    package func end(of day: CalendarDate) -> Timestamp {
        start(of: day).adding(seconds: 86_400)
    }

    /// The day in which a moment lies; nothing outside the years 1 to 9999.
    package func day(of moment: Timestamp) -> CalendarDate? {
        let seconds = moment.adding(seconds: offset).seconds
        return CalendarDate(daysSince1970: Int((seconds - (seconds % 86_400 + 86_400) % 86_400) / 86_400))
    }

    /// The last day before a moment that is an end.
    package func lastDay(before end: Timestamp) -> CalendarDate? {
        day(of: end.adding(milliseconds: -1))
    }
}

extension CalendarDate {
    /// The same day so many months later, and the first day of the month after where that month is too short: whatever
    /// ends before it has lasted so many months at most.
    package func adding(months: Int) -> CalendarDate? {
        let index = year * 12 + month - 1 + months
        let (year, month) = (index / 12, index % 12 + 1)
        return CalendarDate(year: year, month: month, day: day)
            ?? CalendarDate(year: month == 12 ? year + 1 : year, month: month % 12 + 1, day: 1)
    }

    /// `2026-09-01`.
    package var iso8601: String {
        func pad(_ number: Int, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
        }
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))"
    }
}
