internal import GapuraFormats

extension PersonnelProfile {
    /// The list of profiles. A new one is a line here.
    package static let builtIn: [PersonnelProfile] = [.siasnWorkbook, .siasnText, .simpegGeneric]

    package static func builtIn(_ name: String) -> PersonnelProfile? {
        builtIn.first { $0.name.isExactly(name) }
    }

    /// SIASN's personnel export as a workbook.
    package static let siasnWorkbook = PersonnelProfile(
        name: "siasn-xlsx", about: "Ekspor pegawai SIASN, berkas Excel (.xlsx)", format: .xlsx)

    /// The same as delimited text.
    package static let siasnText = PersonnelProfile(
        name: "siasn-csv", about: "Ekspor pegawai SIASN, teks berpemisah (CSV)", format: .csv)

    /// `pns/data-utama` of SIASN's web service, where its members are not called as in the export. Nobody chooses it: it
    /// belongs to `PersonnelObjectsOrigin.siasn`.
    static let siasnService = PersonnelProfile(
        name: "siasn-ws", about: "Layanan web SIASN, pns/data-utama", format: .any,
        people: ColumnProfile(
            spellings: [
                .pnsID: ["id", "pns_id"],
                .birthDate: ["tglLahir", "tanggal_lahir"],
                .phone: ["noHp", "nomor_hp"],
                .statusCode: ["kedudukanPnsId", "kedudukan_hukum_id"],
                .statusName: ["kedudukanPnsNama", "kedudukan_hukum_nama"],
                .grade: ["golRuangAkhir", "gol_akhir_nama"],
                .nikIsValid: ["validNik", "is_valid_nik"],
            ],
            optional: Set(PersonnelColumn.allCases).subtracting(needed)))

    /// A city's own SIMPEG: the names that the ones we know give their columns, and what they write into them.
    /// The one variable with our prefix that a password of a source may stand in: the gateway refuses to start with one
    /// that it does not know.
    package static let passwordVariable = "GAPURA_PERSONNEL_PASSWORD"

    package static let simpegGeneric = PersonnelProfile(
        name: "simpeg-generic", about: "SIMPEG daerah, lewat MySQL/MariaDB, PostgreSQL, atau berkas", format: .any,
        people: ColumnProfile(
            spellings: [
                .pnsID: ["pns_id", "id_pns", "pns_id_sapk", "id_sapk", "id_pegawai", "pegawai_id"],
                .nip: ["nip_baru", "nip", "nip18"],
                .name: ["nama", "nama_pegawai", "nama_lengkap"],
                .frontTitle: ["gelar_depan", "glr_depan", "gdp"],
                .backTitle: ["gelar_belakang", "glr_belakang", "gdb"],
                .birthDate: ["tanggal_lahir", "tgl_lahir"],
                .sex: ["jenis_kelamin", "jenkel", "jk", "kelamin"],
                .phone: ["nomor_hp", "no_hp", "hp"],
                .email: ["email_gov", "email_dinas"],
                .statusCode: [
                    "kedudukan_hukum_id", "id_kedudukan_hukum", "kedudukan_id", "kedudukan_hukum", "idjenkedudupeg",
                ],
                .statusName: ["kedudukan_hukum_nama", "nama_kedudukan_hukum", "kedudukan_nama"],
                .cpnsOrPNS: ["status_cpns_pns", "status_kepegawaian", "status_pegawai", "idstspeg"],
                .grade: ["gol_akhir_nama", "golongan", "gol_ruang", "pangkat_gol"],
                .postKind: ["jenis_jabatan_id", "jenis_jabatan", "jenjab", "idjenjab"],
                .postID: ["jabatan_id", "id_jabatan", "id_j", "idjabjbt"],
                .postName: ["jabatan_nama", "nama_jabatan", "jabatan"],
                .postSince: ["tmt_jabatan", "tmt_jab"],
                .retiresOn: ["tmt_pensiun", "tgl_pensiun"],
                .nik: ["nik", "no_ktp"],
                .nikIsValid: ["is_valid_nik", "nik_valid"],
                .unitID: ["unor_id", "id_unor", "unit_kerja_id", "id_unit_kerja", "idskpd"],
                .governmentID: ["instansi_kerja_id", "instansi_id", "id_instansi"],
            ],
            optional: Set(PersonnelColumn.allCases).subtracting(needed),
            values: [
                .sex: [
                    .init("L", "M"), .init("P", "F"), .init("Laki-laki", "M"), .init("Perempuan", "F"),
                    .init("Pria", "M"), .init("Wanita", "F"), .init("1", "M"), .init("2", "F"),
                ],
                .cpnsOrPNS: [.init("CPNS", "C"), .init("PNS", "P"), .init("PPPK", "P")],
                .statusCode: [
                    .init("Aktif", "01"), .init("CLTN", "02"), .init("Tugas Belajar", "03"),
                    .init("Pemberhentian Sementara", "04"), .init("Masa Persiapan Pensiun", "20"),
                    .init("MPP", "20"), .init("PPPK Aktif", "71"), .init("PPPK Paruh Waktu", "101"),
                    .init("Pensiun", "99"),
                ],
            ]),
        units: ColumnProfile(
            spellings: [
                .id: ["id", "unor_id", "id_unor", "id_unit_kerja", "unit_kerja_id", "idskpd"],
                .governmentID: ["instansi_id", "id_instansi"],
                .parentID: ["diatasan_id", "parent_id", "id_induk", "atasan_id", "id_atasan"],
                .echelon: ["eselon_id", "eselon"],
                .name: ["nama_unor", "nama_unit_kerja", "nama_unit", "nama"],
                .postName: ["nama_jabatan", "jabatan"],
                .headPNSID: ["pemimpin_pns_id", "id_kepala", "kepala_pns_id"],
                .kind: ["jenis_unor_id", "jenis_unor", "jenis"],
            ],
            optional: Set(UnitColumn.allCases).subtracting(neededOfUnits)),
        nulls: ["-", "0000-00-00", "0000-00-00 00:00:00", "n/a"],
        connection: Connection(passwordVariable: passwordVariable))
}
