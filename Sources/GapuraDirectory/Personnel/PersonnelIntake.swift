internal import GapuraStore
internal import GapuraTabular

/// Turns the rows of a source into checked records, and says about every other row why not. It knows no database.
struct PersonnelIntake: Sendable {
    /// Test data has people born 18xx; a real city refuses them.
    let allowsFixtureYears: Bool

    private(set) var rows = 0
    private(set) var records: [PersonnelRecord] = []
    private(set) var rejected: [PersonnelFinding] = []
    private(set) var warnings: [PersonnelFinding] = []
    /// Every usable `pns_id` of the file, of refused rows too: these people have not vanished.
    private(set) var seen: Set<String> = []
    private var rowsByNIP: [String: [(row: Int, pnsID: String?)]] = [:]
    private var rowsByPNSID: [String: [Int]] = [:]

    init(allowsFixtureYears: Bool) {
        self.allowsFixtureYears = allowsFixtureYears
    }

    /// Reads a source to its end.
    /// - Parameter check: asked now and then; what it throws ends the reading.
    mutating func read(_ source: some PersonnelSource, check: () throws -> Void = {}) throws {
        try source.read { row in
            if row.isBlank { return }
            rows += 1
            if rows.isMultiple(of: 1000) { try check() }
            take(row)
        }
        refuseDuplicates()
    }

    /// Takes the records of these rows out again, because the directory contradicts them.
    mutating func reject(_ rows: Set<Int>, _ reason: PersonnelReason) {
        guard !rows.isEmpty else { return }
        let refused = records.filter { rows.contains($0.row) }
        let ids = Dictionary(refused.map { ($0.row, $0.pnsID) }) { first, _ in first }
        reject(rows: rows, reason) { ids[$0] }
        rejected.sort { $0.row < $1.row }
    }

    // MARK: One row

    private mutating func take(_ row: PersonnelRow) {
        var pnsID: String?
        var problem: PersonnelReason?
        do throws(IdentifierProblem) {
            pnsID = try Self.pnsID(row[.pnsID])
            if pnsID == nil { problem = .pnsIDMissing }
        } catch {
            problem = PersonnelReason(error)
        }
        if let pnsID {
            seen.insert(pnsID)
            rowsByPNSID[pnsID, default: []].append(row.number)
        }
        var nip: NIP?
        do throws(IdentifierProblem) {
            let parsed = try nipOf(row[.nip])
            rowsByNIP[parsed.digits, default: []].append((row.number, pnsID))
            nip = parsed
        } catch {
            problem = problem ?? PersonnelReason(error)
        }
        let name = CellText.name(row[.name])
        guard let pnsID, let nip, let name, problem == nil else {
            rejected.append(PersonnelFinding(row: row.number, reason: problem ?? .nameMissing, pnsID: pnsID))
            return
        }
        warn(row, pnsID, nip)
        records.append(record(row, pnsID, nip, name))
    }

    private static func pnsID(_ cell: TabularCell) throws(IdentifierProblem) -> String? {
        switch cell {
        case .text(let text): try PNSID.parse(text)?.text
        case .number: throw .numeric
        case .empty, .formula, .bool, .error: nil
        }
    }

    private func nipOf(_ cell: TabularCell) throws(IdentifierProblem) -> NIP {
        switch cell {
        case .text(let text): try NIP.parse(text, allowsFixtureYears: allowsFixtureYears)
        case .number: throw .numeric
        case .empty: throw .missing
        case .formula, .bool, .error: throw .length
        }
    }

    private func record(_ row: PersonnelRow, _ pnsID: String, _ nip: NIP, _ name: String) -> PersonnelRecord {
        let code = Self.statusCode(row[.statusCode])
        return PersonnelRecord(
            row: row.number, pnsID: pnsID, nip: nip, name: name, frontTitle: CellText.name(row[.frontTitle]),
            backTitle: CellText.name(row[.backTitle]),
            employeeKind: EmployeeKind(
                statusCode: code, cpnsOrPNS: CellText.identifier(row[.cpnsOrPNS]), layout: nip.layout),
            statusCode: code, statusName: CellText.name(row[.statusName]), grade: CellText.name(row[.grade]),
            postKind: CellText.identifier(row[.postKind]), postID: CellText.identifier(row[.postID]),
            postName: CellText.name(row[.postName]), postSince: CellText.date(row[.postSince]),
            unitSourceID: CellText.identifier(row[.unitID]), governmentID: CellText.identifier(row[.governmentID]),
            email: Self.email(row[.email]), phone: CellText.identifier(row[.phone])
        )
    }

    /// Text with its leading zeros; a code that a spreadsheet made a number of one digit gets its zero back.
    private static func statusCode(_ cell: TabularCell) -> String? {
        guard let code = CellText.identifier(cell) else { return nil }
        return code.utf8.count == 1 && code.utf8.allSatisfy { (0x30...0x39).contains($0) } ? "0" + code : code
    }

    /// An address that can be one: ASCII, one `@` with something on both sides.
    private static func email(_ cell: TabularCell) -> String? {
        guard let text = CellText.identifier(cell), text.utf8.count <= 254,
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } ? text : nil
    }

    private mutating func warn(_ row: PersonnelRow, _ pnsID: String, _ nip: NIP) {
        func add(_ reason: PersonnelReason) {
            warnings.append(PersonnelFinding(row: row.number, reason: reason, pnsID: pnsID))
        }
        if CellText.identifier(row[.birthDate]) != nil, CellText.date(row[.birthDate]) != nip.birthDate {
            add(.birthDateMismatch)
        }
        // M and F in SIASN; L and P in many local systems.
        switch CellText.identifier(row[.sex])?.uppercased() {
        case "M", "L": if nip.sexDigit != 1 { add(.sexMismatch) }
        case "F", "P": if nip.sexDigit != 2 { add(.sexMismatch) }
        default: break
        }
        if nip.layout == .unknown { add(.nipLayoutUnknown) }
        let texts: [PersonnelColumn] = [.name, .frontTitle, .backTitle, .statusName, .grade, .postName]
        if texts.contains(where: { CellText.isFormula(row[$0]) }) { add(.formulaText) }
        if CellText.identifier(row[.email]) != nil, Self.email(row[.email]) == nil { add(.emailUnusable) }
    }

    // MARK: Rows that contradict each other

    /// Two rows with one NIP or one `pns_id`: nobody can say which is right, so none is taken.
    private mutating func refuseDuplicates() {
        let shared = rowsByNIP.values.filter { $0.count > 1 }.flatMap { $0 }
        let owners = Dictionary(shared.map { ($0.row, $0.pnsID) }) { first, _ in first }
        reject(rows: Set(shared.map(\.row)), .duplicateNIP) { owners[$0] ?? nil }
        let repeated = rowsByPNSID.filter { $0.value.count > 1 }
        let ids = Dictionary(repeated.flatMap { id, rows in rows.map { ($0, id) } }) { first, _ in first }
        reject(rows: Set(ids.keys), .duplicatePNSID) { ids[$0] }
        rowsByNIP = [:]
        rowsByPNSID = [:]
        rejected.sort { $0.row < $1.row }
    }

    private mutating func reject(rows: Set<Int>, _ reason: PersonnelReason, pnsID: (Int) -> String?) {
        guard !rows.isEmpty else { return }
        let taken = Set(records.lazy.map(\.row).filter { rows.contains($0) })
        guard !taken.isEmpty else { return }
        records.removeAll { taken.contains($0.row) }
        warnings.removeAll { taken.contains($0.row) }
        for row in taken.sorted() { rejected.append(PersonnelFinding(row: row, reason: reason, pnsID: pnsID(row))) }
    }
}
