/// Why a row was refused, or accepted with a warning. The raw values are stable: they stand in the record of the load.
package enum PersonnelReason: String, Sendable, CaseIterable {
    // Refused
    case numericIdentifier = "numeric_identifier"
    case invisibleCharacter = "invisible_character"
    case pnsIDMissing = "pns_id_missing"
    case nipMissing = "nip_missing"
    case nipLength = "nip_length"
    case nipBirthDate = "nip_birth_date"
    case nipSexDigit = "nip_sex_digit"
    case nipSerialZero = "nip_serial_zero"
    case duplicateNIP = "duplicate_nip"
    case duplicatePNSID = "duplicate_pns_id"
    case nameMissing = "name_missing"
    // Warnings
    case birthDateMismatch = "birth_date_mismatch"
    case sexMismatch = "sex_mismatch"
    case unitUnknown = "unit_unknown"
    case nipLayoutUnknown = "nip_layout_unknown"
    case formulaText = "formula_text"
    case worksElsewhere = "works_elsewhere"
    case emailUnusable = "email_unusable"
    case lastSuperadmin = "last_superadmin"
    case retirementDateFar = "retirement_date_far"
    case retirementDatePast = "retirement_date_past"
    case nikNumeric = "nik_numeric"
    case nikUnusable = "nik_unusable"
    case nikShared = "nik_shared"
    case nikProvinceUnknown = "nik_province_unknown"
    case nikUnconfirmed = "nik_unconfirmed"

    init(_ problem: IdentifierProblem) {
        self =
            switch problem {
            case .numeric: .numericIdentifier
            case .invisible: .invisibleCharacter
            case .missing: .nipMissing
            case .length: .nipLength
            case .birthDate: .nipBirthDate
            case .sexDigit: .nipSexDigit
            case .serialZero: .nipSerialZero
            }
    }

    /// For whoever runs the city's personnel data.
    package var indonesian: String {
        switch self {
        case .numericIdentifier:
            "NIP atau pns_id tersimpan sebagai angka; digit terakhirnya hilang. Ubah kolom menjadi Teks lalu ekspor ulang."
        case .invisibleCharacter: "NIP atau pns_id memuat karakter yang tidak terlihat. Ketik ulang nilainya."
        case .pnsIDMissing: "pns_id kosong atau tidak dapat dipakai."
        case .nipMissing: "NIP kosong."
        case .nipLength: "NIP tidak terdiri dari 18 digit."
        case .nipBirthDate: "Delapan digit pertama NIP bukan tanggal lahir yang mungkin."
        case .nipSexDigit: "Digit ke-15 NIP bukan 1 atau 2."
        case .nipSerialZero: "Nomor urut NIP adalah 000."
        case .duplicateNIP: "NIP ini dipakai lebih dari satu orang; semua baris yang memakainya ditolak."
        case .duplicatePNSID: "pns_id ini muncul lebih dari satu kali; semua baris yang memakainya ditolak."
        case .nameMissing: "Nama kosong."
        case .birthDateMismatch: "Tanggal lahir berbeda dengan NIP."
        case .sexMismatch: "Jenis kelamin berbeda dengan NIP."
        case .unitUnknown: "Unit organisasi tidak dikenal; orang ini diterima tanpa unit."
        case .nipLayoutUnknown: "Format NIP tidak dikenal; masuk daftar tinjauan BKPSDM."
        case .formulaText: "Sel berisi rumus; disimpan sebagai teks."
        case .worksElsewhere: "Instansi kerja adalah pemerintah lain; orang ini dikenal tetapi tidak dapat masuk."
        case .emailUnusable: "Alamat email dinas tidak dapat dipakai dan tidak diambil."
        case .lastSuperadmin: "Superadmin terakhir; akunnya tetap aktif. Tambahkan superadmin lain, lalu muat ulang."
        case .retirementDateFar:
            "TMT pensiun lebih dari setahun lagi padahal statusnya sudah pensiun; berlaku sekarang."
        case .retirementDatePast:
            "TMT pensiun sudah lewat padahal statusnya masih aktif; akun dibiarkan. Periksa datanya."
        case .nikNumeric:
            "NIK tersimpan sebagai angka sehingga digit terakhirnya hilang; NIK tidak diambil. Ubah kolom menjadi Teks."
        case .nikUnusable: "NIK bukan 16 digit dengan tanggal dan nomor urut yang mungkin; NIK tidak diambil."
        case .nikShared: "NIK ini dipakai lebih dari satu orang; NIK tidak diambil untuk siapa pun."
        case .nikProvinceUnknown: "Kode provinsi pada NIK tidak dikenal; NIK diambil. Periksa datanya."
        case .nikUnconfirmed: "SIASN menandai NIK ini belum sah menurut Dukcapil; NIK diambil. Periksa datanya."
        }
    }

    package var english: String {
        switch self {
        case .numericIdentifier:
            "NIP or pns_id is stored as a number; its last digits are lost. Make the column Text and export again."
        case .invisibleCharacter: "NIP or pns_id contains an invisible character. Type it again."
        case .pnsIDMissing: "pns_id is empty or unusable."
        case .nipMissing: "The NIP is empty."
        case .nipLength: "The NIP is not 18 digits."
        case .nipBirthDate: "The first eight digits of the NIP are no possible birth date."
        case .nipSexDigit: "Digit 15 of the NIP is neither 1 nor 2."
        case .nipSerialZero: "The serial of the NIP is 000."
        case .duplicateNIP: "More than one person has this NIP; all rows with it are refused."
        case .duplicatePNSID: "This pns_id occurs more than once; all rows with it are refused."
        case .nameMissing: "The name is empty."
        case .birthDateMismatch: "The birth date differs from the NIP."
        case .sexMismatch: "The sex differs from the NIP."
        case .unitUnknown: "The unit is unknown; the person is accepted without one."
        case .nipLayoutUnknown: "The layout of the NIP is unknown; it goes to BKPSDM's review list."
        case .formulaText: "A cell holds a formula; it is kept as text."
        case .worksElsewhere: "Works for another government; the person is known and may not sign in."
        case .emailUnusable: "The official email address is unusable and was not taken."
        case .lastSuperadmin:
            "The last superadmin; the account keeps its state. Add another superadmin, then load again."
        case .retirementDateFar:
            "The retirement date is more than a year away although the status says retired; it acts now."
        case .retirementDatePast:
            "The retirement date has passed although the status is active; the account is left alone. Check the data."
        case .nikNumeric:
            "The NIK is stored as a number, so its last digits are lost; it was not taken. Make the column Text."
        case .nikUnusable: "The NIK is not 16 digits with a possible day and serial; it was not taken."
        case .nikShared: "More than one person has this NIK; it was taken for nobody."
        case .nikProvinceUnknown: "The province code of the NIK is unknown; it was taken. Check the data."
        case .nikUnconfirmed: "SIASN says that Dukcapil has not confirmed this NIK; it was taken. Check the data."
        }
    }
}
