internal import GapuraFormats
internal import GapuraTabular

/// People whom SIASN's web service was asked about, one by one: a table whose columns are the members of its answers,
/// understood by a profile as any other. Who asks is `Gapura/Personnel`: here is no network.
package struct SIASNOrigin: PersonnelOrigin {
    package let name: String
    private let people: [SIASNPerson]

    package init(_ people: [SIASNPerson], name: String = "SIASN data-utama") {
        self.people = people
        self.name = name
    }

    package func readPeople(
        withNIK: Bool, _ stop: any PersonnelStop, _ body: (any PersonnelSource) throws -> Void
    ) throws -> String {
        let tally = Tally()
        try body(
            TableSource(Reader(people: people, stop: stop, tally: tally), profile: .siasnService, withNIK: withNIK))
        return tally.digest.finish(tally.columns)
    }

    package func readUnits(_ stop: any PersonnelStop) throws -> (rows: [UnitRow], digest: String) {
        throw PersonnelSourceError.file("\(name) has no units")
    }

    /// The answers are in memory and cannot change.
    package func check(_ digest: String) throws {}

    private final class Tally {
        var columns: [String?] = []
        var digest = RowDigest()
    }

    private struct Reader: TabularReader {
        let people: [SIASNPerson]
        let stop: any PersonnelStop
        let tally: Tally

        mutating func read(header: (TabularRow) throws -> ColumnSelection, row: (TabularRow) throws -> Void) throws {
            var names: [String] = []
            var known: Set<ExactText> = []
            for person in people {
                for key in person.members.keys where known.insert(ExactText(key)).inserted { names.append(key) }
            }
            let selection = try header(TabularRow(number: 1, cells: names.map { .text($0) }))
            let places = names.indices.filter { selection.contains($0) }
            tally.columns = places.map { names[$0] }
            for (index, person) in people.enumerated() {
                if index.isMultiple(of: 1000) { try stop.check() }
                var cells = [TabularCell](repeating: .empty, count: names.count)
                for place in places { cells[place] = TabularCell(person.members[names[place]]) }
                try tally.digest.add(places.map { person.members[names[$0]]?.encodedText() })
                try row(TabularRow(number: index + 2, cells: cells))
            }
        }
    }
}

extension TabularCell {
    /// A whole number has all its digits; one with a fraction or an exponent has lost some.
    fileprivate init(_ value: JSONValue?) {
        switch value {
        case .string(let text)?: self = .text(text)
        case .integer(let number)?: self = .text(String(number))
        case .double(let number)?: self = .number(raw: String(number))
        case .bool(let truth)?: self = .bool(truth)
        case .null?, .array?, .object?, nil: self = .empty
        }
    }
}
