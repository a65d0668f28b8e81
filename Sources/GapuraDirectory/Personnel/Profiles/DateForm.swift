/// A way to write a day: `dd-mm-yyyy`, `yyyymmdd`. A time of day behind it, after a space or a T, is passed over.
struct DateForm: Sendable, Equatable {
    let pattern: String
    private let parts: [Part]

    private enum Part: Sendable, Equatable {
        case day
        case month
        case year
        case mark(UInt8)
    }

    /// How SIASN and databases write days.
    static let usual = ["dd-mm-yyyy", "yyyy-mm-dd", "dd/mm/yyyy", "dd.mm.yyyy"].compactMap { DateForm($0) }

    /// Nil unless day, month and year stand in it once each.
    init?(_ pattern: String) {
        let words: [(String, Part)] = [("yyyy", .year), ("dd", .day), ("mm", .month)]
        var parts: [Part] = []
        var rest = pattern.lowercased()[...]
        while let first = rest.utf8.first {
            if let word = words.first(where: { rest.hasPrefix($0.0) }) {
                parts.append(word.1)
                rest = rest.dropFirst(word.0.count)
            } else {
                guard [0x20, 0x2d, 0x2e, 0x2f].contains(first) else { return nil }
                parts.append(.mark(first))
                rest = rest.dropFirst()
            }
        }
        let needed: [Part] = [.day, .month, .year]
        guard needed.allSatisfy({ part in parts.count { $0 == part } == 1 }) else { return nil }
        self.pattern = pattern.lowercased()
        self.parts = parts
    }

    func day(_ text: String) -> CalendarDate? {
        var rest = text.utf8[...]
        var (day, month, year) = (0, 0, 0)
        func take(_ count: Int) -> Int? {
            let digits = rest.prefix(count)
            guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            rest = rest.dropFirst(count)
            return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        for part in parts {
            switch part {
            case .mark(let byte):
                guard rest.first == byte else { return nil }
                rest = rest.dropFirst()
            case .day:
                guard let number = take(2) else { return nil }
                day = number
            case .month:
                guard let number = take(2) else { return nil }
                month = number
            case .year:
                guard let number = take(4) else { return nil }
                year = number
            }
        }
        guard rest.isEmpty || rest.first == 0x20 || rest.first == UInt8(ascii: "T") else { return nil }
        return CalendarDate(year: year, month: month, day: day)
    }
}
