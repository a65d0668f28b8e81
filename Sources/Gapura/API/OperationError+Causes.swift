import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTabular
import GapuraTokens

extension OperationError {
    /// Whatever an operation threw, as words for the operator.
    package init(_ error: any Error) {
        switch error {
        case let error as OperationError: self = error
        case let error as DirectoryError: self.init(Code(error.code), error.message, id: error.indonesian)
        case let error as StoreError: self = .store(error)
        case let error as PersonnelSourceError: self = .source(error)
        case let error as TabularError: self = .source(.table(error))
        case let error as PersonnelProfileError:
            self.init(.invalid, "The profile: \(error.message).", id: "Profil: \(error.indonesian).")
        case let error as PersonnelRefusal: self = .refusal(error)
        case let error as UndoRefusal: self = .undo(error)
        case let error as SIASNProblem: self.init(.unavailable, error.english, id: error.indonesian)
        case let error as OAuthError:
            self.init(.invalid, "The registration is refused: \(error.text)", id: "Pendaftaran ditolak: \(error.text)")
        case is CancellationError:
            self.init(.failed, "Interrupted; nothing was changed.", id: "Dihentikan; tidak ada yang berubah.")
        case let error as KeyringError: self = .keyring(error)
        default:
            self.init(
                .failed, "Something unexpected happened.", id: "Terjadi kesalahan tak terduga.", cause: "\(error)")
        }
    }

    private static func store(_ error: StoreError) -> OperationError {
        let why = error.message
        switch error.kind {
        case .unavailable:
            return OperationError(
                .unavailable, "The database cannot be reached; check that it runs and the setting `database`.",
                id: "Basis data tidak dapat dihubungi; periksa apakah ia berjalan dan pengaturan `database`.",
                cause: why
            )
        case .full:
            return OperationError(
                .unavailable, "The disk is full; nothing was changed. Make room, then try again.",
                id: "Diska penuh; tidak ada yang berubah. Kosongkan ruang lalu coba lagi.", cause: why
            )
        case .readOnly:
            return OperationError(
                .unavailable,
                "The database can only be read; check owner and mode of its file and folder, and that the disk is not mounted read-only.",
                id:
                    "Basis data hanya dapat dibaca; periksa pemilik dan izin berkas serta foldernya, dan apakah diska terpasang hanya-baca.",
                cause: why
            )
        case .busy:
            return OperationError(
                .unavailable, "The database is busy; try again in a minute.",
                id: "Basis data sedang sibuk; coba lagi sebentar lagi.", cause: why
            )
        case .locked:
            return OperationError(
                .unavailable,
                "Another process has the database open and answers no commands; wait for it to end, or stop it.",
                id:
                    "Basis data sedang dibuka proses lain yang tidak menjawab perintah; tunggu sampai selesai atau hentikan proses itu.",
                cause: why
            )
        case .newerSchema:
            return OperationError(
                .refused,
                "A newer version of gapura wrote this database; start that version, or restore a backup.",
                id: "Basis data ini ditulis versi gapura yang lebih baru; jalankan versi itu atau pulihkan cadangan.",
                cause: why
            )
        case .corrupt:
            return OperationError(
                .refused,
                "The database is damaged; keep the file as it is and restore the last backup with `gapura restore`.",
                id: "Basis data rusak; simpan berkasnya dan pulihkan cadangan terakhir dengan `gapura restore`.",
                cause: why
            )
        case .foreign:
            return OperationError(
                .refused,
                "What the setting `database` names is no database of gapura and is left alone; correct the setting.",
                id:
                    "Yang ditunjuk pengaturan `database` bukan basis data gapura dan dibiarkan; perbaiki pengaturannya.",
                cause: why
            )
        case .halfRestored:
            return OperationError(
                .refused,
                "A restore into this database was interrupted; run `gapura restore FILE` again.",
                id: "Pemulihan ke basis data ini terputus; jalankan lagi `gapura restore BERKAS`.", cause: why
            )
        case .configuration:
            return OperationError(
                .refused, "The database cannot be opened.", id: "Basis data tidak dapat dibuka.", cause: why)
        case .invalidText:
            return OperationError(.invalid, "A text holds a NUL character.", id: "Ada teks yang memuat karakter NUL.")
        case .constraint:
            return OperationError(
                .conflict, "It contradicts what is stored; nothing was changed.",
                id: "Bertentangan dengan data yang ada; tidak ada yang berubah.", cause: why
            )
        case .other:
            return OperationError(.failed, "The database failed.", id: "Basis data gagal.", cause: why)
        }
    }

    private static func source(_ error: PersonnelSourceError) -> OperationError {
        switch error {
        case .missingColumns(let names):
            let list = names.joined(separator: ", ")
            return OperationError(
                .invalid,
                "The source has no column \(list); export all columns from SIASN, or name yours in a profile.",
                id: "Sumber tidak memiliki kolom \(list); ekspor semua kolom dari SIASN, atau sebut namanya di profil."
            )
        case .repeatedColumn(let name):
            return OperationError(
                .invalid, "The source has the column \(name) twice; remove one and read it again.",
                id: "Sumber memiliki kolom \(name) dua kali; hapus salah satu lalu muat ulang."
            )
        case .file(let problem):
            return OperationError(
                .invalid,
                "The file cannot be used: \(problem). The program that runs the gateway must be able to read it.",
                id: "Berkas tidak dapat dipakai: \(problem). Gerbang harus dapat membacanya."
            )
        case .format(let profile, let file):
            return OperationError(
                .invalid, "The profile \(profile) is for another kind of source than \(file).",
                id: "Profil \(profile) untuk jenis sumber lain, bukan \(file).")
        case .database(let error):
            return database(error)
        case .changed(let name):
            return OperationError(
                .conflict, "\(name) changed while it was read, or since it was previewed; run the command again.",
                id: "\(name) berubah saat dibaca atau setelah dipratinjau; jalankan perintah ini lagi."
            )
        case .table(let error):
            let advice = error.code.advice
            return OperationError(
                .invalid, "The file cannot be read: \(error.description). \(advice.english)",
                id:
                    "Berkas tidak dapat dibaca (\(error.code.rawValue)\(error.row.map { ", baris \($0)" } ?? "")). \(advice.indonesian)"
            )
        }
    }

    private static func keyring(_ error: KeyringError) -> OperationError {
        let why = error.message
        switch error.kind {
        case .permissions:
            return OperationError(
                .refused, "The keys are not closed to others: \(why)",
                id: "Kunci tidak tertutup bagi pihak lain; perbaiki izin dan pemiliknya: \(why)"
            )
        case .missing:
            return OperationError(
                .refused, "A key file is missing; restore the keys folder from its backup. (\(why))",
                id: "Berkas kunci tidak ada; pulihkan folder kunci dari cadangannya. (\(why))"
            )
        case .damaged:
            return OperationError(
                .refused, "A key file is damaged; restore the keys folder from its backup. (\(why))",
                id: "Berkas kunci rusak; pulihkan folder kunci dari cadangannya. (\(why))"
            )
        case .noKey: return OperationError(.notFound, "There is no such key: \(why)", id: "Tidak ada kunci itu: \(why)")
        case .early:
            return OperationError(
                .refused,
                "Applications may not know the next key yet; rotate again later (\(why))."
                    + " A key that leaked is revoked: `gapura keys revoke`.",
                id: "Aplikasi mungkin belum mengenal kunci berikutnya; putar lagi nanti (\(why))."
                    + " Kunci yang bocor dicabut: `gapura keys revoke`."
            )
        case .crowded:
            return OperationError(
                .refused, "Too many keys are published; rotate again when old ones have run out. (\(why))",
                id: "Terlalu banyak kunci diterbitkan; putar lagi setelah kunci lama habis masanya."
            )
        case .system:
            return OperationError(
                .unavailable, "The keys folder cannot be used: \(why)", id: "Folder kunci tidak dapat dipakai: \(why)"
            )
        }
    }

    private static func undo(_ error: UndoRefusal) -> OperationError {
        switch error {
        case .unknown:
            return OperationError(
                .notFound, "There is no such load; see `gapura personnel loads`.",
                id: "Tidak ada muatan itu; lihat `gapura personnel loads`.")
        case .undoneAlready(let undo):
            return OperationError(
                .conflict, "The load was taken back already, by \(undo).",
                id: "Muatan itu sudah dibatalkan oleh \(undo).")
        case .notKept:
            return OperationError(
                .refused,
                "What this load changed is not kept (any more, see the setting load_history_days); it cannot be taken back.",
                id:
                    "Perubahan muatan ini tidak disimpan (lagi, lihat pengaturan load_history_days); tidak dapat dibatalkan."
            )
        case .mustConfirm(let stop): return mustConfirm(stop)
        case .needsSecondAdmin(let stop): return secondAdmin(stop)
        }
    }

    private static func mustConfirm(_ stop: PersonnelPlan.Stop) -> OperationError {
        OperationError(
            .refused,
            "\(stop.accounts) of \(stop.activeAccounts) accounts would lose their sign-in; if that is right, add --confirm-vanished \(stop.accounts).",
            id:
                "\(stop.accounts) dari \(stop.activeAccounts) akun akan kehilangan hak masuk; jika memang benar, tambahkan --confirm-vanished \(stop.accounts)."
        )
    }

    private static func secondAdmin(_ stop: PersonnelPlan.Stop) -> OperationError {
        OperationError(
            .refused,
            "\(stop.accounts) of \(stop.activeAccounts) accounts would lose their sign-in. This was noted; another admin has to give the same command with --confirm-vanished \(stop.accounts) within two days.",
            id:
                "\(stop.accounts) dari \(stop.activeAccounts) akun akan kehilangan hak masuk. Permintaan ini dicatat; admin lain harus memberi perintah yang sama dengan --confirm-vanished \(stop.accounts) dalam dua hari."
        )
    }

    private static func refusal(_ error: PersonnelRefusal) -> OperationError {
        switch error {
        case .governmentUnknown:
            return OperationError(
                .invalid, "Which government is ours is not known yet; give the unit file with --units.",
                id: "Belum diketahui instansi mana yang milik kita; sertakan berkas unit dengan --units."
            )
        case .mustConfirm(let stop): return mustConfirm(stop)
        case .needsSecondAdmin(let stop): return secondAdmin(stop)
        case .outdated:
            return OperationError(
                .conflict, "People or units were changed meanwhile; run the command again.",
                id: "Data orang atau unit sudah berubah sementara itu; jalankan perintah ini lagi."
            )
        case .tooManyRows(let limit):
            return OperationError(
                .invalid,
                "A load of some people has at most \(limit) rows; divide it, or load the file of the whole city.",
                id: "Muatan sebagian paling banyak \(limit) baris; bagi muatannya, atau muat berkas seluruh kota."
            )
        }
    }
}

extension OperationError.Code {
    init(_ code: DirectoryError.Code) {
        switch code {
        case .invalid: self = .invalid
        case .notFound: self = .notFound
        case .conflict: self = .conflict
        case .refused: self = .refused
        case .forbidden: self = .forbidden
        }
    }
}

extension TabularError.Code {
    /// What to do about it.
    fileprivate var advice: (english: String, indonesian: String) {
        switch self {
        case .empty: ("It is empty; export it again.", "Berkas kosong; ekspor ulang.")
        case .cutOff, .corruptZIP, .overlappingEntries, .duplicateEntry, .corruptXML, .notZIP, .rowOrder,
            .unknownSharedString, .noWorksheet,
            .unreadable, .doctype, .xmlDepth:
            (
                "It is cut off or damaged: download or export it again.",
                "Berkas terpotong atau rusak: unduh atau ekspor ulang."
            )
        case .encrypted: ("Save it without a password.", "Simpan tanpa kata sandi.")
        case .macros: ("Save it as .xlsx without macros.", "Simpan sebagai .xlsx tanpa makro.")
        case .utf16, .invalidUTF8, .nul: ("Save it as CSV UTF-8.", "Simpan sebagai CSV UTF-8.")
        case .quoting, .lineEnding, .unequalColumns:
            ("Correct that row, or export it again.", "Perbaiki baris itu atau ekspor ulang.")
        case .tooManyColumns, .tooManyRows, .cellTooLong, .tooManyEntries, .compressionRatio, .tooLarge,
            .unsupportedCompression,
            .tooManySharedStrings:
            (
                "It is larger or stranger than an export of SIASN can be.",
                "Berkas lebih besar atau lebih aneh daripada ekspor SIASN."
            )
        }
    }
}
