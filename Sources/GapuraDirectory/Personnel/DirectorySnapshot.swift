internal import GapuraFormats
internal import GapuraStore

/// The directory as it is before a load, in the form in which a load compares itself with it.
struct DirectorySnapshot: Sendable {
    struct AccountBrief: Sendable {
        let id: AccountID
        let state: AccountState
        let stateBy: StateSource
        let isActiveSuperadmin: Bool
    }

    var people: [String: Person] = [:]
    var aliases: [PersonID: [PersonAlias]] = [:]
    /// Who has a NIP or NI PPPK today.
    var ownerOfNIP: [String: PersonID] = [:]
    var accounts: [PersonID: AccountBrief] = [:]
    /// Superadmins who can sign in, accounts without a person among them.
    var activeSuperadmins = 0
    var units: [Unit] = []
    var pastUnits: [Unit] = []
    var latestLoad: Load?
    var governmentIDs: Set<String> = []

    /// - Parameter unitIDs: the ids of the unit file, to find units that had ended.
    init(_ tx: Transaction, unitIDs: [String], now: Timestamp) throws {
        try tx.people.each { person in
            if let pnsID = person.pnsID { people[pnsID] = person }
        }
        try tx.people.eachCurrentAlias { alias in
            aliases[alias.personID, default: []].append(alias)
            if alias.kind != .pnsID { ownerOfNIP[alias.value] = alias.personID }
        }
        try tx.accounts.each { account in
            let isActiveSuperadmin = account.role == .superadmin && account.state(at: now) == .aktif
            if isActiveSuperadmin { activeSuperadmins += 1 }
            guard let personID = account.personID else { return }
            accounts[personID] = AccountBrief(
                id: account.id, state: account.state, stateBy: account.stateBy,
                isActiveSuperadmin: isActiveSuperadmin)
        }
        units = try tx.units.list()
        let current = Set(units.map(\.sourceID))
        for id in Set(unitIDs).subtracting(current) {
            if let unit = try tx.units.find(sourceID: id) { pastUnits.append(unit) }
        }
        latestLoad = try tx.loads.latest()
        governmentIDs = Set(try tx.upkeep.meta(Self.governmentsKey)?.split(separator: " ").map(String.init) ?? [])
    }

    /// Where the ids of our government are remembered between loads.
    static let governmentsKey = "personnel.governments"
}
