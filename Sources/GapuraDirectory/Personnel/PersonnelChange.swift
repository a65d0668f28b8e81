package import GapuraFormats
package import GapuraStore
internal import GapuraTabular

/// What a load would do to one person, in words for whoever decides on it.
package struct PersonnelChange: Sendable, Equatable {
    /// What happens. The raw values are stable; the order is that of the preview.
    package enum Kind: String, Sendable, CaseIterable {
        case new
        /// Was missing, retired or suspended, and is back.
        case returned
        case moved
        case renamed
        case renumbered
        /// Of the account by `kedudukan_hukum`: `nonaktif`, `ditangguhkan`, `terbatas`, `menunggu`, `aktif`.
        case retired
        case suspended
        case restricted
        case waiting
        case activated
        /// Retires on a day to come.
        case scheduled
        case vanished
        /// Something else that is kept of a person: a title, a post, a telephone number.
        case updated
        case rejected

        /// For whoever runs the city's personnel data.
        package var indonesian: String {
            switch self {
            case .new: "baru"
            case .returned: "kembali"
            case .moved: "pindah unit"
            case .renamed: "ganti nama"
            case .renumbered: "ganti NIP"
            case .retired: "berhenti/pensiun"
            case .suspended: "ditangguhkan"
            case .restricted: "dibatasi"
            case .waiting: "menunggu"
            case .activated: "diaktifkan"
            case .scheduled: "pensiun terjadwal"
            case .vanished: "tidak ada di berkas"
            case .updated: "data lain berubah"
            case .rejected: "ditolak"
            }
        }
    }

    /// Of the sheet; nil for who is not in it.
    package var row: Int?
    package var pnsID: String?
    /// Of the file; nil where that does not say.
    package var nip: String?
    package var name: String?
    package var kinds: [Kind]
    /// The account as it is; nil where there is none yet.
    package var stateBefore: AccountState?
    package var stateAfter: AccountState?
    /// Live sessions that end, and token families that are revoked.
    package var sessions = 0
    package var tokens = 0
    /// Grants in the old unit that end.
    package var grants = 0
    package var unitBefore: String?
    package var unitAfter: String?
    /// Where it does not act at once, or acts back-dated.
    package var effective: Timestamp?
    /// Why a row is refused.
    package var reason: PersonnelReason?
}

extension PersonnelChange {
    /// How soon somebody should look at it: the lowest first. Nil for refused rows.
    fileprivate var weight: Int? {
        if kinds == [.rejected] { return nil }
        if sessions + tokens > 0 { return 0 }
        if stateBefore?.maySignIn == true, stateAfter?.maySignIn == false { return 1 }
        if grants > 0 || stateBefore != stateAfter, stateBefore != nil { return 2 }
        if kinds.contains(.renumbered) || kinds.contains(.moved) { return 3 }
        return kinds == [.updated] ? 5 : 4
    }
}

/// Several kinds at once, in little room: there is one for each person of a load.
struct ChangeKinds: Sendable, Equatable {
    private var bits: UInt32 = 0

    init(_ kinds: PersonnelChange.Kind...) {
        for kind in kinds { insert(kind) }
    }

    var isEmpty: Bool { bits == 0 }

    mutating func insert(_ kind: PersonnelChange.Kind) { bits |= Self.bit(kind) }
    func contains(_ kind: PersonnelChange.Kind) -> Bool { bits & Self.bit(kind) != 0 }
    var list: [PersonnelChange.Kind] { PersonnelChange.Kind.allCases.filter(contains) }

    private static let places = Dictionary(
        uniqueKeysWithValues: zip(PersonnelChange.Kind.allCases, UInt32(0)...))

    private static func bit(_ kind: PersonnelChange.Kind) -> UInt32 { 1 << (places[kind] ?? 0) }
}

/// What hangs on each account, counted once for the whole preview.
package struct AccountHoldings: Sendable {
    private let sessions: [AccountID: Int]
    private let tokens: [AccountID: Int]
    /// Grants that the load ends.
    package var grants: [BoundGrant] = [] {
        didSet { grantCounts = Dictionary(grants.map { ($0.personID, 1) }, uniquingKeysWith: +) }
    }
    private var grantCounts: [PersonID: Int] = [:]

    /// Nothing is counted.
    static let none = AccountHoldings(sessions: [:], tokens: [:])

    private init(sessions: [AccountID: Int], tokens: [AccountID: Int]) {
        self.sessions = sessions
        self.tokens = tokens
    }

    /// Two queries, whatever the number of people.
    package init(_ tx: Transaction, at now: Timestamp) throws {
        sessions = try tx.sessions.liveCounts(at: now)
        tokens = try tx.tokens.liveCounts(at: now)
    }

    /// Of some accounts only: the cost is theirs, whatever the size of the city.
    package init(_ tx: Transaction, of accounts: some Collection<AccountID>, at now: Timestamp) throws {
        sessions = try tx.sessions.liveCounts(of: accounts, at: now)
        tokens = try tx.tokens.liveCounts(of: accounts, at: now)
    }

    func of(_ account: AccountID?) -> (sessions: Int, tokens: Int) {
        guard let account else { return (0, 0) }
        return (sessions[account] ?? 0, tokens[account] ?? 0)
    }

    func grants(of person: PersonID) -> Int { grantCounts[person] ?? 0 }
}

extension PersonnelPlan {
    /// How many people each kind concerns; one person may have several.
    package var kindCounts: [(kind: PersonnelChange.Kind, people: Int)] {
        var counts: [PersonnelChange.Kind: Int] = [.vanished: vanished.count, .rejected: rejected.count]
        for step in steps {
            for kind in step.kinds.list { counts[kind, default: 0] += 1 }
        }
        return PersonnelChange.Kind.allCases.compactMap { kind in
            counts[kind].flatMap { $0 > 0 ? (kind, $0) : nil }
        }
    }

    /// Whether anybody may lose a session: only then is it worth counting them.
    var endsSessions: Bool {
        !vanished.isEmpty
            || steps.contains { $0.kinds.contains(.scheduled) || $0.newState?.mayUseApplications == false }
    }

    /// Person by person, in the order of the sheet, then those who are not in it.
    package func eachChange(_ holdings: AccountHoldings, _ body: (PersonnelChange) throws -> Void) rethrows {
        var places = steps.indices.sorted { steps[$0].row < steps[$1].row }[...]
        var refused = rejected[...]
        while true {
            let row = places.first.map { steps[$0].row } ?? .max
            if let finding = refused.first, finding.row <= row {
                refused = refused.dropFirst()
                try body(
                    PersonnelChange(
                        row: finding.row, pnsID: finding.pnsID, nip: nil, name: nil, kinds: [.rejected],
                        reason: finding.reason))
            } else if let place = places.popFirst() {
                try body(change(steps[place], holdings))
            } else {
                break
            }
        }
        for person in vanished { try body(change(person, holdings)) }
    }

    /// As `eachChange`, all at once.
    package func changes(_ holdings: AccountHoldings) -> [PersonnelChange] {
        var changes: [PersonnelChange] = []
        eachChange(holdings) { changes.append($0) }
        return changes
    }

    /// The first of those whom the load changes, those who lose something in front; refused rows are in a list of
    /// their own.
    package func foremost(_ limit: Int, _ holdings: AccountHoldings) -> [PersonnelChange] {
        var byWeight: [Int: [PersonnelChange]] = [:]
        eachChange(holdings) { change in
            guard let weight = change.weight, byWeight[weight, default: []].count < limit else { return }
            byWeight[weight, default: []].append(change)
        }
        return Array(byWeight.sorted { $0.key < $1.key }.flatMap(\.value).prefix(limit))
    }

    private func change(_ step: PersonStep, _ holdings: AccountHoldings) -> PersonnelChange {
        let retires = step.scheduled.first { $0.isAdded }
        let after: AccountState? = retires?.change.state == .waiting ? .nonaktif : step.newState ?? step.oldState
        var change = PersonnelChange(
            row: step.row, pnsID: step.person.pnsID, nip: step.nip, name: step.person.fullName,
            kinds: step.kinds.list, stateBefore: step.oldState, stateAfter: after,
            unitBefore: step.known.flatMap { name($0.person.unitID) }, unitAfter: name(step.person.unitID),
            effective: retires?.change.validFrom
        )
        change.grants = holdings.grants(of: step.person.id)
        if after != step.oldState, after?.mayUseApplications == false {
            (change.sessions, change.tokens) = holdings.of(step.accountID)
        }
        return change
    }

    private func change(_ person: Vanished, _ holdings: AccountHoldings) -> PersonnelChange {
        var change = PersonnelChange(
            pnsID: person.pnsID, name: person.name, kinds: [.vanished], stateBefore: person.state,
            stateAfter: person.willSuspend ? .ditangguhkan : person.state, unitBefore: name(person.unitID),
            effective: person.willSuspend ? graceEnds : nil)
        if person.willSuspend { (change.sessions, change.tokens) = holdings.of(person.accountID) }
        return change
    }

    private func name(_ unit: UnitID?) -> String? { unit.flatMap { unitNames[$0] } }

    // MARK: As delimited text

    private static let head = [
        "baris", "pns_id", "nip", "nama", "kode", "perubahan", "akun_sebelum", "akun_sesudah", "sesi_berakhir",
        "token_dicabut", "peran_berakhir", "unit_sebelum", "unit_sesudah", "berlaku", "keterangan",
    ]

    /// Everybody whom the load changes as delimited text for BKPSDM; harmless in a spreadsheet program, which would
    /// also make numbers of NIPs if they had no apostrophe.
    ///
    /// - Parameter day: the city's day of a moment.
    package func changesCSV(
        _ holdings: AccountHoldings, day: (Timestamp) -> String, _ write: (String) throws -> Void
    ) rethrows {
        try write(CSVWriter.row(Self.head, delimiter: ";"))
        try eachChange(holdings) { change in
            let kinds = change.kinds
            try write(
                CSVWriter.row(
                    [
                        change.row.map(String.init) ?? "", change.pnsID ?? "", change.nip.map { "'" + $0 } ?? "",
                        change.name ?? "", kinds.map(\.rawValue).joined(separator: " "),
                        kinds.map(\.indonesian).joined(separator: ", "), change.stateBefore?.rawValue ?? "",
                        change.stateAfter?.rawValue ?? "", String(change.sessions), String(change.tokens),
                        String(change.grants),
                        change.unitBefore ?? "", change.unitAfter ?? "", change.effective.map(day) ?? "",
                        change.reason?.indonesian ?? "",
                    ], delimiter: ";"))
        }
    }
}
