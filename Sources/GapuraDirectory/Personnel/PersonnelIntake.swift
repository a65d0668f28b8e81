internal import GapuraStore
internal import GapuraTabular

/// What an intake asks about people while it reads.
protocol KnownPeople {
    /// The same text as it is in memory already, if it is.
    func kept(_ pnsID: String) -> String
    /// Whether the directory says already what the record says, so that nothing will come of it.
    func isSettled(_ record: PersonnelRecord) -> Bool
}

/// Turns the rows of a source into checked records, and says about every other row why not. It knows no database.
///
/// Of a row that says what is known already only its numbers are kept: in most months that is nearly every row.
struct PersonnelIntake: Sendable {
    /// Test data has people born 18xx; a real city refuses them.
    let allowsFixtureYears: Bool

    private(set) var rows = 0
    /// Those of which something may come.
    private(set) var records: [PersonnelRecord] = []
    private var settledRows: [SettledRow] = []
    private(set) var rejected: [PersonnelFinding] = []
    private(set) var warnings: [PersonnelFinding] = []
    /// Every usable `pns_id` of the file, of refused rows too: these people have not vanished.
    private(set) var seen: Set<String> = []
    private var numbers: Set<UInt64> = []
    /// NIPs and ids that more than one row has.
    private var repeatedNumbers: Set<UInt64> = []
    private var repeatedIDs: Set<String> = []

    /// NIKs, where they are asked for.
    private(set) var identities: PersonnelIdentities?

    private struct SettledRow: Sendable {
        let row: Int
        let number: UInt64
        let pnsID: String
    }

    /// How many rows say what is known already.
    var settled: Int { settledRows.count }

    init(allowsFixtureYears: Bool, takesNIK: Bool = false) {
        self.allowsFixtureYears = allowsFixtureYears
        if takesNIK { identities = PersonnelIdentities() }
    }

    /// Reads a source to its end.
    /// - Parameters:
    ///   - known: nobody, where there is no directory to compare with.
    ///   - check: asked now and then; what it throws ends the reading.
    mutating func read(
        _ source: some PersonnelSource, known: (any KnownPeople)? = nil, check: () throws -> Void = {}
    ) throws {
        try source.read { row in
            if row.isBlank { return }
            rows += 1
            if rows.isMultiple(of: 1000) { try check() }
            take(row, known)
        }
        for identity in identities?.takeShared() ?? [] {
            warnings.append(PersonnelFinding(row: identity.row, reason: .nikShared, pnsID: identity.pnsID))
        }
        refuseDuplicates()
    }

    /// Takes the records of these rows out again, because the directory contradicts them.
    mutating func reject(_ rows: Set<Int>, _ reason: PersonnelReason) {
        guard !rows.isEmpty else { return }
        reject(reason, records: { rows.contains($0.row) }) { rows.contains($0.row) }
        rejected.sort { $0.row < $1.row }
    }

    // MARK: One row

    private mutating func take(_ row: PersonnelRow, _ known: (any KnownPeople)?) {
        var pnsID: String?
        var problem: PersonnelReason?
        do throws(IdentifierProblem) {
            pnsID = try Self.pnsID(row[.pnsID])
            if pnsID == nil { problem = .pnsIDMissing }
        } catch {
            problem = PersonnelReason(error)
        }
        if let text = pnsID {
            let text = known?.kept(text) ?? text
            pnsID = text
            if !seen.insert(text).inserted { repeatedIDs.insert(text) }
        }
        var nip: NIP?
        do throws(IdentifierProblem) {
            let parsed = try nipOf(row[.nip])
            if !numbers.insert(parsed.number).inserted { repeatedNumbers.insert(parsed.number) }
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
        takeNIK(row, pnsID)
        let record = record(row, pnsID, nip, name)
        if known?.isSettled(record) == true {
            settledRows.append(SettledRow(row: row.number, number: nip.number, pnsID: pnsID))
        } else {
            records.append(record)
        }
    }

    private mutating func takeNIK(_ row: PersonnelRow, _ pnsID: String) {
        for reason in identities?.take(row, pnsID) ?? [] {
            warnings.append(PersonnelFinding(row: row.number, reason: reason, pnsID: pnsID))
        }
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
            retiresOn: CellText.date(row[.retiresOn]),
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
        let (numbers, ids) = (repeatedNumbers, repeatedIDs)
        reject(.duplicateNIP, records: { numbers.contains($0.nip.number) }) { numbers.contains($0.number) }
        reject(.duplicatePNSID, records: { ids.contains($0.pnsID) }) { ids.contains($0.pnsID) }
        self.numbers = []
        rejected.sort { $0.row < $1.row }
    }

    private mutating func reject(
        _ reason: PersonnelReason, records isRefused: (PersonnelRecord) -> Bool, settled: (SettledRow) -> Bool
    ) {
        var refused = records.filter(isRefused).map { (row: $0.row, pnsID: $0.pnsID) }
        refused += settledRows.filter(settled).map { (row: $0.row, pnsID: $0.pnsID) }
        guard !refused.isEmpty else { return }
        let rows = Set(refused.map(\.row))
        records.removeAll { rows.contains($0.row) }
        settledRows.removeAll { rows.contains($0.row) }
        warnings.removeAll { rows.contains($0.row) }
        for (row, pnsID) in refused { rejected.append(PersonnelFinding(row: row, reason: reason, pnsID: pnsID)) }
    }
}
