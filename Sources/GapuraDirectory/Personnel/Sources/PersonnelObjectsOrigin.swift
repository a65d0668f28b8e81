package import GapuraFormats
import GapuraTabular

/// People or units as JSON objects, each member a column, understood by a profile: what an API call brought, or a
/// service answered.
package struct PersonnelObjectsOrigin: PersonnelOrigin {
    package let name: String
    private let objects: [JSONObject]
    private let profile: PersonnelProfile

    /// - Parameter name: for people to recognise; stands in the record of the load.
    package init(_ objects: [JSONObject], name: String, profile: PersonnelProfile) {
        self.objects = objects
        self.name = name
        self.profile = profile
    }

    /// What SIASN answered.
    package static func siasn(_ people: [SIASNPerson]) -> PersonnelObjectsOrigin {
        PersonnelObjectsOrigin(people.map(\.members), name: "SIASN data-utama", profile: .siasnService)
    }

    package func readPeople(
        withNIK: Bool, _ stop: any PersonnelStop, _ body: (any PersonnelSource) throws -> Void
    ) throws -> String {
        let tally = Tally()
        try body(
            TableSource(Reader(objects: objects, stop: stop, tally: tally), profile: profile, withNIK: withNIK))
        return tally.finish(profile)
    }

    package func readUnits(_ stop: any PersonnelStop) throws -> (rows: [UnitRow], digest: String) {
        let tally = Tally()
        let rows = try UnitFileSource(Reader(objects: objects, stop: stop, tally: tally), profile: profile).read()
        return (rows, tally.finish(profile))
    }

    /// They are in memory and cannot change.
    package func check(_ digest: String) throws {}

    private final class Tally {
        var columns: [String?] = []
        var digest = RowDigest()

        func finish(_ profile: PersonnelProfile) -> String { digest.finish(columns + [profile.yaml]) }
    }

    /// Objects as the rows of one table: its columns are all members that any of them has.
    private struct Reader: TabularReader {
        let objects: [JSONObject]
        let stop: any PersonnelStop
        let tally: Tally

        mutating func read(header: (TabularRow) throws -> ColumnSelection, row: (TabularRow) throws -> Void) throws {
            var names: [String] = []
            var known: Set<ExactText> = []
            let limit = TabularLimits().maximumColumns
            for (index, object) in objects.enumerated() {
                for key in object.keys where known.insert(ExactText(key)).inserted { names.append(key) }
                guard names.count <= limit else {
                    throw TabularError(.tooManyColumns, row: index + 2, "more than \(limit) members")
                }
            }
            let selection = try header(TabularRow(number: 1, cells: names.map { .text($0) }))
            let places = names.indices.filter { selection.contains($0) }
            tally.columns = places.map { names[$0] }
            for (index, object) in objects.enumerated() {
                if index.isMultiple(of: 1000) { try stop.check() }
                var cells = [TabularCell](repeating: .empty, count: names.count)
                for place in places { cells[place] = TabularCell(object[names[place]]) }
                try tally.digest.add(places.map { object[names[$0]]?.encodedText() })
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
