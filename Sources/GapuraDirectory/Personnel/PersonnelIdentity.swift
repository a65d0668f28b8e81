internal import GapuraFormats
internal import GapuraStore
internal import GapuraTabular

/// The NIK of one row. It lives as long as the plan, in memory only, and prints as dots.
struct PersonnelIdentity: Sendable {
    let row: Int
    let pnsID: String
    let nik: NIK
}

/// NIKs as a file says them. What is wrong with one costs the NIK and never the row.
struct PersonnelIdentities: Sendable {
    private var taken: [PersonnelIdentity] = []

    /// - Returns: what is to be looked at.
    mutating func take(_ row: PersonnelRow, _ pnsID: String) -> [PersonnelReason] {
        do {
            guard let nik = try Self.nik(row[.nik]) else { return [] }
            taken.append(PersonnelIdentity(row: row.number, pnsID: pnsID, nik: nik))
            var reasons: [PersonnelReason] = []
            if !nik.isProvinceKnown { reasons.append(.nikProvinceUnknown) }
            if Self.isDoubted(row[.nikIsValid]) { reasons.append(.nikUnconfirmed) }
            return reasons
        } catch {
            return [error == .numeric ? .nikNumeric : .nikUnusable]
        }
    }

    /// Two rows with one NIK: nobody can say whose it is, so neither gets it.
    mutating func takeShared() -> [PersonnelIdentity] {
        let owners = Dictionary(taken.map { ($0.nik, 1) }, uniquingKeysWith: +)
        let shared = taken.filter { owners[$0.nik, default: 0] > 1 }
        taken.removeAll { owners[$0.nik, default: 0] > 1 }
        return shared
    }

    /// Those of rows that were accepted.
    func accepted(besides rejected: [PersonnelFinding]) -> [PersonnelIdentity] {
        let rows = Set(rejected.map(\.row))
        return taken.filter { !rows.contains($0.row) }
    }

    private static func nik(_ cell: TabularCell) throws(NIKProblem) -> NIK? {
        switch cell {
        case .text(let text): try NIK.parse(text)
        // Sixteen digits are one more than a spreadsheet's number keeps.
        case .number: throw .numeric
        case .empty: nil
        case .formula, .bool, .error: throw .unusable
        }
    }

    /// Whether SIASN says that Dukcapil did not confirm it.
    private static func isDoubted(_ cell: TabularCell) -> Bool {
        switch cell {
        case .bool(let truth): !truth
        case .text, .number:
            ["0", "false", "f", "tidak", "n"].contains { CellText.identifier(cell)?.lowercased().isExactly($0) == true }
        case .empty, .formula, .error: false
        }
    }
}

/// What a load writes of NIKs, made before its transaction.
struct IdentityWork: Sendable {
    let changed: [SealedIdentity]

    /// - Parameters:
    ///   - people: whose row is whose, of everybody in the file.
    ///   - known: every keyed hash that is stored.
    init(
        _ identities: [PersonnelIdentity], people: [String: PersonID], known: [PersonID: String],
        _ vault: IdentityVault,
        now: Timestamp
    ) throws {
        let owners = Dictionary(known.map { ($0.value, $0.key) }) { first, _ in first }
        var named: [PersonID: String] = [:]
        var wishes: [(person: PersonID, identity: PersonnelIdentity, lookup: String)] = []
        for identity in identities {
            guard let person = people[identity.pnsID] else { continue }
            let lookup = try vault.lookup(identity.nik)
            named[person] = lookup
            if known[person]?.isExactly(lookup) != true { wishes.append((person, identity, lookup)) }
        }
        // A number that is somebody else's stays there, unless that one has another in this very file.
        changed = try wishes.filter { wish in
            guard let owner = owners[wish.lookup], owner != wish.person else { return true }
            return named[owner].map { !$0.isExactly(wish.lookup) } ?? false
        }.map { wish in
            SealedIdentity(
                personID: wish.person, sealed: try vault.seal(wish.identity.nik, of: wish.person), lookup: wish.lookup,
                changedAt: now)
        }
    }
}
