/// A source of which no more rows are taken than a load of some people may have.
struct LimitedSource: PersonnelSource {
    private let source: any PersonnelSource
    private let limit: Int

    var name: String { source.name }

    init(_ source: any PersonnelSource, limit: Int = PersonnelCoverage.maximumListedRows) {
        self.source = source
        self.limit = limit
    }

    /// - Throws: `PersonnelRefusal.tooManyRows`
    func read(_ take: (PersonnelRow) throws -> Void) throws {
        var count = 0
        try source.read { row in
            count += 1
            guard count <= limit else { throw PersonnelRefusal.tooManyRows(limit) }
            try take(row)
        }
    }
}
