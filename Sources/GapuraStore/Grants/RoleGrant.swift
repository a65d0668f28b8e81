package import GapuraFormats

package typealias GrantID = ID<RoleGrant>

/// A role that an application knows, by the name the application itself uses.
package struct ApplicationRole: Sendable, Equatable {
    package var applicationID: ApplicationID
    package var name: String
    package var description: String?
    package var createdAt: Timestamp

    package init(applicationID: ApplicationID, name: String, description: String?, createdAt: Timestamp) {
        self.applicationID = applicationID
        self.name = name
        self.description = description
        self.createdAt = createdAt
    }
}

/// A role together with its application, as commands name it: `e-kinerja:penilai`.
package struct QualifiedRole: Sendable, Hashable {
    package var applicationID: ApplicationID
    package var name: String

    package init(_ applicationID: ApplicationID, _ name: String) {
        self.applicationID = applicationID
        self.name = name
    }
}

/// Whom a grant reaches: one account, or everybody for whom a fact is true today.
package struct GrantSubject: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        /// `value` is an account's id.
        case account
        /// `value` is the id of a post in personnel data: whoever holds it, and whoever stands in there.
        case post
        /// `value` is a unit's id: whoever works there or below.
        case unit
        /// `value` is an `EmployeeKind`.
        case kind
    }

    package var kind: Kind
    package var value: String

    package init(_ kind: Kind, _ value: String) {
        self.kind = kind
        self.value = value
    }
}

/// A role in an application, from a date to a date, with the letter it rests on and who gave it. Rows are never
/// deleted: what somebody could do on a past day can be said.
package struct RoleGrant: Sendable, Equatable {
    /// Why a grant ended before its time.
    package enum EndReason: String, Sendable {
        /// An admin ended it.
        case ended
        /// Its holder left the unit it was given in.
        case transfer
    }

    package var id: GrantID
    package var applicationID: ApplicationID
    package var role: String
    package var subject: GrantSubject
    /// Of a post: its name as letters of appointment are compared.
    package var postKey: String?
    /// Of a post: the unit it is in. Nobody stands in at one whose unit is not known.
    package var postUnitID: UnitID?
    /// Only while the holder works in this unit or below, or stands in at a post there.
    package var unitID: UnitID?
    package var validFrom: Timestamp
    /// The first moment at which it no longer counts; nothing for one without an end.
    package var validTo: Timestamp?
    package var letterNumber: String
    /// Text of the actor.
    package var givenBy: String
    package var givenAt: Timestamp
    /// From when on it does not count, whatever `validTo` says.
    package var endedAt: Timestamp?
    package var endedBy: String?
    package var endReason: EndReason?

    package init(
        id: GrantID, applicationID: ApplicationID, role: String, subject: GrantSubject, postKey: String? = nil,
        postUnitID: UnitID? = nil, unitID: UnitID? = nil, validFrom: Timestamp, validTo: Timestamp? = nil,
        letterNumber: String, givenBy: String,
        givenAt: Timestamp,
        endedAt: Timestamp? = nil, endedBy: String? = nil, endReason: EndReason? = nil
    ) {
        self.id = id
        self.applicationID = applicationID
        self.role = role
        self.subject = subject
        self.postKey = postKey
        self.postUnitID = postUnitID
        self.unitID = unitID
        self.validFrom = validFrom
        self.validTo = validTo
        self.letterNumber = letterNumber
        self.givenBy = givenBy
        self.givenAt = givenAt
        self.endedAt = endedAt
        self.endedBy = endedBy
        self.endReason = endReason
    }

    /// When it stops to count: the earlier of its two ends.
    package var endsAt: Timestamp? {
        guard let validTo, let endedAt else { return validTo ?? endedAt }
        return min(validTo, endedAt)
    }

    /// Whether its dates hold a moment.
    package func counts(at moment: Timestamp) -> Bool {
        validFrom <= moment && endsAt.map { moment < $0 } ?? true
    }
}

/// Who somebody is to a grant at a moment: the facts that the kinds of subject look at.
package struct GrantHolder: Sendable, Equatable {
    /// A post that somebody holds or stands in at by a letter of appointment.
    package struct Appointed: Sendable, Equatable {
        package var postKey: String
        /// Ids from the government down to the post's unit.
        package var unitIDs: [String]
    }

    package var accountID: AccountID
    package var postID: String?
    /// Ids from the government down to the unit.
    package var unitIDs: [String]
    package var employeeKind: EmployeeKind
    package var appointed: [Appointed]

    /// Everything a grant may have been given to, to reach this one.
    var subjects: [GrantSubject] {
        [GrantSubject(.account, accountID.text), GrantSubject(.kind, employeeKind.rawValue)]
            + (postID.map { [GrantSubject(.post, $0)] } ?? []) + unitIDs.map { GrantSubject(.unit, $0) }
    }
}

/// A grant with the words that people know its parts by.
package struct NamedGrant: Sendable {
    package var grant: RoleGrant
    package var applicationSlug: String
    package var applicationName: String
    /// Of an account or a unit.
    package var subjectName: String?
    package var unitName: String?
}

/// A role that somebody holds now, with the grant it comes from.
package struct HeldRole: Sendable {
    package var named: NamedGrant
    /// Held together with a role that excludes it: neither of the two is given.
    package var isWithheld: Bool

    package var grant: RoleGrant { named.grant }
    package var qualifiedRole: QualifiedRole { QualifiedRole(named.grant.applicationID, named.grant.role) }
}

/// Two roles that nobody may hold together.
package struct Exclusion: Sendable, Equatable {
    package var first: QualifiedRole
    package var second: QualifiedRole
    package var createdAt: Timestamp
    package var createdBy: String

    package init(first: QualifiedRole, second: QualifiedRole, createdAt: Timestamp, createdBy: String) {
        self.first = first
        self.second = second
        self.createdAt = createdAt
        self.createdBy = createdBy
    }
}

/// Somebody whom two roles reach that exclude each other.
package struct RoleConflict: Sendable, Equatable {
    package var accountID: AccountID
    package var role: QualifiedRole
    package var grantID: GrantID
    package var otherRole: QualifiedRole
    package var otherGrantID: GrantID
}
