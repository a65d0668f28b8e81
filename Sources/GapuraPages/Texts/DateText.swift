import Gapura
import GapuraFormats

/// A moment as people read it: "22 November 2026 07.30 WIB", in English "22 November 2026, 07:30 WIB". Always in the
/// city's zone, never the browser's.
struct DateText {
    let zone: (offsetSeconds: Int, name: String)
    let language: Language

    /// For people; nothing for a moment that no calendar of theirs has.
    func text(_ moment: Timestamp) -> String? {
        guard let time = parts(moment) else { return nil }
        let minutes = Self.two(time.minute)
        let hours = Self.two(time.hour)
        switch language {
        case .indonesian:
            return "\(time.day) \(Self.indonesianMonths[time.month - 1]) \(time.year) \(hours).\(minutes) \(zone.name)"
        case .english:
            return "\(time.day) \(Self.englishMonths[time.month - 1]) \(time.year), \(hours):\(minutes) \(zone.name)"
        }
    }

    /// For `<time datetime>`.
    func machine(_ moment: Timestamp) -> String? {
        guard let time = parts(moment) else { return nil }
        let offset = abs(zone.offsetSeconds) / 60
        let date = "\(time.year)-\(Self.two(time.month))-\(Self.two(time.day))"
        return "\(date)T\(Self.two(time.hour)):\(Self.two(time.minute))"
            + "\(zone.offsetSeconds < 0 ? "-" : "+")\(Self.two(offset / 60)):\(Self.two(offset % 60))"
    }

    /// Calendar of the city; days by the usual reckoning from 1 March of the year 0 (Howard Hinnant's
    /// `civil_from_days`).
    private func parts(_ moment: Timestamp) -> (year: Int, month: Int, day: Int, hour: Int, minute: Int)? {
        // Years 1000 to 9999, with a day to spare for the zone.
        guard (-30_610_137_600_000..<253_402_214_400_000).contains(moment.milliseconds) else { return nil }
        let seconds = moment.adding(seconds: Int64(zone.offsetSeconds)).seconds
        let days = Int(seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400)
        let second = Int(seconds) - days * 86400
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, second / 3600, second % 3600 / 60)
    }

    private static func two(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }

    private static let indonesianMonths = [
        "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November",
        "Desember",
    ]
    private static let englishMonths = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
}
