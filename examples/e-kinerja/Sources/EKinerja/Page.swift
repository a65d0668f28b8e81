/// HTML of e-kinerja: one frame, small functions, every foreign text escaped.
enum Page {
    static func frame(_ title: String, _ content: String, session: Session? = nil) -> String {
        let signOut =
            session.map { session in
                """
                <form id="logout-form" method="post" action="/logout">\(formToken(session))\
                <button id="logout-confirm" class="quiet">Keluar</button></form>
                """
            } ?? ""
        return """
            <!doctype html>
            <html lang="id"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(escaped(title)) – e-kinerja</title><link rel="stylesheet" href="/style.css">
            <link rel="icon" href="/icon.svg" type="image/svg+xml"></head><body>
            <header><p class="brand"><img src="/icon.svg" alt="" width="32" height="32"> e-kinerja</p>
            \(signOut)</header>
            <main>\(content)</main><footer><p>Contoh aplikasi. Masuk lewat Gapura.</p></footer></body></html>
            """
    }

    static func home(_ session: Session) -> String {
        let person = session.person
        let facts = [
            ("NIP", person.nip), ("Status pegawai", person.employeeKind), ("Jabatan", person.post),
            ("Unit kerja", person.unit), ("Perangkat daerah", person.agency),
        ]
        let rows = facts.map { label, value in
            "<dt>\(label)</dt><dd>\(value.isEmpty ? "–" : escaped(value))</dd>"
        }
        let activities = session.activities.map { "<li>\(escaped($0))</li>" }
        let list =
            activities.isEmpty
            ? "<p>Belum ada kegiatan pada sesi ini.</p>" : "<ul id=\"activity-list\">\(activities.joined())</ul>"
        return frame(
            "Kinerja",
            """
            <h1>Selamat datang, <span id="person-name">\(escaped(person.name))</span></h1>
            <section class="card" aria-labelledby="about"><h2 id="about">Data Anda</h2>
            <dl>\(rows.joined())</dl></section>
            <section class="card" aria-labelledby="activities"><h2 id="activities">Kegiatan hari ini</h2>
            <form id="activity-form" method="post" action="/activities">\(formToken(session))
            <label for="activity">Uraian kegiatan</label>
            <input type="text" id="activity" name="activity" maxlength="200" required autocomplete="off">
            <button id="activity-submit">Simpan kegiatan</button></form>\(list)</section>
            """,
            session: session
        )
    }

    static func signedOut() -> String {
        frame(
            "Anda telah keluar",
            """
            <h1>Anda telah keluar</h1><p>Anda telah keluar dari e-kinerja dan dari layanan masuk.</p>
            <p><a class="button" href="/login">Masuk lagi</a></p>
            """
        )
    }

    /// What happened and what to do, in Indonesian and English; the reason stays in the log.
    static func problem(_ kind: Problem.Kind) -> String {
        let (title, text, english) = words(kind)
        let returnsHome = kind == .form || kind == .missing || kind == .fault
        let (address, label) = returnsHome ? ("/", "Ke halaman awal") : ("/login", "Masuk lagi")
        return frame(
            title,
            """
            <h1>\(title)</h1><div role="alert"><p>\(text)</p><p lang="en" class="small">\(english)</p></div>
            <p class="small">Kode: <span id="error-code">\(kind.rawValue)</span></p>
            <p><a class="button" href="\(address)">\(label)</a></p>
            """
        )
    }

    private static func words(_ kind: Problem.Kind) -> (title: String, text: String, english: String) {
        switch kind {
        case .setup:
            (
                "Aplikasi belum siap",
                "Pengaturan aplikasi ini belum lengkap. Beri tahu pengelola aplikasi; penyebabnya ada di log server.",
                "The application is not set up; its log says why."
            )
        case .expired:
            (
                "Waktu masuk habis",
                "Permintaan masuk ini sudah tidak berlaku. Silakan masuk kembali. Bila terjadi lagi, izinkan cookie.",
                "This sign-in is no longer valid. Please start again."
            )
        case .denied:
            (
                "Tidak ada akses", "Anda tidak memiliki akses ke aplikasi ini. Hubungi admin perangkat daerah.",
                "You may not use this application. Ask the administrator of your agency."
            )
        case .refused:
            (
                "Masuk ditolak",
                "Jawaban layanan masuk tidak dapat dipercaya dan tidak dipakai. Coba lagi, atau hubungi pengelola.",
                "The answer of the sign-in service could not be verified."
            )
        case .unavailable:
            (
                "Layanan masuk belum dapat dihubungi",
                "Tunggu sebentar, lalu coba lagi. Bila berlanjut, hubungi Diskominfo.",
                "The sign-in service cannot be reached. Please try again shortly."
            )
        case .form:
            (
                "Formulir kedaluwarsa", "Halaman ini terbuka terlalu lama. Kembali, muat ulang, lalu kirim lagi.",
                "This form is too old. Go back, reload, and send it again."
            )
        case .signout:
            (
                "Baru keluar dari aplikasi ini",
                "Layanan masuk belum dapat dihubungi. Keluar juga dari portal, terutama di komputer bersama.",
                "You left this application only. Please sign out at the portal as well."
            )
        case .missing:
            ("Halaman tidak ditemukan", "Periksa alamatnya, atau mulai dari halaman awal.", "There is no such page.")
        case .fault:
            (
                "Terjadi kesalahan", "Mohon coba lagi. Bila berlanjut, hubungi pengelola aplikasi.",
                "Something went wrong. Please try again."
            )
        }
    }

    private static func formToken(_ session: Session) -> String {
        "<input type=\"hidden\" name=\"csrf\" value=\"\(session.formToken)\">"
    }

    /// Scalar by scalar: as a `Character`, a `<` with a combining mark behind it is no `<`.
    static func escaped(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result.append(contentsOf: "&amp;".unicodeScalars)
            case "<": result.append(contentsOf: "&lt;".unicodeScalars)
            case ">": result.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
            case "'": result.append(contentsOf: "&#39;".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
