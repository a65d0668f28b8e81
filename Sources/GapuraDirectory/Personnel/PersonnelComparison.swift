internal import GapuraFormats
internal import GapuraStore

/// Compares checked records with the directory and makes the plan.
struct PersonnelComparison {
    let options: PersonnelOptions
    let directory: DirectorySnapshot
    let units: UnitPlan
    let governmentIDs: Set<String>
    let now: Timestamp
    /// Whether whoever is not among the rows is missing.
    let coverage: PersonnelCoverage

    private var counts = PersonnelPlan.Counts()
    private var warnings: [PersonnelFinding] = []
    private var steps: [PersonStep] = []
    private var stateChanges: [PersonnelPlan.StateChange: Int] = [:]
    private var unknownCodes: [String: Int] = [:]
    /// Accounts that could sign in and will not.
    private var losses = 0

    init(
        options: PersonnelOptions, directory: DirectorySnapshot, units: UnitPlan, governmentIDs: Set<String>,
        now: Timestamp, coverage: PersonnelCoverage = .everybody
    ) {
        self.options = options
        self.directory = directory
        self.units = units
        self.governmentIDs = governmentIDs
        self.now = now
        self.coverage = coverage
    }

    mutating func plan(
        _ intake: PersonnelIntake, fileName: String, source: String, fileDigest: String, unitsDigest: String?
    ) -> PersonnelPlan {
        var intake = intake
        refuseForeignNIPs(&intake)
        warnings = intake.warnings
        steps.reserveCapacity(intake.records.count)
        for record in intake.records { compare(record) }
        sortNewIDs()
        keepLastSuperadmin()
        let vanished = coverage == .everybody ? missing(intake.seen) : []
        counts.rows = intake.rows
        counts.accepted = intake.records.count + intake.settled
        counts.unchanged += intake.settled
        counts.rejected = intake.rejected.count
        counts.warned = warnings.count
        counts.vanished = vanished.count
        warnings.sort { ($0.row, $0.reason.rawValue) < ($1.row, $1.reason.rawValue) }
        let latest = directory.latestLoad
        return PersonnelPlan(
            fileName: fileName, source: source, fileDigest: fileDigest, unitsDigest: unitsDigest,
            isRepeated: coverage == .everybody && latest?.fileDigest == fileDigest
                && (unitsDigest == nil || latest?.unitsDigest == unitsDigest),
            coverage: coverage,
            governmentIDs: governmentIDs, units: units, counts: counts, rejected: intake.rejected, warnings: warnings,
            vanished: vanished, stateChanges: stateChanges, unknownCodes: unknownCodes, losses: gone(vanished),
            stop: stop(vanished),
            graceEnds: now.adding(seconds: options.graceDays * 86_400), binDays: options.binDays, steps: steps,
            baseLoadID: latest?.id, baseSeq: directory.auditSeq, unitNames: unitNames
        )
    }

    private var unitNames: [UnitID: String] {
        var names = Dictionary(directory.units.map { ($0.id, $0.name) }) { first, _ in first }
        for unit in units.added + units.changed { names[unit.id] = unit.name }
        return names
    }

    // MARK: Numbers that belong to somebody else

    /// A NIP that the directory knows as another person's is refused, unless that person has another one in this file.
    /// Refusing a row takes that excuse from whoever claims a number of its person, and so on: each row is looked at
    /// once more at most.
    ///
    /// Settled rows are not among the records: their people have in this file the number that they have today.
    private func refuseForeignNIPs(_ intake: inout PersonnelIntake) {
        // Numbers are unique among the records: whoever shares one was refused before.
        let foreign = intake.records.filter { foreignOwner($0) != nil }
        guard !foreign.isEmpty else { return }
        let byNumber = Dictionary(intake.records.map { ($0.nip.number, $0) }) { first, _ in first }
        let byPerson = Dictionary(
            intake.records.compactMap { record in directory.find(record.pnsID).map { ($0.person.id, record) } }
        ) { first, _ in first }
        var waiting = foreign.filter { record in
            guard let owner = foreignOwner(record) else { return false }
            return byPerson[owner].map { $0.nip.number == record.nip.number } ?? true
        }
        var refused: Set<Int> = []
        while let record = waiting.popLast() {
            guard refused.insert(record.row).inserted, let known = directory.find(record.pnsID) else { continue }
            for number in known.numbers {
                if let claim = byNumber[number], claim.row != record.row { waiting.append(claim) }
            }
        }
        intake.reject(refused, .duplicateNIP)
    }

    /// Whose number this is today, if it is not the record's own person.
    private func foreignOwner(_ record: PersonnelRecord) -> PersonID? {
        guard let owner = directory.owner(of: record.nip.number), owner != directory.find(record.pnsID)?.person.id
        else {
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
        if let known = directory.find(record.pnsID) {
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
        var step = PersonStep(
            row: record.row, person: person, isNew: true, isChanged: true, newNIP: record.nip.aliasKind,
            nip: record.nip.digits, accountID: nil, oldState: nil, newState: state, kinds: ChangeKinds(.new))
        // Somebody new who has retired already never was here: there is nothing to wait for.
        if state != .nonaktif { schedule(retirement(record, state), nil, &step) }
        steps.append(step)
    }

    /// Ids made in one millisecond are random among themselves. In order, a hundred thousand rows go to the end of
    /// their index instead of everywhere.
    private mutating func sortNewIDs() {
        steps.sort { ($0.person.pnsID ?? "") < ($1.person.pnsID ?? "") }
        let places = steps.indices.filter { steps[$0].isNew }
        for (place, id) in zip(places, places.map { steps[$0].person.id }.sorted()) { steps[place].person.id = id }
    }

    private mutating func compare(
        _ record: PersonnelRecord, _ entry: DirectorySnapshot.Known, _ unitID: UnitID?, _ worksHere: Bool
    ) {
        let known = entry.person
        var person = known
        Self.copy(record, unitID, worksHere, into: &person)
        let isRenumbered = !entry.has(record.nip.number)
        if isRenumbered || known.statusCode != record.statusCode { person.needsReview = needsReview(record) }
        let isChanged = person != known
        if isChanged { person.updatedAt = now }
        var step = PersonStep(
            row: record.row, person: person, isNew: false, isChanged: isChanged,
            newNIP: isRenumbered ? record.nip.aliasKind : nil,
            nip: record.nip.digits, known: KnownPerson(known)
        )
        step.accountID = entry.account?.id
        step.oldState = entry.account?.state
        step.stateBy = entry.account?.stateBy
        step.isActiveSuperadmin = entry.account?.isActiveSuperadmin ?? false
        decideState(record, known, worksHere, &step)

        if known.unitID != unitID { step.kinds.insert(.moved) }
        if known.name != person.name || known.frontTitle != person.frontTitle || known.backTitle != person.backTitle {
            step.kinds.insert(.renamed)
        }
        if isRenumbered { step.kinds.insert(.renumbered) }
        if known.statusCode != record.statusCode { counts.restatused += 1 }
        count(step.kinds)
        guard isChanged || isRenumbered || step.newState != nil || !step.scheduled.isEmpty else {
            counts.unchanged += 1
            return
        }
        if step.kinds.isEmpty { step.kinds.insert(.updated) }
        counts.changed += 1
        steps.append(step)
    }

    private mutating func count(_ kinds: ChangeKinds) {
        if kinds.contains(.moved) { counts.moved += 1 }
        if kinds.contains(.renamed) { counts.renamed += 1 }
        if kinds.contains(.renumbered) { counts.renumbered += 1 }
        if kinds.contains(.returned) { counts.returned += 1 }
        if kinds.contains(.retired) { counts.retired += 1 }
        if kinds.contains(.suspended) { counts.suspended += 1 }
        if kinds.contains(.scheduled) { counts.scheduled += 1 }
    }

    /// The state of a known account. What an admin decided stays.
    private mutating func decideState(
        _ record: PersonnelRecord, _ known: Person, _ worksHere: Bool, _ step: inout PersonStep
    ) {
        let waiting = directory.scheduled[known.id]
        var current = step.oldState
        if let absence = waiting?.vanished {
            step.cancel(absence, at: now)
            step.kinds.insert(.returned)
            // What the absence took away, it gives back; the code decides from there.
            if absence.state == .done, current == .ditangguhkan, let before = absence.stateBefore { current = before }
        }
        let asked = options.states.decided(for: record.statusCode, worksHere: worksHere)
        let retirement = retirement(record, asked, known: step.oldState, waiting?.retired)
        schedule(retirement, waiting?.retired, &step)
        noteKind(
            from: options.states.decided(for: known.statusCode, worksHere: known.worksHere), asked, retirement, &step)

        guard step.stateBy != .admin else { return }
        let state: AccountState
        switch retirement {
        case .waits where asked == .nonaktif: state = current ?? .menunggu
        case .acted: state = .nonaktif
        default: state = options.states.state(for: record.statusCode, current: current, worksHere: worksHere)
        }
        guard state != step.oldState else { return }
        step.newState = state
        count(from: step.oldState, to: state, 1)
    }

    /// In a word, what the codes say that becomes of the account.
    private func noteKind(
        from before: AccountState?, _ after: AccountState?, _ retirement: Retirement, _ step: inout PersonStep
    ) {
        if case .waits = retirement, after == .nonaktif { return }
        if case .acted = retirement, step.oldState != .nonaktif { return step.kinds.insert(.retired) }
        guard let after, after != before else { return }
        switch after {
        case .nonaktif: step.kinds.insert(.retired)
        case .ditangguhkan: step.kinds.insert(.suspended)
        case .terbatas: step.kinds.insert(.restricted)
        case .menunggu: step.kinds.insert(.waiting)
        case .aktif:
            step.kinds.insert(before == .nonaktif || before == .ditangguhkan ? .returned : .activated)
        }
    }

    // MARK: Retirements with a date

    /// What a retirement's date says, beside the code.
    private enum Retirement {
        /// Nothing: the code alone counts.
        case none
        /// It acts at that moment.
        case waits(validFrom: Timestamp)
        /// Its day has come. Back-dated where the decree is old.
        case acted(validFrom: Timestamp)
    }

    /// How far ahead a date is believed of somebody who is at work: what lies further away is what the retirement age
    /// computes, and the files of the months to come say it again.
    private static let horizon: Int64 = 92 * 86_400
    /// How far ahead a date is believed of somebody whose code says retired.
    private static let farthest: Int64 = 366 * 86_400

    private mutating func retirement(
        _ record: PersonnelRecord, _ asked: AccountState?, known: AccountState? = nil, _ waiting: ScheduledChange? = nil
    ) -> Retirement {
        guard let day = record.retiresOn else { return .none }
        let moment = options.calendar.start(of: day)
        if asked == .nonaktif {
            if moment <= now { return .acted(validFrom: moment) }
            if known == nil || known == .nonaktif { return .none }
            if moment <= now.adding(seconds: Self.farthest) { return .waits(validFrom: moment) }
            warn(record, .retirementDateFar)
            return .none
        }
        if moment > now {
            return moment <= now.adding(seconds: Self.horizon) ? .waits(validFrom: moment) : .none
        }
        // We let it act, or are about to; the file lags behind its own date.
        if let waiting, waiting.validFrom == moment { return .acted(validFrom: moment) }
        warn(record, .retirementDatePast)
        return .none
    }

    /// Brings what waits for a person in line with what the file says.
    private mutating func schedule(_ retirement: Retirement, _ open: ScheduledChange?, _ step: inout PersonStep) {
        switch retirement {
        case .none:
            // A retirement that acted stays noted for as long as the code agrees: see `retirement`.
            if let open,
                open.state == .waiting
                    || options.states.decided(
                        for: step.person.statusCode, worksHere: true) != .nonaktif
            {
                step.cancel(open, at: now)
            }
        case .waits(let moment):
            if let open, open.state == .waiting, open.validFrom == moment { return }
            if let open { step.cancel(open, at: now) }
            step.add(.retired, validFrom: moment, dueAt: moment, state: .waiting, at: now)
            step.kinds.insert(.scheduled)
            if step.stateBy != .admin, step.oldState?.maySignIn == true { losses += 1 }
        case .acted(let moment):
            if let open, open.state == .done, open.validFrom == moment { return }
            let state = step.oldState
            if open == nil, state == .nonaktif || state == nil { return }
            if let open { step.cancel(open, at: now) }
            step.add(.retired, validFrom: moment, dueAt: moment, state: .done, stateBefore: state, at: now)
        }
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
                step.isActiveSuperadmin
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

    /// Those who are missing for the first time. Who was missing before is counted.
    private mutating func missing(_ seen: Set<String>) -> [PersonnelPlan.Vanished] {
        var vanished: [PersonnelPlan.Vanished] = []
        for entry in directory.people {
            let person = entry.person
            guard let pnsID = person.pnsID, !seen.contains(pnsID) else { continue }
            guard directory.scheduled[person.id]?.vanished == nil else {
                counts.missing += 1
                continue
            }
            let account = entry.account
            vanished.append(
                PersonnelPlan.Vanished(
                    pnsID: pnsID, personID: person.id, name: person.fullName, unitID: person.unitID,
                    accountID: account?.id, state: account?.state,
                    willSuspend: account.map { $0.stateBy != .admin && $0.state.isSuspendedByAbsence } ?? false))
        }
        return vanished.sorted { $0.pnsID < $1.pnsID }
    }

    private func gone(_ vanished: [PersonnelPlan.Vanished]) -> Int {
        losses + vanished.count { $0.state?.maySignIn == true }
    }

    /// Of loads of some people those of a day count together: a source that has gone mad sends them one by one.
    private func stop(_ vanished: [PersonnelPlan.Vanished]) -> PersonnelPlan.Stop? {
        let active = directory.activeAccounts
        let gone = gone(vanished) + directory.recentLosses
        guard losses > 0 || !vanished.isEmpty, active > 0, Double(gone) > Double(active) * options.stopShare else {
            return nil
        }
        return PersonnelPlan.Stop(accounts: gone, activeAccounts: active)
    }
}

extension NIP {
    /// As which kind of number a person is known by it.
    var aliasKind: PersonAlias.Kind {
        layout == .pppk ? .niPPPK : .nip
    }
}

extension PersonnelComparison: KnownPeople {
    func kept(_ pnsID: String) -> String {
        directory.find(pnsID)?.person.pnsID ?? pnsID
    }

    /// Nothing comes of a record that `compare` would count as unchanged and warn of nothing. Whoever has anything
    /// unusual about them is looked at there.
    func isSettled(_ record: PersonnelRecord) -> Bool {
        guard let entry = directory.find(record.pnsID), let account = entry.account,
            entry.number == record.nip.number, entry.furtherNumbers.isEmpty,
            directory.scheduled[entry.person.id] == nil, options.states.knows(record.statusCode),
            let unitID = record.unitSourceID.flatMap({ units.idsBySource[$0] }),
            record.governmentID.map({ governmentIDs.contains($0) }) ?? false
        else { return false }
        if let day = record.retiresOn, account.state != .nonaktif,
            options.calendar.start(of: day) <= now.adding(seconds: Self.horizon)
                || options.states.decided(for: record.statusCode, worksHere: true) == .nonaktif
        {
            return false
        }
        if account.state == .nonaktif, record.retiresOn != nil,
            options.states.decided(for: record.statusCode, worksHere: true) != .nonaktif
        {
            return false
        }
        var person = entry.person
        Self.copy(record, unitID, true, into: &person)
        guard person == entry.person else { return false }
        return account.stateBy == .admin
            || account.state == options.states.state(for: record.statusCode, current: account.state, worksHere: true)
    }
}

extension AccountState {
    /// Whether an absence takes something away from it.
    var isSuspendedByAbsence: Bool { maySignIn || self == .menunggu }
}

extension PersonStep {
    fileprivate mutating func cancel(_ open: ScheduledChange, at now: Timestamp) {
        var change = open
        change.state = .cancelled
        change.decidedAt = now
        scheduled.append(ScheduledStep(isAdded: false, change: change, before: open))
    }

    fileprivate mutating func add(
        _ kind: ScheduledChange.Kind, validFrom: Timestamp, dueAt: Timestamp, state: ScheduledChange.State,
        stateBefore: AccountState? = nil, at now: Timestamp
    ) {
        let change = ScheduledChange(
            id: .make(now: now), personID: person.id, kind: kind, loadID: .make(now: now), validFrom: validFrom,
            dueAt: dueAt, state: state, stateBefore: stateBefore, decidedAt: state == .done ? now : nil)
        scheduled.append(ScheduledStep(isAdded: true, change: change, before: nil))
    }
}
