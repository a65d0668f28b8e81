package import GapuraFormats
package import GapuraStore

/// What a draft would do to the tree as it is now.
package struct UnitDraftPlan: Sendable {
    /// A change of one unit.
    package struct Change: Sendable, Equatable {
        package var unit: Unit
        package var before: Unit
    }

    /// Closed, and where its people go if that was said.
    package struct Closing: Sendable, Equatable {
        package var unit: Unit
        package var successor: Unit?
        /// Who is in it today.
        package var people: Int64
    }

    package private(set) var added: [Unit] = []
    package private(set) var renamed: [Change] = []
    package private(set) var moved: [Change] = []
    package private(set) var closed: [Closing] = []
    /// Rows of the file that hang nowhere or are broken.
    package private(set) var problems: [UnitFinding] = []
    /// Whose unit, agency or way to it is another one, or has another name.
    package private(set) var people: Int64 = 0
    /// Of these, in a unit that closes without a successor: they stay in it until personnel data says more.
    package private(set) var stranded: Int64 = 0
    package private(set) var currentUnits = 0

    let units: UnitPlan

    /// Merges that name what is no closed unit, or no unit that goes on.
    package private(set) var wrongMerges: [String] = []

    /// - Parameters:
    ///   - merges: closed units to the units their people go to, by ids of personnel data.
    ///   - recordedAt: when the draft was kept. A unit that came later is none of those it leaves out.
    package init(
        _ rows: [UnitDraftRow], merges: [String: String], recordedAt: Timestamp, in tx: Transaction,
        at moment: Timestamp
    ) throws {
        let current = try tx.units.list()
        let currentIDs = Set(current.map(\.sourceID))
        let past = try tx.units.find(
            sourceIDs: Set(rows.compactMap(\.sourceID)).subtracting(currentIDs)
        ).values
        units = UnitPlan(
            rows.map {
                UnitRow(
                    row: Int($0.row), sourceID: $0.sourceID, governmentID: nil, parentID: $0.parentID, name: $0.name,
                    postName: $0.postName, kind: $0.kind, echelon: $0.echelon, headPNSID: $0.headPNSID)
            }, current: current, past: Array(past), now: moment)
        currentUnits = current.count
        added = units.added
        let changes = zip(units.previous, units.changed).map { Change(unit: $1, before: $0) }
        renamed = changes.filter { !$0.unit.name.isExactly($0.before.name) }
        moved = changes.filter { $0.unit.parentID != $0.before.parentID }
        problems = units.findings.filter { $0.reason != .vanished }
        try addClosings(units.vanished.filter { $0.validFrom <= recordedAt }, merges, tx)
    }

    private mutating func addClosings(_ ending: [Unit], _ merges: [String: String], _ tx: Transaction) throws {
        let counts = try tx.units.peopleCounts()
        let closing = Set(ending.map(\.sourceID))
        // Where people may go: what is in the file, and goes on or begins.
        var after: [String: Unit] = [:]
        for unit in try tx.units.list() where !closing.contains(unit.sourceID) { after[unit.sourceID] = unit }
        for unit in units.added + units.changed { after[unit.sourceID] = unit }
        closed = ending.map { unit in
            Closing(
                unit: unit, successor: merges[unit.sourceID].flatMap { after[$0] }, people: counts[unit.id] ?? 0)
        }
        wrongMerges = merges.filter { !closing.contains($0.key) || after[$0.value] == nil }.keys.sorted()
        stranded = closed.filter { $0.successor == nil }.reduce(0) { $0 + $1.people }
        // A new name or place is a new way for everybody below it, as the tree is now.
        let roots = (renamed + moved).map(\.before.path) + closed.map(\.unit.path)
        let touched = Set(roots)
        for unit in try tx.units.list() {
            var way = ""
            let isTouched = unit.path.split(separator: "/").contains { id in
                way += id + "/"
                return touched.contains(way)
            }
            if isTouched { people += counts[unit.id] ?? 0 }
        }
    }

    /// The counts as they stand in the audit.
    var counts: JSONObject {
        [
            "added": .integer(Int64(added.count)), "renamed": .integer(Int64(renamed.count)),
            "moved": .integer(Int64(moved.count)), "closed": .integer(Int64(closed.count)),
            "merged": .integer(Int64(closed.count { $0.successor != nil })), "people": .integer(people),
        ]
    }
}
