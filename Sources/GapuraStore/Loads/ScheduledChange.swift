package import GapuraFormats

/// Something personnel data says that acts on a day of its own: a retirement on the first of next month, the
/// suspension of somebody who is missing in the file.
package struct ScheduledChange: Sendable, Equatable {
    package enum Kind: String, Sendable {
        /// Missing in a load: the account is suspended when the grace is over.
        case vanished
        /// Retires on a date: the account is `nonaktif` from then on.
        case retired
    }

    package enum State: String, Sendable {
        case waiting
        /// It acted. Of `vanished`: the person is still missing.
        case done
        /// The person came back, or a later file says otherwise.
        case cancelled
    }

    package var id: ID<ScheduledChange>
    package var personID: PersonID
    package var kind: Kind
    /// The load that brought it.
    package var loadID: LoadID
    /// The date of the decree, or the first load in which the person was missing.
    package var validFrom: Timestamp
    package var dueAt: Timestamp
    package var state: State
    /// The account's state before it acted; nil where there was nothing to do.
    package var stateBefore: AccountState?
    package var decidedAt: Timestamp?

    package init(
        id: ID<ScheduledChange>, personID: PersonID, kind: Kind, loadID: LoadID, validFrom: Timestamp,
        dueAt: Timestamp, state: State = .waiting, stateBefore: AccountState? = nil, decidedAt: Timestamp? = nil
    ) {
        self.id = id
        self.personID = personID
        self.kind = kind
        self.loadID = loadID
        self.validFrom = validFrom
        self.dueAt = dueAt
        self.state = state
        self.stateBefore = stateBefore
        self.decidedAt = decidedAt
    }
}

/// An account that personnel data closed, and until when it is listed for being put back. Nothing is deleted after
/// that.
package struct BinEntry: Sendable, Equatable {
    package enum Reason: String, Sendable {
        case retired
        case suspended
        case vanished
        /// Made by a load that was taken back.
        case undone
        /// Waits again: works for another government, or an unknown code.
        case waiting
    }

    package var accountID: AccountID
    package var loadID: LoadID
    package var reason: Reason
    package var stateBefore: AccountState
    package var enteredAt: Timestamp
    package var until: Timestamp

    package init(
        accountID: AccountID, loadID: LoadID, reason: Reason, stateBefore: AccountState, enteredAt: Timestamp,
        until: Timestamp
    ) {
        self.accountID = accountID
        self.loadID = loadID
        self.reason = reason
        self.stateBefore = stateBefore
        self.enteredAt = enteredAt
        self.until = until
    }
}
