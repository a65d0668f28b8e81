internal import GapuraFormats
internal import GapuraStore

/// Compares checked records with the directory and makes the plan.
struct PersonnelComparison {
    let options: PersonnelOptions
    let directory: DirectorySnapshot
    let units: UnitPlan
    let governmentIDs: Set<String>
    let now: Timestamp

    private var counts = PersonnelPlan.Counts()
    private var warnings: [PersonnelFinding] = []
    private var steps: [PersonStep] = []
    private var stateChanges: [PersonnelPlan.StateChange: Int] = [:]
    private var unknownCodes: [String: Int] = [:]
    /// Accounts that could sign in and will not.
    private var losses = 0

    init(
        options: PersonnelOptions, directory: DirectorySnapshot, units: UnitPlan, governmentIDs: Set<String>,
        now: Timestamp
    ) {
        self.options = options
        self.directory = directory
        self.units = units
        self.governmentIDs = governmentIDs
        self.now = now
    }

    mutating func plan(
        _ intake: PersonnelIntake, fileName: String, source: String, fileDigest: String, unitsDigest: String?
    ) -> PersonnelPlan {
        var intake = intake
        refuseForeignNIPs(&intake)
        warnings = intake.warnings
        for record in intake.records { compare(record) }
        sortNewIDs()
        keepLastSuperadmin()
        let vanished = vanished(intake.seen)
        counts.rows = intake.rows
        counts.accepted = intake.records.count
        counts.rejected = intake.rejected.count
        counts.warned = warnings.count
        counts.vanished = vanished.count
        warnings.sort { ($0.row, $0.reason.rawValue) < ($1.row, $1.reason.rawValue) }
        let latest = directory.latestLoad
        return PersonnelPlan(
            fileName: fileName, source: source, fileDigest: fileDigest, unitsDigest: unitsDigest,
            isRepeated: latest?.fileDigest == fileDigest && (unitsDigest == nil || latest?.unitsDigest == unitsDigest),
            governmentIDs: governmentIDs, units: units, counts: counts, rejected: intake.rejected, warnings: warnings,
            vanished: vanished, stateChanges: stateChanges, unknownCodes: unknownCodes, stop: stop(vanished),
            steps: steps,
            baseLoadID: latest?.id
        )
    }

    // MARK: Numbers that belong to somebody else

    /// A NIP that the directory knows as another person's is refused, unless that person has another one in this file.
    /// Refusing a row takes that excuse from whoever claims a number of its person, and so on: each row is looked at
    /// once more at most.
    private func refuseForeignNIPs(_ intake: inout PersonnelIntake) {
        // Numbers are unique among the records: whoever shares one was refused before.
        let byNumber = Dictionary(intake.records.map { ($0.nip.digits, $0) }) { first, _ in first }
        let byPerson = Dictionary(
            intake.records.compactMap { record in directory.people[record.pnsID].map { ($0.id, record) } }
        ) { first, _ in first }
        var waiting = intake.records.filter { record in
            guard let owner = foreignOwner(record) else { return false }
            return byPerson[owner].map { $0.nip.digits == record.nip.digits } ?? true
        }
        var refused: Set<Int> = []
        while let record = waiting.popLast() {
            guard refused.insert(record.row).inserted, let person = directory.people[record.pnsID] else { continue }
            for alias in directory.aliases[person.id] ?? [] where alias.kind != .pnsID {
                if let claim = byNumber[alias.value], claim.row != record.row { waiting.append(claim) }
            }
        }
        intake.reject(refused, .duplicateNIP)
    }

    /// Whose number this is today, if it is not the record's own person.
    private func foreignOwner(_ record: PersonnelRecord) -> PersonID? {
        guard let owner = directory.ownerOfNIP[record.nip.digits], owner != directory.people[record.pnsID]?.id else {
            return nil
        }
        return owner
    }

    // MARK: One person

    private mutating func compare(_ record: PersonnelRecord) {
        let worksHere = record.governmentID.map { governmentIDs.contains($0) } ?? false
        let unitID = record.unitSourceID.flatMap { units.idsBySource[$0] }
        if !worksHere { warn(record, .worksElsewhere) }
        if unitID == nil { warn(record, .unitUnknown) }
        if !options.states.knows(record.statusCode) { unknownCodes[record.statusCode ?? "", default: 0] += 1 }
        if let known = directory.people[record.pnsID] {
            compare(record, known, unitID, worksHere)
        } else {
            add(record, unitID, worksHere)
        }
    }

    private mutating func add(_ record: PersonnelRecord, _ unitID: UnitID?, _ worksHere: Bool) {
        var person = Person(
            id: PersonID.make(now: now), pnsID: record.pnsID, name: record.name, employeeKind: record.employeeKind,
            needsReview: needsReview(record), createdAt: now, updatedAt: now
        )
        Self.copy(record, unitID, worksHere, into: &person)
        let state = options.states.state(for: record.statusCode, current: nil, worksHere: worksHere)
        counts.new += 1
        count(from: nil, to: state, 1)
        steps.append(
            PersonStep(
                row: record.row, person: person, isNew: true, isChanged: true, newNIP: record.nip.aliasKind,
                nip: record.nip.digits,
                accountID: nil, oldState: nil, newState: state
            )
        )
    }

    /// Ids made in one millisecond are random among themselves. In order, a hundred thousand rows go to the end of
    /// their index instead of everywhere.
    private mutating func sortNewIDs() {
        steps.sort { ($0.person.pnsID ?? "") < ($1.person.pnsID ?? "") }
        let places = steps.indices.filter { steps[$0].isNew }
        for (place, id) in zip(places, places.map { steps[$0].person.id }.sorted()) { steps[place].person.id = id }
    }

    private mutating func compare(_ record: PersonnelRecord, _ known: Person, _ unitID: UnitID?, _ worksHere: Bool) {
        var person = known
        Self.copy(record, unitID, worksHere, into: &person)
        let current = (directory.aliases[known.id] ?? []).filter { $0.kind != .pnsID }
        let isRenumbered = !current.contains { $0.value == record.nip.digits }
        if isRenumbered || known.statusCode != record.statusCode { person.needsReview = needsReview(record) }
        let isChanged = person != known
        if isChanged { person.updatedAt = now }
        var step = PersonStep(
            row: record.row, person: person, isNew: false, isChanged: isChanged,
            newNIP: isRenumbered ? record.nip.aliasKind : nil,
            nip: record.nip.digits
        )
        if isRenumbered { step.endedAliases = current.map(\.id) }
        decideState(record, known, worksHere, &step)

        if known.unitID != unitID { counts.moved += 1 }
        if known.name != person.name || known.frontTitle != person.frontTitle || known.backTitle != person.backTitle {
            counts.renamed += 1
        }
        if isRenumbered { counts.renumbered += 1 }
        if known.statusCode != record.statusCode { counts.restatused += 1 }
        if isChanged || isRenumbered || step.newState != nil {
            counts.changed += 1
            steps.append(step)
        } else {
            counts.unchanged += 1
        }
    }

    /// The state of a known account. What an admin decided stays.
    private mutating func decideState(
        _ record: PersonnelRecord, _ known: Person, _ worksHere: Bool, _ step: inout PersonStep
    ) {
        let account = directory.accounts[known.id]
        step.accountID = account?.id
        step.oldState = account?.state
        guard account?.stateBy != .admin else { return }
        let state = options.states.state(for: record.statusCode, current: account?.state, worksHere: worksHere)
        guard state != account?.state else { return }
        step.newState = state
        count(from: account?.state, to: state, 1)
    }

    private mutating func count(from old: AccountState?, to new: AccountState, _ number: Int) {
        stateChanges[.init(from: old, to: new), default: 0] += number
        guard let old else { return counts.accountsAdded += number }
        counts.stateChanges += number
        if old.maySignIn, !new.maySignIn { losses += number }
    }

    /// The superadmin without whom nobody could administer keeps the account as it is, whatever the file says; the rule
    /// of `AccountDirectory.setState`. The writer asks again, as an admin may have changed something meanwhile.
    private mutating func keepLastSuperadmin() {
        var left = directory.activeSuperadmins
        for place in steps.indices {
            let step = steps[place]
            guard let new = step.newState, let old = step.oldState,
                directory.accounts[step.person.id]?.isActiveSuperadmin == true
            else { continue }
            guard left <= 1 else {
                left -= 1
                continue
            }
            steps[place].newState = nil
            count(from: old, to: new, -1)
            stateChanges = stateChanges.filter { $0.value > 0 }
            warnings.append(
                PersonnelFinding(row: step.row, reason: .lastSuperadmin, pnsID: step.person.pnsID))
        }
    }

    private static func copy(_ record: PersonnelRecord, _ unitID: UnitID?, _ worksHere: Bool, into person: inout Person)
    {
        person.name = record.name
        person.frontTitle = record.frontTitle
        person.backTitle = record.backTitle
        person.employeeKind = record.employeeKind
        person.statusCode = record.statusCode
        person.statusName = record.statusName
        person.grade = record.grade
        person.postKind = record.postKind
        person.postID = record.postID
        person.postName = record.postName
        person.postSince = record.postSince?.midnight
        person.unitID = unitID
        person.worksHere = worksHere
        person.email = record.email
        person.phone = record.phone
    }

    private func needsReview(_ record: PersonnelRecord) -> Bool {
        record.nip.layout == .unknown || options.states.needsReview(record.statusCode)
    }

    private mutating func warn(_ record: PersonnelRecord, _ reason: PersonnelReason) {
        warnings.append(PersonnelFinding(row: record.row, reason: reason, pnsID: record.pnsID))
    }

    // MARK: Who is missing

    private func vanished(_ seen: Set<String>) -> [PersonnelPlan.Vanished] {
        directory.people.values
            .filter { person in person.pnsID.map { !seen.contains($0) } ?? false }
            .map { .init(pnsID: $0.pnsID ?? "", personID: $0.id, state: directory.accounts[$0.id]?.state) }
            .sorted { $0.pnsID < $1.pnsID }
    }

    private func stop(_ vanished: [PersonnelPlan.Vanished]) -> PersonnelPlan.Stop? {
        let active = directory.accounts.values.count { $0.state.maySignIn }
        let gone = losses + vanished.count { $0.state?.maySignIn == true }
        guard active > 0, Double(gone) > Double(active) * options.stopShare else { return nil }
        return PersonnelPlan.Stop(accounts: gone, activeAccounts: active)
    }
}

extension NIP {
    /// As which kind of number a person is known by it.
    var aliasKind: PersonAlias.Kind {
        layout == .pppk ? .niPPPK : .nip
    }
}
