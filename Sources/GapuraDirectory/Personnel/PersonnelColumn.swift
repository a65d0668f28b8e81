/// The columns of SIASN's export that the gateway needs. Every other one (religion, marriage, address, NPWP, BPJS …) is
/// dropped by the parser itself and never becomes a value here; so are those of the NIK unless a setting asks for them.
package enum PersonnelColumn: String, Sendable, CaseIterable {
    case pnsID = "pns_id"
    case nip = "nip_baru"
    case name = "nama"
    case frontTitle = "gelar_depan"
    case backTitle = "gelar_belakang"
    /// Compared with the NIP, and not kept.
    case birthDate = "tanggal_lahir"
    /// Compared with the NIP, and not kept.
    case sex = "jenis_kelamin"
    case phone = "nomor_hp"
    case email = "email_gov"
    case statusCode = "kedudukan_hukum_id"
    case statusName = "kedudukan_hukum_nama"
    case cpnsOrPNS = "status_cpns_pns"
    /// The name, because PPPK and PNS share the ids with other names.
    case grade = "gol_akhir_nama"
    case postKind = "jenis_jabatan_id"
    case postID = "jabatan_id"
    case postName = "jabatan_nama"
    case postSince = "tmt_jabatan"
    /// Not in every export.
    case retiresOn = "tmt_pensiun"
    case unitID = "unor_id"
    case governmentID = "instansi_kerja_id"
    case nik
    /// Whether Dukcapil confirmed the NIK.
    case nikIsValid = "is_valid_nik"

    /// What is read of a file.
    static func wanted(withNIK: Bool) -> [PersonnelColumn] {
        withNIK ? allCases : allCases.filter { $0 != .nik && $0 != .nikIsValid }
    }
}

extension PersonnelColumn: OptionalColumns {
    static let optional: Set<PersonnelColumn> = [.retiresOn, .nik, .nikIsValid]
}
