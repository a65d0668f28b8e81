package import GapuraFormats

package typealias ApplicationID = ID<ApplicationRecord>

/// Where an application stands; only an active one signs anybody in.
package enum ApplicationState: String, Sendable, CaseIterable {
    case diajukan
    case diverifikasi
    case disetujui
    case ditolak
    case aktif
    case ditangguhkan
    case diarsipkan
}

/// An entry of the city's inventory, owned by an agency. It exists before its clients.
package struct ApplicationRecord: Sendable, Equatable {
    package var id: ApplicationID
    /// Short name for commands and URLs: `e-absensi`.
    package var slug: String
    package var name: String
    package var description: String?
    /// Where its tile in the portal leads.
    package var url: String?
    package var ownerUnitID: UnitID?
    package var contact: String?
    package var state: ApplicationState
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    package init(
        id: ApplicationID, slug: String, name: String, description: String? = nil, url: String? = nil,
        ownerUnitID: UnitID? = nil,
        contact: String? = nil, state: ApplicationState, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.slug = slug
        self.name = name
        self.description = description
        self.url = url
        self.ownerUnitID = ownerUnitID
        self.contact = contact
        self.state = state
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// One line of who may use an application. No line at all admits everyone; lines of one kind are alternatives,
/// different kinds must all hold (agency and unit count as one kind: where somebody works).
package struct AccessRule: Sendable, Equatable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        /// `value` is the unit id of an agency.
        case agency
        /// `value` is the id of a unit; everything below it counts.
        case unit
        /// `value` is an `EmployeeKind`.
        case employeeKind = "employee_kind"
    }

    package var kind: Kind
    package var value: String

    package init(kind: Kind, value: String) {
        self.kind = kind
        self.value = value
    }
}

/// An application with who may use it and when one account last did: what the portal shows.
package struct ApplicationTile: Sendable {
    package var application: ApplicationRecord
    package var rules: [AccessRule]
    package var lastUsedAt: Timestamp?
}
