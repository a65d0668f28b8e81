import GapuraStore

extension OperationError {
    /// Why a city's own database gave nothing. Whatever it is, nothing was changed.
    static func database(_ error: ForeignDatabaseError) -> OperationError {
        let words = error.kind.words
        let code: Code =
            switch error.kind {
            case .unreachable, .timedOut, .lost: .unavailable
            case .notFound: .notFound
            case .signIn, .encryption, .notAllowed, .wouldWrite, .noRows: .refused
            case .address, .password, .notOneSelect, .statement, .notUTF8, .tooLarge: .invalid
            }
        return OperationError(
            code, "\(words.english) Nothing was changed. (\(error.detail))",
            id: "\(words.indonesian) Tidak ada yang berubah. (\(error.detail))")
    }
}

extension ForeignDatabaseError.Kind {
    fileprivate var words: (english: String, indonesian: String) {
        switch self {
        case .address:
            (
                "The address of the database is none; write mysql://USER@HOST/DATABASE or postgres://USER@HOST/DATABASE.",
                "Alamat basis data tidak sah; tulis mysql://USER@HOST/BASISDATA atau postgres://USER@HOST/BASISDATA."
            )
        case .password:
            (
                "The password of the database is not where the profile says.",
                "Kata sandi basis data tidak ada di tempat yang disebut profil."
            )
        case .unreachable:
            (
                "The database cannot be reached; check its address, that it runs, and the firewall between.",
                "Basis data tidak dapat dihubungi; periksa alamatnya, apakah ia berjalan, dan firewall di antaranya."
            )
        case .signIn:
            (
                "The database refuses the sign-in; check user and password, and from where the user may come.",
                "Basis data menolak masuk; periksa pengguna, kata sandi, dan dari mana pengguna itu boleh masuk."
            )
        case .encryption:
            (
                "The line to the database cannot be encrypted as the profile asks; see sql.tls and sql.certificates.",
                "Sambungan ke basis data tidak dapat dienkripsi seperti diminta profil; lihat sql.tls dan sql.certificates."
            )
        case .notFound:
            (
                "The database has no such database, table, view or column.",
                "Basis data, tabel, view, atau kolom itu tidak ada."
            )
        case .notAllowed:
            (
                "The user may not read that; give it SELECT on the view.",
                "Pengguna itu tidak boleh membacanya; beri hak SELECT pada view tersebut."
            )
        case .notOneSelect:
            (
                "Only one SELECT is sent to somebody else's database.",
                "Hanya satu SELECT yang boleh dikirim ke basis data pihak lain."
            )
        case .wouldWrite:
            (
                "The query would change the database, and was stopped by it.",
                "Kueri itu akan mengubah basis data, dan dihentikan."
            )
        case .statement:
            ("The database refuses the query.", "Basis data menolak kueri itu.")
        case .timedOut:
            (
                "The database takes too long; try again when it is less busy, or raise sql.read_seconds or sql.total_seconds.",
                "Basis data terlalu lama menjawab; coba saat lebih sepi, atau naikkan sql.read_seconds atau sql.total_seconds."
            )
        case .lost:
            (
                "The connection to the database broke while it was read; try again.",
                "Sambungan ke basis data terputus saat dibaca; coba lagi."
            )
        case .noRows:
            (
                "The database answers no rows; a city without anybody is not believed. Check the view and its rights.",
                "Basis data tidak mengembalikan satu baris pun; kota tanpa pegawai tidak dipercaya. Periksa view dan haknya."
            )
        case .notUTF8:
            (
                "The database sends text that is not UTF-8; convert that column in the view.",
                "Basis data mengirim teks yang bukan UTF-8; ubah kolom itu di view."
            )
        case .tooLarge:
            (
                "The answer is larger than personnel data can be; name only the needed columns.",
                "Jawaban lebih besar daripada data kepegawaian; sebut hanya kolom yang diperlukan."
            )
        }
    }
}
