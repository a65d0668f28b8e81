internal import GapuraFormats
package import GapuraStore

/// The directory as it is before a load, in the form in which a load compares itself with it: of a hundred thousand
/// people it is most of what a preview keeps in memory, so nothing is kept twice.
struct DirectorySnapshot: Sendable {
    struct AccountBrief: Sendable {
        let id: AccountID
        let state: AccountState
        let stateBy: StateSource
        let isActiveSuperadmin: Bool
    }

    /// Somebody who is known by a `pns_id`.
    struct Known: Sendable {
        let person: Person
        fileprivate(set) var account: AccountBrief?
        /// The NIP or NI PPPK of today, as a number: it has eighteen digits. Nought: none.
        fileprivate(set) var number: UInt64 = 0
        /// Whoever has a second one.
        fileprivate(set) var furtherNumbers: [UInt64] = []

        func has(_ number: UInt64) -> Bool { self.number == number || furtherNumbers.contains(number) }
        var numbers: [UInt64] { number == 0 ? [] : [number] + furtherNumbers }

        fileprivate mutating func add(_ number: UInt64) {
            if self.number == 0 { self.number = number } else { furtherNumbers.append(number) }
        }
    }

    /// What waits for a person, or acted and still counts.
    struct Scheduled: Sendable {
        /// Missing in the files.
        var vanished: ScheduledChange?
        var retired: ScheduledChange?
    }

    private(set) var people: [Known] = []
    private var places: [String: Int32] = [:]
    /// Who has a number today; people without a `pns_id` too.
    private var owners: [UInt64: PersonID] = [:]
    private(set) var scheduled: [PersonID: Scheduled] = [:]
    /// Superadmins who can sign in, accounts without a person among them.
    private(set) var activeSuperadmins = 0
    /// Accounts of people that may sign in.
    private(set) var activeAccounts = 0
    /// Accounts that lost their sign-in to loads of the last day; asked by loads of some people only.
    private(set) var recentLosses = 0
    private(set) var units: [Unit] = []
    private(set) var pastUnits: [Unit] = []
    private(set) var latestLoad: Load?
    /// The last row of the audit: what changed the directory since has its row behind it.
    private(set) var auditSeq: Int64 = 0
    private(set) var governmentIDs: Set<String> = []

    /// - Parameter unitIDs: the ids of the unit file, to find units that had ended.
    init(_ tx: Transaction, unitIDs: [String], now: Timestamp) throws {
        let count = Int(clamping: try tx.people.count())
        people.reserveCapacity(count)
        places.reserveCapacity(count)
        owners.reserveCapacity(count)
        var byID: [PersonID: Int32] = [:]
        byID.reserveCapacity(count)
        var shared = SharedTexts()
        try tx.people.each { person in
            guard let pnsID = person.pnsID else { return }
            var person = person
            shared.share(&person)
            let place = Int32(clamping: people.count)
            places[pnsID] = place
            byID[person.id] = place
            people.append(Known(person: person))
        }
        try tx.people.eachCurrentAlias { alias in
            guard alias.kind != .pnsID, let number = UInt64(alias.value) else { return }
            guard let place = byID[alias.personID].map({ Int($0) }) else {
                owners[number] = alias.personID
                return
            }
            owners[number] = people[place].person.id
            people[place].add(number)
        }
        try tx.accounts.each { account in
            let isActiveSuperadmin = account.role == .superadmin && account.state(at: now) == .aktif
            if isActiveSuperadmin { activeSuperadmins += 1 }
            guard let personID = account.personID else { return }
            if account.state.maySignIn { activeAccounts += 1 }
            guard let place = byID[personID] else { return }
            people[Int(place)].account = AccountBrief(
                id: account.id, state: account.state, stateBy: account.stateBy,
                isActiveSuperadmin: isActiveSuperadmin)
        }
        try tx.schedule.eachOpen { note($0) }
        try readTree(tx, unitIDs)
        try readStanding(tx)
    }

    /// Only what some rows concern: whom they name, who has the numbers that they claim, the units that they name. What
    /// it costs depends on them and not on the city, but for one count of the accounts.
    ///
    /// - Parameter unitIDs: the ids of the unit file; nil where there is none, and the tree stays unread.
    init(_ tx: Transaction, concerning records: [PersonnelRecord], unitIDs: [String]?, now: Timestamp) throws {
        var byID: [PersonID: Int] = [:]
        for person in try tx.people.list(pnsIDs: Set(records.map(\.pnsID))) {
            guard let pnsID = person.pnsID else { continue }
            places[pnsID] = Int32(clamping: people.count)
            byID[person.id] = people.count
            people.append(Known(person: person))
        }
        for alias in try tx.people.currentNumbers(of: byID.keys) {
            guard let place = byID[alias.personID], let number = UInt64(alias.value) else { continue }
            owners[number] = alias.personID
            people[place].add(number)
        }
        for alias in try tx.people.current(numbers: Set(records.map(\.nip.digits))) {
            if let number = UInt64(alias.value) { owners[number] = alias.personID }
        }
        for account in try tx.accounts.list(personIDs: byID.keys) {
            guard let place = account.personID.flatMap({ byID[$0] }) else { continue }
            people[place].account = AccountBrief(
                id: account.id, state: account.state, stateBy: account.stateBy,
                isActiveSuperadmin: account.role == .superadmin && account.state(at: now) == .aktif)
        }
        activeSuperadmins = try tx.accounts.list(role: .superadmin).count { $0.state(at: now) == .aktif }
        activeAccounts = Int(clamping: try tx.accounts.countOfPeopleWhoMaySignIn())
        recentLosses = Int(clamping: try tx.loads.lost(since: now.adding(seconds: -86_400)))
        for change in try tx.schedule.listOpen(of: byID.keys) { note(change) }
        if let unitIDs {
            try readTree(tx, unitIDs)
        } else {
            units = try tx.units.list(sourceIDs: Set(records.compactMap(\.unitSourceID)))
            let others = Set(people.compactMap(\.person.unitID)).subtracting(units.map(\.id))
            units += try tx.units.list(others).filter { $0.validTo == nil }
        }
        try readStanding(tx)
    }

    private mutating func note(_ change: ScheduledChange) {
        switch change.kind {
        case .vanished: scheduled[change.personID, default: Scheduled()].vanished = change
        case .retired: scheduled[change.personID, default: Scheduled()].retired = change
        }
    }

    private mutating func readTree(_ tx: Transaction, _ unitIDs: [String]) throws {
        units = try tx.units.list()
        let current = Set(units.map(\.sourceID))
        for id in Set(unitIDs).subtracting(current) {
            if let unit = try tx.units.find(sourceID: id) { pastUnits.append(unit) }
        }
    }

    /// What a plan is made upon.
    private mutating func readStanding(_ tx: Transaction) throws {
        latestLoad = try tx.loads.latest()
        auditSeq = try tx.audit.head().seq
        governmentIDs = Set(try PersonnelGovernments.read(tx))
    }

    /// Where the ids of our government are remembered between loads.
    static let governmentsKey = "personnel.governments"

    func find(_ pnsID: String) -> Known? {
        places[pnsID].map { people[Int($0)] }
    }

    /// Who has this number today.
    func owner(of number: UInt64) -> PersonID? { owners[number] }
}

/// The ids of our own government in personnel data, as the last list of units had them.
package enum PersonnelGovernments {
    package static func read(_ tx: Transaction) throws -> [String] {
        try tx.upkeep.meta(DirectorySnapshot.governmentsKey)?.split(separator: " ").map(String.init) ?? []
    }
}

/// One copy of each text that many people share: units, posts, grades. Of a hundred thousand people they would be most
/// of the memory.
struct SharedTexts {
    private var texts: Set<ExactText> = []
    private var units: [String: UnitID] = [:]

    mutating func share(_ text: inout String?) {
        guard let value = text, value.utf8.count > 15 else { return }  // shorter ones live in the String itself
        text = texts.insert(ExactText(value)).memberAfterInsert.text
    }

    mutating func share(_ person: inout Person) {
        share(&person.statusName)
        share(&person.grade)
        share(&person.postID)
        share(&person.postName)
        share(&person.backTitle)
        guard let unit = person.unitID else { return }
        if let known = units[unit.text] { person.unitID = known } else { units[unit.text] = unit }
    }
}

extension NIP {
    /// The eighteen digits as the number that they are.
    var number: UInt64 { UInt64(digits) ?? 0 }
}
