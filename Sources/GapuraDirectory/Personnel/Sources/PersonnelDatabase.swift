package import GapuraStore
internal import GapuraTabular

/// A table of somebody else's database as a source: a view, or what one SELECT answers.
package struct PersonnelDatabase: PersonnelOrigin {
    package let name: String
    private let database: ForeignDatabase
    private let query: ForeignQuery
    private let profile: PersonnelProfile

    /// - Parameter label: what is read, for people: a view's name, the name of the query's file.
    package init(_ database: ForeignDatabase, _ query: ForeignQuery, label: String, profile: PersonnelProfile) {
        self.database = database
        self.query = query
        self.profile = profile
        name = "\(database.label) \(label)"
    }

    /// The database as the profile says it is reached.
    package static func reach(
        _ url: String, by profile: PersonnelProfile
    ) throws(PersonnelSourceError) -> ForeignDatabase {
        guard profile.format == .any || profile.format == .sql else {
            throw .format(profile: profile.name, file: "a database")
        }
        var database: ForeignDatabase
        do { database = try ForeignDatabase(url: url) } catch { throw .database(error) }
        let connection = profile.connection
        database.password =
            connection.passwordFile.map { .file($0) } ?? connection.passwordVariable.map { .variable($0) }
        if let encryption = connection.encryption { database.encryption = encryption }
        database.certificates = connection.certificates
        database.connectSeconds = connection.connectSeconds
        database.readSeconds = connection.readSeconds
        database.totalSeconds = connection.totalSeconds
        return database
    }

    package func readPeople(
        withNIK: Bool, _ stop: any PersonnelStop, _ body: (any PersonnelSource) throws -> Void
    ) throws -> String {
        let tally = RowTally()
        try translated {
            try body(
                TableSource(
                    SQLTableReader(database, query, stop, tally), profile: profile, withNIK: withNIK))
        }
        return digest(tally)
    }

    package func readUnits(_ stop: any PersonnelStop) throws -> (rows: [UnitRow], digest: String) {
        let tally = RowTally()
        let rows = try translated {
            try UnitFileSource(SQLTableReader(database, query, stop, tally), profile: profile).read()
        }
        return (rows, digest(tally))
    }

    /// Nothing to ask: what is applied are the rows that were shown. A database in use has changed a moment later, and
    /// would never be found unchanged.
    package func check(_ digest: String) throws {}

    private func translated<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as ForeignDatabaseError { throw PersonnelSourceError.database(error) }
    }

    private func digest(_ tally: RowTally) -> String {
        tally.digest.finish(tally.columns + [profile.yaml])
    }
}

/// What passed through a reader.
private final class RowTally {
    var columns: [String?] = []
    var digest = RowDigest()
}

/// The answer of a database as a table; its header is row 1.
private struct SQLTableReader: TabularReader {
    private let database: ForeignDatabase
    private let query: ForeignQuery
    private let stop: any PersonnelStop
    private let tally: RowTally

    init(_ database: ForeignDatabase, _ query: ForeignQuery, _ stop: any PersonnelStop, _ tally: RowTally) {
        self.database = database
        self.query = query
        self.stop = stop
        self.tally = tally
    }

    mutating func read(header: (TabularRow) throws -> ColumnSelection, row: (TabularRow) throws -> Void) throws {
        let interrupt = ForeignInterrupt()
        stop.onStop { interrupt.end(.cancelled) }
        defer { stop.onStop {} }
        let limit = TabularLimits().maximumRows
        var places: [Int] = []
        var number = 1
        try database.read(query, interrupt: interrupt) { names in
            let selection = try header(TabularRow(number: 1, cells: names.map { .text($0) }))
            places = names.indices.filter { selection.contains($0) }
            tally.columns = places.map { names[$0] }
            return names.indices.map { selection.contains($0) }
        } row: { values in
            number += 1
            guard number <= limit else { throw TabularError(.tooManyRows, row: number, "more than \(limit) rows") }
            var cells = [TabularCell](repeating: .empty, count: values.count)
            var texts: [String?] = []
            texts.reserveCapacity(places.count)
            for place in places {
                switch values[place] {
                case .text(let text):
                    cells[place] = .text(text)
                    texts.append(text)
                case .float(let text):
                    cells[place] = .number(raw: text)
                    texts.append(text)
                case .null, nil: texts.append(nil)
                }
            }
            try tally.digest.add(texts)
            try row(TabularRow(number: number, cells: cells))
        }
        // A view over a table that was emptied to be filled again, or over which we see nothing any more.
        guard number > 1 else { throw ForeignDatabaseError(.noRows, "the query answers no rows") }
    }
}
