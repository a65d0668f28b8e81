package import GapuraStore

/// What somebody may do in administration. Every operation names the one that it needs.
package enum Verb: String, Sendable, CaseIterable {
    case accountsRead = "accounts.read"
    /// A new password for somebody: links and nothing else.
    case accountsReset = "accounts.reset"
    /// State, email, end, sessions.
    case accountsChange = "accounts.change"
    /// Accounts without a person.
    case accountsAdd = "accounts.add"
    /// Printed one-time codes for many.
    case codesIssue = "codes.issue"
    /// Makes somebody an admin, or takes that away.
    case adminsGive = "admins.give"
    case peopleRead = "people.read"
    /// Everything that is held about somebody, and who learnt it.
    case peopleDisclose = "people.disclose"
    case peopleForget = "people.forget"
    case unitsRead = "units.read"
    case unitsChange = "units.change"
    case appointmentsRead = "appointments.read"
    /// Letters of appointment, and managers set by hand.
    case appointmentsChange = "appointments.change"
    case grantsRead = "grants.read"
    case grantsChange = "grants.change"
    /// The roles of applications, and which two nobody may hold together.
    case rolesChange = "roles.change"
    case applicationsRead = "applications.read"
    case applicationsChange = "applications.change"
    case loadsRead = "loads.read"
    case loadsRun = "loads.run"
    case legacyRead = "legacy.read"
    case legacyChange = "legacy.change"
    case auditRead = "audit.read"

    /// Whether it changes nothing.
    package var isReading: Bool {
        switch self {
        case .accountsRead, .peopleRead, .unitsRead, .appointmentsRead, .grantsRead, .applicationsRead, .loadsRead,
            .legacyRead, .auditRead:
            true
        case .accountsReset, .accountsChange, .accountsAdd, .codesIssue, .adminsGive, .peopleDisclose, .peopleForget,
            .unitsChange, .appointmentsChange, .grantsChange, .rolesChange, .applicationsChange, .loadsRun,
            .legacyChange:
            false
        }
    }
}

extension Verb {
    /// Whether a sign-in of hours ago is not enough: who finds a browser open must not make admins, print codes, or
    /// read and erase people.
    package var needsRecentSignIn: Bool {
        switch self {
        case .adminsGive, .codesIssue, .peopleDisclose, .peopleForget: true
        default: false
        }
    }
}

extension AdminRole {
    /// What an admin of this role may do. Written out for each, so that a new verb is nobody's by accident.
    package var verbs: Set<Verb> {
        switch self {
        case .none: []
        case .superadmin: Set(Verb.allCases)
        case .personnelAdmin:
            [
                .accountsRead, .accountsReset, .accountsChange, .accountsAdd, .codesIssue, .peopleRead, .unitsRead,
                .unitsChange, .appointmentsRead, .appointmentsChange, .grantsRead, .applicationsRead, .loadsRead,
                .loadsRun, .legacyRead,
            ]
        case .agencyAdmin:
            [
                .accountsRead, .accountsReset, .accountsChange, .accountsAdd, .codesIssue, .adminsGive, .peopleRead,
                .unitsRead, .appointmentsRead, .grantsRead, .grantsChange, .applicationsRead,
            ]
        case .auditor: Set(Verb.allCases.filter(\.isReading))
        case .helpdesk: [.accountsRead, .accountsReset]
        }
    }

    /// Whether the role may be limited to a subtree, must be, or cannot be.
    package enum Limit: Sendable {
        case never
        case optional
        case always
    }

    package var limit: Limit {
        switch self {
        case .none, .superadmin, .personnelAdmin, .auditor: .never
        case .agencyAdmin: .always
        case .helpdesk: .optional
        }
    }
}
