/// Why a row of an import, or its password, was not taken, or waits for a person. The raw values are stable: they stand
/// in the database.
package enum LegacyReason: String, Error, Sendable, CaseIterable {
    // The row is refused
    case localIDMissing = "local_id_missing"
    case localIDUnusable = "local_id_unusable"
    case duplicateLocalID = "duplicate_local_id"
    case duplicatePerson = "duplicate_person"
    case otherLocalID = "other_local_id"
    case numericIdentifier = "numeric_identifier"
    // The password is refused; the local id of a known person is kept
    case schemeUnknown = "scheme_unknown"
    case reversible
    case hashMalformed = "hash_malformed"
    case tooCostly = "too_costly"
    case saltMissing = "salt_missing"
    case hashOfNIP = "hash_of_nip"
    case commonPassword = "common_password"
    case privilegedAccount = "privileged_account"
    // The row waits in the queue
    case nipMissing = "nip_missing"
    case nipUnusable = "nip_unusable"
    case nipUnknown = "nip_unknown"
    case nipAmbiguous = "nip_ambiguous"
    case noAccount = "no_account"
    // Nothing to do
    case hasPassword = "has_password"

    /// For whoever runs the city's old applications.
    package var indonesian: String {
        switch self {
        case .localIDMissing: "local_id kosong."
        case .localIDUnusable: "local_id terlalu panjang atau memuat karakter yang tidak terlihat."
        case .duplicateLocalID: "local_id ini muncul lebih dari satu kali; semua baris yang memakainya ditolak."
        case .duplicatePerson:
            "Lebih dari satu baris milik orang yang sama; semuanya ditolak. Sisakan satu baris untuk setiap orang."
        case .otherLocalID: "Orang ini sudah tercatat dengan local_id lain di aplikasi ini."
        case .numericIdentifier:
            "NIP atau local_id tersimpan sebagai angka; digit terakhirnya hilang. Ubah kolom menjadi Teks lalu ekspor ulang."
        case .schemeUnknown: "Skema hash tidak dikenal; kata sandi lama tidak diambil."
        case .reversible:
            "Kata sandi tersimpan terbuka atau dapat dibalik; tidak diambil. Orang ini memerlukan tautan kata sandi."
        case .hashMalformed: "Hash tidak sesuai dengan skemanya; kata sandi lama tidak diambil."
        case .tooCostly: "Hash meminta terlalu banyak waktu atau memori; kata sandi lama tidak diambil."
        case .saltMissing: "Skema ini memerlukan kolom salt; kata sandi lama tidak diambil."
        case .hashOfNIP:
            "Kata sandi lama adalah NIP, tanggal lahir, atau nama pengguna; tidak diambil. Orang ini memerlukan tautan kata sandi."
        case .commonPassword:
            "Kata sandi lama termasuk yang paling umum; tidak diambil. Orang ini memerlukan tautan kata sandi."
        case .privilegedAccount: "Akun ini mengelola Gapura; kata sandi lama tidak pernah diambil untuknya."
        case .nipMissing: "NIP kosong; cocokkan dengan tangan."
        case .nipUnusable: "NIP tidak terdiri dari 18 digit; cocokkan dengan tangan, atau perbaiki lalu muat ulang."
        case .nipUnknown:
            "Tidak ada orang dengan NIP ini; muat data kepegawaian lebih dahulu, atau cocokkan dengan tangan."
        case .nipAmbiguous: "NIP ini pernah dipakai lebih dari satu orang; cocokkan dengan tangan."
        case .noAccount: "Orang ini belum mempunyai akun."
        case .hasPassword: "Orang ini sudah mempunyai kata sandi sendiri; kata sandi lama tidak diperlukan."
        }
    }

    package var english: String {
        switch self {
        case .localIDMissing: "The local_id is empty."
        case .localIDUnusable: "The local_id is too long or holds characters that nobody can see."
        case .duplicateLocalID: "This local_id occurs more than once; all rows with it are refused."
        case .duplicatePerson: "More than one row is one person's; all are refused. Leave one row for each person."
        case .otherLocalID: "This person is known by another local_id in this application."
        case .numericIdentifier:
            "NIP or local_id is stored as a number; its last digits are lost. Make the column Text and export again."
        case .schemeUnknown: "The scheme of the hash is unknown; the old password was not taken."
        case .reversible: "The password is in the clear or can be turned back; it was not taken. Give a link."
        case .hashMalformed: "The hash is none of its scheme; the old password was not taken."
        case .tooCostly: "The hash asks for too much time or memory; the old password was not taken."
        case .saltMissing: "This scheme needs a column salt; the old password was not taken."
        case .hashOfNIP:
            "The old password is the NIP, the birth date or the user name; it was not taken. Give a link."
        case .commonPassword: "The old password is one of the commonest; it was not taken. Give a link."
        case .privilegedAccount: "The account administers the gateway; no old password is ever taken for it."
        case .nipMissing: "The NIP is empty; match it by hand."
        case .nipUnusable: "The NIP is not 18 digits; match it by hand, or correct it and import again."
        case .nipUnknown: "Nobody has this NIP; load the personnel data first, or match it by hand."
        case .nipAmbiguous: "More than one person had this NIP; match it by hand."
        case .noAccount: "This person has no account yet."
        case .hasPassword: "The person has a password here already; the old one is not needed."
        }
    }
}
