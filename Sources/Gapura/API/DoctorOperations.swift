import GapuraDirectory
import GapuraFormats
import GapuraStore

/// The half of `gapura doctor` that looks into the database; the command looks at files and addresses.
enum DoctorOperations {
    static let all = [doctor]

    private static let doctor = Operation("doctor", .console) { _, context in
        let now = context.now
        let engine = context.store.engine
        let vault = context.services.secrets.identities
        let checks = try await context.store.read { tx in
            [
                try version(tx, engine), try clock(tx, at: now), try audit(tx), try admins(tx, at: now),
                try idleAdmins(tx, at: now),
                try personnel(tx, at: now), try drafts(tx, at: now), try signOuts(tx, at: now),
            ] + (try identities(tx, vault))
        }
        let all = checks + [keys(context), await integrity(context.services.store)]
        return ["checks": .array(all.map { .object($0.jsonObject) })]
    }

    private static func version(_ tx: Transaction, _ engine: Engine) throws -> DoctorCheck {
        let version = try tx.upkeep.engineVersion(engine)
        switch engine {
        case .sqlite:
            let parts = version.utf8.split(separator: UInt8(ascii: ".")).compactMap { Int(String(Substring($0))) }
            guard parts.lexicographicallyPrecedes([3, 51, 3]) else {
                return DoctorCheck("database", .ok, "SQLite \(version)", id: "SQLite \(version)")
            }
            return DoctorCheck(
                "database", .ok,
                "SQLite \(version). Before 3.51.3 two programs that checkpoint one WAL can corrupt it; gapura has one, so open the file with no other tool while it runs.",
                id: "SQLite \(version). Jangan buka berkasnya dengan alat lain selama gerbang berjalan."
            )
        case .postgres:
            return DoctorCheck("database", .ok, "PostgreSQL \(version)", id: "PostgreSQL \(version)")
        }
    }

    private static func clock(_ tx: Transaction, at now: Timestamp) throws -> DoctorCheck {
        guard let last = try tx.audit.lastTime(), now < last.adding(seconds: -60) else {
            return DoctorCheck("clock", .ok, TimeText.iso8601(now), id: TimeText.iso8601(now))
        }
        return DoctorCheck(
            "clock", .failure,
            "The clock says \(TimeText.iso8601(now)), before the last event of the audit; set it, and start NTP.",
            id: "Jam menunjukkan \(TimeText.iso8601(now)), sebelum catatan audit terakhir; setel jam dan nyalakan NTP."
        )
    }

    /// The last thousand rows; `audit verify` looks at all.
    private static func audit(_ tx: Transaction) throws -> DoctorCheck {
        let rows = try tx.audit.list(before: .max, event: nil, subject: nil, limit: 1000)
        let head = try tx.audit.head()
        var previous = head.hash
        var expected = head.seq
        for row in rows {
            guard row.seq == expected, row.hash.isExactly(previous), AuditChain.hash(of: row).isExactly(row.hash) else {
                return DoctorCheck(
                    "audit", .failure,
                    "The audit chain is broken at \(row.seq); keep the database and compare it with a backup.",
                    id: "Rantai audit putus di nomor \(row.seq); simpan basis datanya dan bandingkan dengan cadangan."
                )
            }
            previous = row.previous
            expected -= 1
        }
        return DoctorCheck(
            "audit", .ok, "The last \(rows.count) of \(head.seq) events fit.",
            id: "\(rows.count) dari \(head.seq) catatan terakhir utuh.")
    }

    private static func admins(_ tx: Transaction, at now: Timestamp) throws -> DoctorCheck {
        let count = try tx.accounts.list(role: .superadmin).filter { $0.state(at: now) == .aktif }.count
        guard count < 2 else { return DoctorCheck("admins", .ok, "\(count) superadmins", id: "\(count) superadmin") }
        return DoctorCheck(
            "admins", .warning,
            "Only \(count) superadmin can sign in; make a second one, so that nobody is indispensable.",
            id: "Hanya \(count) superadmin yang dapat masuk; angkat satu lagi agar tidak bergantung pada satu orang."
        )
    }

    /// Those whose role counts for nothing: of a unit that was closed, or that they left.
    private static func idleAdmins(_ tx: Transaction, at now: Timestamp) throws -> DoctorCheck {
        let idle = try [AdminRole.agencyAdmin, .helpdesk].flatMap(tx.accounts.list(role:)).filter { account in
            try account.state(at: now) == .aktif && Authority.of(account, in: tx, at: now).reach == .nothing
        }
        guard let first = idle.first else {
            return DoctorCheck(
                "roles", .ok, "Every admin works where the role is.", id: "Semua admin bekerja di unitnya.")
        }
        return DoctorCheck(
            "roles", .warning,
            "\(idle.count) admins of units were transferred or their unit was closed, so that their role counts for nothing; take it from them or give it anew with `gapura account role`, the first being \(first.id.text).",
            id:
                "\(idle.count) admin unit sudah dimutasi atau unitnya ditutup sehingga perannya tidak berlaku; cabut atau beri ulang dengan `gapura account role`, yang pertama \(first.id.text)."
        )
    }

    private static func personnel(_ tx: Transaction, at now: Timestamp) throws -> DoctorCheck {
        guard let load = try tx.loads.latest() else {
            return DoctorCheck(
                "personnel", .warning, "No personnel data has been loaded yet.",
                id: "Belum ada data kepegawaian yang dimuat.")
        }
        let days = (now.seconds - load.appliedAt.seconds) / 86_400
        guard days > 40 else {
            return DoctorCheck("personnel", .ok, "Loaded \(days) days ago.", id: "Dimuat \(days) hari lalu.")
        }
        return DoctorCheck(
            "personnel", .warning, "The last load is \(days) days old; people who left since can still sign in.",
            id: "Muatan terakhir berumur \(days) hari; yang sudah pindah atau pensiun masih dapat masuk."
        )
    }

    /// A draft whose day began and that is not applied within minutes cannot be: see the log.
    private static func drafts(_ tx: Transaction, at now: Timestamp) throws -> DoctorCheck {
        let overdue = try tx.unitDrafts.due(at: now.adding(seconds: -300))
        guard let first = overdue.first else {
            return DoctorCheck("drafts", .ok, "No reorganisation is overdue.", id: "Tidak ada SOTK yang terlambat.")
        }
        return DoctorCheck(
            "drafts", .failure,
            "\(overdue.count) reorganisations are due and cannot be applied, the first being \(first.id.text); the log says why (unit_draft.failed). Correct the file and load it anew, then `gapura unit draft cancel`.",
            id:
                "\(overdue.count) rancangan SOTK sudah tiba harinya tetapi gagal diterapkan, yang pertama \(first.id.text); sebabnya ada di log (unit_draft.failed). Perbaiki berkasnya, muat lagi, lalu `gapura unit draft cancel`."
        )
    }

    private static func signOuts(_ tx: Transaction, at now: Timestamp) throws -> DoctorCheck {
        let failed = try tx.logout.list(limit: 200).filter {
            $0.state == .failed && $0.createdAt > now.adding(seconds: -86_400)
        }
        guard let latest = failed.first else {
            return DoctorCheck("sign-outs", .ok, "Every application answered.", id: "Semua aplikasi menjawab.")
        }
        return DoctorCheck(
            "sign-outs", .warning,
            "\(failed.count) sign-outs were not delivered in a day, the last to \(latest.clientID); see `gapura logout list`.",
            id:
                "\(failed.count) pemberitahuan keluar gagal dalam sehari, terakhir ke \(latest.clientID); lihat `gapura logout list`."
        )
    }

    /// Whether the keys at hand open the NIKs that are stored; nothing where there are none.
    private static func identities(_ tx: Transaction, _ vault: IdentityVault) throws -> [DoctorCheck] {
        let count = try tx.identities.count()
        guard count > 0 else { return [] }
        guard try tx.identities.sample(20).allSatisfy({ vault.open($0) != nil }) else {
            return [
                DoctorCheck(
                    "nik", .failure,
                    "\(count) NIKs are stored and the keys do not open them; bring the keys folder of that time back, or load personnel data again after forgetting them.",
                    id:
                        "\(count) NIK tersimpan tetapi tidak terbuka dengan kunci ini; kembalikan folder kunci saat itu."
                )
            ]
        }
        return [
            DoctorCheck("nik", .ok, "\(count) NIKs, encrypted.", id: "\(count) NIK tersimpan terenkripsi.")
        ]
    }

    private static func keys(_ context: OperationContext) -> DoctorCheck {
        let keys = context.services.keyring.list()
        let active = keys.filter { $0.state == .active }
        let days =
            active.compactMap { $0.activeSince.map { since in (context.now.seconds - since.seconds) / 86_400 } }.max()
            ?? 0
        let limit = Int64(context.settings.keyRotationDays)
        guard limit > 0, days > limit + 7 else {
            let names = active.map(\.algorithm.rawValue).sorted().joined(separator: ", ")
            return DoctorCheck(
                "keys", .ok, "\(names); the oldest signs since \(days) days.",
                id: "\(names); yang tertua sudah \(days) hari.")
        }
        return DoctorCheck(
            "keys", .warning,
            "A key signs since \(days) days although keys rotate after \(limit); does the gateway run all the time?",
            id: "Ada kunci yang sudah \(days) hari padahal diputar tiap \(limit) hari; apakah gerbang berjalan terus?"
        )
    }

    private static func integrity(_ store: Store) async -> DoctorCheck {
        do {
            let problems = try await store.integrityProblems()
            guard let first = problems.first else {
                return DoctorCheck("integrity", .ok, "Nothing found.", id: "Tidak ada masalah.")
            }
            return DoctorCheck(
                "integrity", .failure, "The database is damaged (\(first)); keep it and restore the last backup.",
                id: "Basis data rusak (\(first)); simpan dan pulihkan cadangan terakhir."
            )
        } catch {
            return DoctorCheck("integrity", error)
        }
    }
}
