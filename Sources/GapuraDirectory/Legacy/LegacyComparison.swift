import GapuraFormats
import GapuraStore

/// Finds out whose each row is, in one transaction that reads.
struct LegacyComparison {
    let tx: Transaction
    let application: ApplicationID
    let digest: String

    func compare(_ rows: [LegacyRow]) throws -> [LegacyEntry] {
        var known: [ExactText: LegacyAccount] = [:]
        var owners: [AccountID: String] = [:]
        try tx.legacy.each(of: application) { local in
            known[ExactText(local.localID)] = local
            if let owner = local.accountID { owners[owner] = local.localID }
        }
        var entries: [LegacyEntry] = []
        entries.reserveCapacity(rows.count)
        for row in rows { entries.append(try judge(row, known)) }
        refuseDoubles(&entries)
        for index in entries.indices {
            guard let owner = entries[index].accountID, let localID = entries[index].row.localID else { continue }
            if let other = owners[owner], !other.isExactly(localID) { entries[index].refuse(.otherLocalID) }
        }
        return entries
    }

    private func judge(_ row: LegacyRow, _ known: [ExactText: LegacyAccount]) throws -> LegacyEntry {
        var entry = LegacyEntry(row: row, state: .queued)
        guard !row.isNumeric else {
            entry.refuse(.numericIdentifier)
            return entry
        }
        guard let localID = row.localID else {
            entry.refuse(.localIDMissing)
            return entry
        }
        guard LegacyTable.isUsable(localID) else {
            entry.refuse(.localIDUnusable)
            return entry
        }
        let before = known[ExactText(localID)]
        let (account, reason) = try owner(of: row, before)
        if let account {
            entry.accountID = account.id
            entry.matchedBy = before?.matchedBy == .byHand ? .byHand : .nip
            entry.state = .matched
            entry.guesses = try guesses(account, row)
        } else {
            entry.reason = reason
            entry.guesses = LegacyGuesses(
                numbers: [row.nip].compactMap { $0 }, names: [row.userName].compactMap { $0 })
        }
        if let before, before.fileDigest.isExactly(digest), before.accountID == entry.accountID {
            entry.isUnchanged = true
            entry.state = before.state
            entry.reason = before.reason.flatMap(LegacyReason.init)
        } else {
            judgePassword(&entry, account)
        }
        return entry
    }

    private func judgePassword(_ entry: inout LegacyEntry, _ account: Account?) {
        switch entry.row.hash {
        case nil: break
        case .failure(let reason): entry.refusePassword(reason)
        case .success:
            guard let account, !account.mayHaveOldPassword else { break }
            if account.passwordHash != nil {
                entry.reason = .hasPassword
            } else {
                entry.refusePassword(.privilegedAccount)
            }
        }
    }

    /// The account of the one person who is known by the row's NIP, or was; an operator's word wins.
    private func owner(of row: LegacyRow, _ before: LegacyAccount?) throws -> (Account?, LegacyReason) {
        if let before, before.matchedBy == .byHand, let id = before.accountID {
            return (try tx.accounts.find(id), .noAccount)
        }
        guard let text = row.nip else { return (nil, .nipMissing) }
        let digits = text.utf8.filter { $0 != 0x20 && $0 != 0x2e && $0 != 0x2d }
        guard digits.count == 18, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return (nil, .nipUnusable) }
        let aliases = try tx.people.aliases(withNumber: String(decoding: digits, as: UTF8.self))
        // A number of today is its owner's, whoever had it before.
        let current = aliases.filter { $0.validTo == nil }
        let people = Set((current.isEmpty ? aliases : current).map(\.personID))
        guard let person = people.first else { return (nil, .nipUnknown) }
        guard people.count == 1 else { return (nil, .nipAmbiguous) }
        return (try tx.accounts.find(personID: person), .noAccount)
    }

    private func guesses(_ account: Account, _ row: LegacyRow) throws -> LegacyGuesses {
        let numbers = try account.personID.map { try tx.people.aliases(of: $0).map(\.value) } ?? []
        return LegacyGuesses(
            numbers: numbers + [row.nip].compactMap { $0 }, names: [row.userName, account.userName].compactMap { $0 })
    }

    /// Of two rows of one person, or with one local id, nobody can say which is right.
    private func refuseDoubles(_ entries: inout [LegacyEntry]) {
        var localIDs: [ExactText: Int] = [:]
        var people: [AccountID: Int] = [:]
        for entry in entries {
            if let localID = entry.row.localID { localIDs[ExactText(localID), default: 0] += 1 }
            if let id = entry.accountID { people[id, default: 0] += 1 }
        }
        for index in entries.indices {
            if let localID = entries[index].row.localID, localIDs[ExactText(localID), default: 0] > 1 {
                entries[index].refuse(.duplicateLocalID)
            } else if let id = entries[index].accountID, people[id, default: 0] > 1 {
                entries[index].refuse(.duplicatePerson)
            }
        }
    }
}
