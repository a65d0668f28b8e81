package import GapuraStore

/// A row of personnel data that was checked: all that the gateway keeps of a person.
package struct PersonnelRecord: Sendable, Equatable {
    package var row: Int
    package var pnsID: String
    package var nip: NIP
    package var name: String
    package var frontTitle: String?
    package var backTitle: String?
    package var employeeKind: EmployeeKind
    package var statusCode: String?
    package var statusName: String?
    package var grade: String?
    package var postKind: String?
    package var postID: String?
    package var postName: String?
    package var postSince: CalendarDate?
    /// `tmt_pensiun`, where the file has it.
    package var retiresOn: CalendarDate?
    /// The unit's id in the source; whether it is known is decided against the tree.
    package var unitSourceID: String?
    /// The government the person works for, `instansi_kerja_id`.
    package var governmentID: String?
    package var email: String?
    package var phone: String?
}

/// What a load has to say about one row.
package struct PersonnelFinding: Sendable, Equatable {
    /// As in the sheet: the header is row 1.
    package var row: Int
    package var reason: PersonnelReason
    /// Only where the row has a usable one.
    package var pnsID: String?
}
