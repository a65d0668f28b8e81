package import GapuraFormats

package typealias AccountID = ID<Account>

/// Whether an account may sign in; the words are those of the console.
package enum AccountState: String, Sendable, CaseIterable {
    /// Provisioned, may not sign in yet.
    case menunggu
    case aktif
    /// Own account page and portal only.
    case terbatas
    /// Suspended, sessions ended.
    case ditangguhkan
    case nonaktif

    /// Whether a person in this state can sign in at all.
    package var maySignIn: Bool { self == .aktif || self == .terbatas }
    /// Whether a person in this state can use applications of agencies.
    package var mayUseApplications: Bool { self == .aktif }
}

/// Who decided the state: the personnel data, or an admin whose word a feed does not overrule.
package enum StateSource: String, Sendable {
    case personnel
    case admin
}

/// What an account may administer; `Authority` says what each of them may do.
package enum AdminRole: String, Sendable, CaseIterable {
    case none
    case superadmin
    /// Of the personnel agency (BKD/BKPSDM): people, posts, accounts of the whole city.
    case personnelAdmin = "personnel_admin"
    /// Of one unit and everything below it.
    case agencyAdmin = "agency_admin"
    /// Reads everything, changes nothing.
    case auditor
    /// Gives people a new password, nothing else.
    case helpdesk
}

/// Who signs in: credentials, a state, a `sub`.
package struct Account: Sendable, Equatable {
    package var id: AccountID
    package var personID: PersonID?
    /// The subject of tokens: a random UUIDv4 that never changes and is never reused.
    package var sub: String
    package var userName: String?
    /// For accounts without a person.
    package var displayName: String?
    package var email: String?
    package var emailVerified: Bool
    package var state: AccountState
    package var stateBy: StateSource
    package var role: AdminRole
    /// The unit to whose subtree the role is limited; nothing for the whole city.
    package var roleUnitID: UnitID?
    package var sponsorID: AccountID?
    package var endsAt: Timestamp?
    /// PHC string of Argon2id.
    package var passwordHash: String?
    package var passwordChangedAt: Timestamp?
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
    /// Who answers for it, as they were when the account was read; written nowhere.
    package var sponsor: Sponsor?

    /// What an account depends on of the one that answers for it.
    package struct Sponsor: Sendable, Equatable {
        package var state: AccountState
        package var endsAt: Timestamp?

        package init(state: AccountState, endsAt: Timestamp?) {
            self.state = state
            self.endsAt = endsAt
        }

        /// Whether a sponsor may still sign in, and so may those they answer for.
        package func stands(at moment: Timestamp) -> Bool {
            state.maySignIn && endsAt.map { moment < $0 } ?? true
        }
    }

    package init(
        id: AccountID, personID: PersonID? = nil, sub: String, userName: String? = nil, displayName: String? = nil,
        email: String? = nil,
        emailVerified: Bool = false, state: AccountState, stateBy: StateSource, role: AdminRole = .none,
        roleUnitID: UnitID? = nil, sponsorID: AccountID? = nil,
        endsAt: Timestamp? = nil, passwordHash: String? = nil, passwordChangedAt: Timestamp? = nil,
        createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.personID = personID
        self.sub = sub
        self.userName = userName
        self.displayName = displayName
        self.email = email
        self.emailVerified = emailVerified
        self.state = state
        self.stateBy = stateBy
        self.role = role
        self.roleUnitID = roleUnitID
        self.sponsorID = sponsorID
        self.endsAt = endsAt
        self.passwordHash = passwordHash
        self.passwordChangedAt = passwordChangedAt
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// The state that counts at a moment: an account past its end date is `nonaktif`, and one whose sponsor may not
    /// sign in any more is `ditangguhkan`, from that moment on and without anybody changing it.
    package func state(at moment: Timestamp) -> AccountState {
        if let endsAt, endsAt <= moment { return .nonaktif }
        if state.maySignIn, let sponsor, !sponsor.stands(at: moment) { return .ditangguhkan }
        return state
    }

    /// When the account ends by itself: on its own date, or with its sponsor if that is sooner.
    package var lastsUntil: Timestamp? {
        [endsAt, sponsor?.endsAt].compactMap { $0 }.min()
    }
}

/// The form in which user names and email addresses are compared: lower case, by scalars, of ASCII only.
///
/// Names are ASCII by rule, so folding needs no locale and both engines agree.
package func nameKey(_ name: String) -> String {
    String(decoding: name.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
}
