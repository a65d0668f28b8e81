package import GapuraFormats

package typealias AppointmentID = ID<Appointment>

/// A person's holding of a post in a unit, by a letter, from a moment to a moment.
package struct Appointment: Sendable, Equatable {
    /// SIASN's `jenisPenugasan` (domain notes 2.6).
    package enum Kind: String, Sendable, CaseIterable, SQLConvertible {
        case definitive = "D"
        /// Tugas tambahan: a further duty beside one's own post.
        case additional = "TT"
        /// Pelaksana tugas: the post is vacant.
        case plt = "PLT"
        /// Pelaksana harian: the holder is away.
        case plh = "PLH"
        /// Penjabat.
        case pj = "PJ"

        /// Whether somebody stands in at a post that one person holds at a time.
        package var isActing: Bool {
            switch self {
            case .plt, .plh, .pj: true
            case .definitive, .additional: false
            }
        }

        /// The acting kinds, for queries.
        static let acting = allCases.filter(\.isActing)
    }

    package var id: AppointmentID
    package var personID: PersonID
    package var unitID: UnitID
    package var kind: Kind
    package var postName: String
    package var letterNumber: String
    package var validFrom: Timestamp
    /// The first moment after the last day; nothing where no end is known. Not after `validFrom`: it never held.
    package var validTo: Timestamp?
    /// What the letter says of `validTo`, which may have been cut short since.
    package var letterTo: Timestamp?
    package var recordedAt: Timestamp
    package var recordedBy: String
    /// Set where it was ended before its time.
    package var endedAt: Timestamp?
    package var endedBy: String?

    package init(
        id: AppointmentID, personID: PersonID, unitID: UnitID, kind: Kind, postName: String, letterNumber: String,
        validFrom: Timestamp, validTo: Timestamp?, letterTo: Timestamp? = nil, recordedAt: Timestamp,
        recordedBy: String,
        endedAt: Timestamp? = nil, endedBy: String? = nil
    ) {
        self.id = id
        self.personID = personID
        self.unitID = unitID
        self.kind = kind
        self.postName = postName
        self.letterNumber = letterNumber
        self.validFrom = validFrom
        self.validTo = validTo
        self.letterTo = letterTo
        self.recordedAt = recordedAt
        self.recordedBy = recordedBy
        self.endedAt = endedAt
        self.endedBy = endedBy
    }

    /// Whether it holds at a moment.
    package func holds(at moment: Timestamp) -> Bool {
        validFrom <= moment && validTo.map { moment < $0 } ?? true
    }

    /// Whether there is a moment at which both hold.
    package func overlaps(_ other: Appointment) -> Bool {
        let start = max(validFrom, other.validFrom)
        return holds(at: start) && other.holds(at: start)
    }

    /// The post as it is compared.
    package var postKey: String { spacedNameKey(postName) }
    /// The letter as it is compared.
    package var letterKey: String { spacedNameKey(letterNumber) }
}

/// `nameKey` of a name that people type: whatever white space stands between its words, and none around it.
package func spacedNameKey(_ name: String) -> String {
    nameKey(name).utf8.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0a || $0 == 0x0d }
        .map { String(Substring($0)) }.joined(separator: " ")
}

/// Somebody who holds a post, and the account by which applications know them.
package struct PostHolder: Sendable, Equatable {
    package var personID: PersonID
    /// Nothing of these without an account.
    package var sub: String?
    package var state: AccountState?
    package var endsAt: Timestamp?

    package init(personID: PersonID, sub: String?, state: AccountState?, endsAt: Timestamp?) {
        self.personID = personID
        self.sub = sub
        self.state = state
        self.endsAt = endsAt
    }

    /// Whether the person is still with us: personnel data goes on naming heads who have left.
    package func isInService(at moment: Timestamp) -> Bool {
        guard sub != nil, let state, state != .nonaktif else { return false }
        return endsAt.map { moment < $0 } ?? true
    }
}

/// A manager who was named by hand.
package struct ManagerOverride: Sendable, Equatable {
    package var personID: PersonID
    package var managerID: PersonID
    package var setAt: Timestamp
    package var setBy: String

    package init(personID: PersonID, managerID: PersonID, setAt: Timestamp, setBy: String) {
        self.personID = personID
        self.managerID = managerID
        self.setAt = setAt
        self.setBy = setBy
    }
}
