package import GapuraFormats

package typealias PersonID = ID<Person>

/// How somebody is employed, as applications see it in the claim `employee_kind`.
package enum EmployeeKind: String, Sendable, CaseIterable {
    case pns = "PNS"
    case cpns = "CPNS"
    case pppk = "PPPK"
    /// PPPK paruh waktu.
    case pppkPartTime = "PPPK_PW"
    case nonASN = "NON_ASN"
}

/// A row of personnel data: a civil servant, or other staff. Who signs in is an `Account`.
package struct Person: Sendable, Equatable {
    package var id: PersonID
    /// SIASN's id of the person, the join key to personnel data.
    package var pnsID: String?
    package var name: String
    package var frontTitle: String?
    package var backTitle: String?
    package var employeeKind: EmployeeKind
    /// `kedudukan_hukum_id`: text, leading zeros kept, two or three characters.
    package var statusCode: String?
    package var statusName: String?
    /// `gol_akhir_nama`; its id is not kept, because PPPK and PNS share numbers with other names.
    package var grade: String?
    /// `jenis_jabatan_id`.
    package var postKind: String?
    package var postID: String?
    package var postName: String?
    package var postSince: Timestamp?
    package var unitID: UnitID?
    /// Whether `instansi_kerja` is this government.
    package var worksHere: Bool
    package var email: String?
    package var phone: String?
    /// Set by warnings that BKPSDM has to look at, such as an unknown layout of the NIP.
    package var needsReview: Bool
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    package init(
        id: PersonID, pnsID: String?, name: String, frontTitle: String? = nil, backTitle: String? = nil,
        employeeKind: EmployeeKind,
        statusCode: String? = nil, statusName: String? = nil, grade: String? = nil, postKind: String? = nil,
        postID: String? = nil,
        postName: String? = nil, postSince: Timestamp? = nil, unitID: UnitID? = nil, worksHere: Bool = true,
        email: String? = nil,
        phone: String? = nil, needsReview: Bool = false, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.pnsID = pnsID
        self.name = name
        self.frontTitle = frontTitle
        self.backTitle = backTitle
        self.employeeKind = employeeKind
        self.statusCode = statusCode
        self.statusName = statusName
        self.grade = grade
        self.postKind = postKind
        self.postID = postID
        self.postName = postName
        self.postSince = postSince
        self.unitID = unitID
        self.worksHere = worksHere
        self.email = email
        self.phone = phone
        self.needsReview = needsReview
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// The name with its titles as it is printed: "Drs. Ujang Ma'ruf, S.E."
    package var fullName: String {
        var text = name
        if let frontTitle { text = "\(frontTitle) \(text)" }
        if let backTitle { text += ", \(backTitle)" }
        return text
    }
}

package typealias AliasID = ID<PersonAlias>

/// A number by which a person is known from a date to a date.
package struct PersonAlias: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case nip
        case niPPPK = "ni_pppk"
        case pnsID = "pns_id"
    }

    package var id: AliasID
    package var personID: PersonID
    package var kind: Kind
    package var value: String
    package var validFrom: Timestamp
    package var validTo: Timestamp?

    package init(
        id: AliasID, personID: PersonID, kind: Kind, value: String, validFrom: Timestamp, validTo: Timestamp? = nil
    ) {
        self.id = id
        self.personID = personID
        self.kind = kind
        self.value = value
        self.validFrom = validFrom
        self.validTo = validTo
    }
}
