internal import GapuraFormats
package import GapuraStore

/// A unit that was not taken, or one the file no longer has.
package struct UnitFinding: Sendable, Equatable {
    package enum Reason: String, Sendable, CaseIterable {
        case idMissing = "unit_id_missing"
        case nameMissing = "unit_name_missing"
        case duplicate = "unit_duplicate"
        /// Its parent, or one further up, is not in the file.
        case parentMissing = "unit_parent_missing"
        /// It stands above itself, or below units that do.
        case cycle = "unit_cycle"
        case tooDeep = "unit_too_deep"
        /// Known, and not in the file any more. It stays as it is.
        case vanished = "unit_vanished"
    }

    package var row: Int?
    package var sourceID: String?
    package var reason: Reason
}

/// The rows of a unit file put in order: parents before children, and apart from them whatever hangs nowhere.
struct UnitTree {
    /// No government is as deep; the limit keeps paths short.
    static let maximumDepth = 32

    struct Node {
        let row: UnitRow
        let sourceID: String
        let name: String
        let depth: Int
    }

    private(set) var nodes: [Node] = []
    private(set) var findings: [UnitFinding] = []

    init(_ rows: [UnitRow]) {
        var known: [String: (row: UnitRow, id: String, name: String)] = [:]
        let counts = Dictionary(rows.compactMap { row in row.sourceID.map { ($0, 1) } }, uniquingKeysWith: +)
        var children: [String: [String]] = [:]
        var roots: [String] = []
        for row in rows {
            guard let id = row.sourceID else {
                findings.append(UnitFinding(row: row.row, sourceID: nil, reason: .idMissing))
                continue
            }
            guard counts[id] == 1 else {
                findings.append(UnitFinding(row: row.row, sourceID: id, reason: .duplicate))
                continue
            }
            guard let name = row.name else {
                findings.append(UnitFinding(row: row.row, sourceID: id, reason: .nameMissing))
                continue
            }
            known[id] = (row, id, name)
            if let parent = row.parentID { children[parent, default: []].append(id) } else { roots.append(id) }
        }
        // Level by level from the roots: a queue, because a recursion could be made as deep as the file is long.
        var level = roots
        var depth = 0
        var reached: Set<String> = []
        while !level.isEmpty {
            for id in level {
                guard let unit = known[id] else { continue }
                reached.insert(id)
                if depth < Self.maximumDepth {
                    nodes.append(Node(row: unit.row, sourceID: id, name: unit.name, depth: depth))
                } else {
                    findings.append(UnitFinding(row: unit.row.row, sourceID: id, reason: .tooDeep))
                }
            }
            level = level.flatMap { children[$0] ?? [] }
            depth += 1
        }
        let parents = known.mapValues { $0.row.parentID }
        for unit in known.values where !reached.contains(unit.id) {
            let reason = Self.reason(unit.id, parents)
            findings.append(UnitFinding(row: unit.row.row, sourceID: unit.id, reason: reason))
        }
        findings.sort { ($0.row ?? 0) < ($1.row ?? 0) }
    }

    /// Why a unit hangs nowhere: going up ends at an unknown parent, or comes round.
    private static func reason(_ id: String, _ parents: [String: String?]) -> UnitFinding.Reason {
        var visited: Set<String> = []
        var current = id
        while visited.insert(current).inserted {
            guard let entry = parents[current] else { return .parentMissing }
            guard let parent = entry else { return .parentMissing }
            current = parent
        }
        return .cycle
    }
}

/// What a unit file would do to the organisation tree.
package struct UnitPlan: Sendable {
    /// Rows of the file.
    package var rows = 0
    /// Top units under the government: agencies.
    package var agencies = 0
    package var added: [Unit] = []
    package var changed: [Unit] = []
    /// The changed ones as they are.
    package var previous: [Unit] = []
    package var unchanged = 0
    package var renamed = 0
    package var findings: [UnitFinding] = []

    /// The unit behind each id of the source, as it will be.
    var idsBySource: [String: UnitID] = [:]
    /// Current units that the file does not have any more.
    var vanished: [Unit] = []

    /// Without a unit file: the tree as it is.
    init(current: [Unit]) {
        for unit in current { idsBySource[unit.sourceID] = unit.id }
        unchanged = current.count
        agencies = current.count { $0.agencyID == $0.id }
    }

    /// - Parameter past: units that ended and are in the file again.
    init(_ rows: [UnitRow], current: [Unit], past: [Unit], now: Timestamp) {
        let tree = UnitTree(rows)
        self.rows = rows.count
        findings = tree.findings
        let known = Dictionary((current + past).map { ($0.sourceID, $0) }) { first, _ in first }
        for unit in current { idsBySource[unit.sourceID] = unit.id }
        var planned: [String: Unit] = [:]
        for node in tree.nodes {
            let parent = node.row.parentID.flatMap { planned[$0] }
            let old = known[node.sourceID]
            let id = old?.id ?? UnitID.make(now: now)
            let unit = Unit(
                id: id, sourceID: node.sourceID, parentID: parent?.id,
                agencyID: node.depth == 0 ? nil : node.depth == 1 ? id : parent?.agencyID, name: node.name,
                postName: node.row.postName, kind: node.row.kind, echelon: node.row.echelon,
                path: (parent?.path ?? "") + id.text + "/", headPNSID: node.row.headPNSID,
                validFrom: old?.validFrom ?? now, validTo: nil
            )
            planned[node.sourceID] = unit
            idsBySource[node.sourceID] = id
            if node.depth == 1 { agencies += 1 }
            guard let old else {
                added.append(unit)
                continue
            }
            if old == unit {
                unchanged += 1
            } else {
                changed.append(unit)
                previous.append(old)
                if old.name != unit.name { renamed += 1 }
            }
        }
        follow(rows, current, planned)
    }

    /// What the file does not have any more stays, and goes with what it hangs below.
    private mutating func follow(_ rows: [UnitRow], _ current: [Unit], _ planned: [String: Unit]) {
        let named = Set(rows.compactMap(\.sourceID))
        var after = Dictionary(planned.values.map { ($0.id, $0) }) { first, _ in first }
        // Parents before their children.
        for old in current.sorted(by: { $0.path < $1.path }) where !named.contains(old.sourceID) {
            var unit = old
            if let parent = old.parentID.flatMap({ after[$0] }) {
                unit.path = parent.path + old.id.text + "/"
                unit.agencyID = parent.parentID == nil ? old.id : parent.agencyID
            }
            after[unit.id] = unit
            findings.append(UnitFinding(row: nil, sourceID: old.sourceID, reason: .vanished))
            vanished.append(unit)
            guard unit != old else { continue }
            changed.append(unit)
            previous.append(old)
        }
    }
}
