package import GapuraStore

/// What an import of an old application's user table would do. Making it changes nothing.
package struct LegacyPlan: Sendable {
    /// A row that was refused, whose password was, or that waits.
    package struct Finding: Sendable, Equatable {
        package let row: Int
        package let reason: LegacyReason
    }

    package let fileName: String
    package let digest: String
    /// Rows in the order of the file.
    var entries: [LegacyEntry]

    package var rows: Int { entries.count }
    package var matched: Int { count { $0.state == .matched } }
    package var queued: Int { count { $0.state == .queued } }
    package var refused: Int { count { $0.state == .refused } }
    /// Rows that the directory has already from this very file.
    package var unchanged: Int { count { $0.isUnchanged } }
    /// Old passwords that an apply stores.
    package var passwords: Int { count { $0.takesPassword } }
    /// People who need no old password any more.
    package var haveOwn: Int { count { $0.reason == .hasPassword } }

    /// Every refused row and every refused password.
    package var rejected: [Finding] { findings(.refused) }
    /// What goes into the queue.
    package var waiting: [Finding] { findings(.queued) }

    private func count(_ isCounted: (LegacyEntry) -> Bool) -> Int { entries.count(where: isCounted) }

    private func findings(_ state: LegacyAccount.State) -> [Finding] {
        entries.compactMap { entry in
            guard entry.state == state, let reason = entry.reason else { return nil }
            return Finding(row: entry.row.number, reason: reason)
        }
    }
}

/// One row with what becomes of it.
struct LegacyEntry: Sendable {
    let row: LegacyRow
    var accountID: AccountID?
    var matchedBy: LegacyAccount.Match?
    var state: LegacyAccount.State
    var reason: LegacyReason?
    var isUnchanged = false
    /// What its owner's password must not have been.
    var guesses = LegacyGuesses.none

    /// The old hash that is stored, wrapped or as it is.
    var hash: LegacyHash? {
        guard state != .refused, reason != .hasPassword, case .success(let hash) = row.hash else { return nil }
        return hash
    }

    var takesPassword: Bool { !isUnchanged && hash != nil }

    /// Neither local id nor password is taken.
    mutating func refuse(_ reason: LegacyReason) {
        (state, self.reason, accountID, matchedBy) = (.refused, reason, nil, nil)
    }

    /// The password is not taken; whose the local account is stays known.
    mutating func refusePassword(_ reason: LegacyReason) {
        (state, self.reason) = (.refused, reason)
    }
}
