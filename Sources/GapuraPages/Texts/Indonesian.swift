extension Texts {
    /// Bahasa Indonesia: formal, "Anda", sentence case; the words of the domain's list of terms.
    static let indonesian: [(String, String)] = [
        // Every page
        ("skip", "Langsung ke isi"),
        ("nav-label", "Menu"),
        ("nav-portal", "Aplikasi"),
        ("nav-account", "Akun"),
        ("nav-sign-out", "Keluar"),
        ("signed-in-as", "Masuk sebagai"),
        ("other-language", "English"),
        ("footer", "Masuk tunggal (SSO) {city}"),
        ("help-default", "Hubungi admin BKPSDM atau Diskominfo."),
        ("help-contact", "Kontak"),
        ("busy", "Mohon tunggu…"),

        // Sign-in
        ("sign-in-title", "Masuk"),
        ("sign-in-lead", "Satu akun untuk semua aplikasi Anda."),
        ("sign-in-for", "Untuk melanjutkan ke {application}"),
        ("sign-in-again", "Untuk keamanan, masukkan kembali kata sandi Anda."),
        ("sign-in-submit", "Masuk"),
        ("sign-in-first", "Pertama kali masuk?"),
        ("sign-in-forgot", "Lupa kata sandi?"),
        ("sign-in-forgot-link", "Petugas akan memberi Anda tautan sekali pakai untuk membuat kata sandi baru."),
        ("sign-in-forgot-never", "Petugas tidak pernah menanyakan kata sandi Anda."),
        ("sign-in-policy", "Kebijakan privasi {application}"),
        ("sign-in-terms", "Ketentuan penggunaan {application}"),
        ("username-label", "NIP atau nama pengguna"),
        ("username-hint", "Email terverifikasi juga bisa."),
        ("password-label", "Kata sandi"),
        ("show-password", "Tampilkan kata sandi"),
        ("problem-wrong", "NIP atau kata sandi tidak sesuai."),
        ("problem-wrong-do", "Periksa kembali, lalu coba lagi. Huruf besar dan kecil pada kata sandi dibedakan."),
        ("problem-wait", "Terlalu banyak percobaan. Coba lagi dalam {time}."),
        ("problem-wait-do", "Akun Anda aman. Sambil menunggu, pastikan NIP dan kata sandi Anda benar."),
        ("problem-busy", "Sedang banyak yang masuk bersamaan."),
        ("problem-busy-do", "Tunggu beberapa detik, lalu tekan Masuk sekali lagi."),
        ("problem-stale", "Halaman ini sudah kedaluwarsa."),
        ("problem-stale-do", "Silakan coba lagi. Jika pesan ini terus muncul, izinkan kuki untuk situs ini."),
        ("problem-may-not", "Akun Anda saat ini tidak dapat digunakan untuk masuk."),
        ("problem-may-not-do", "Hubungi admin perangkat daerah Anda untuk mengetahui penyebabnya."),
        ("problem-too-long", "Isian terlalu panjang."),
        ("problem-too-long-do", "Periksa apakah ada teks lain yang ikut tersalin, lalu coba lagi."),
        ("minute-one", "1 menit"),
        ("minute-other", "{n} menit"),
        ("second-one", "1 detik"),
        ("second-other", "{n} detik"),

        // The first time, with a printed code
        ("activation-title", "Pertama kali masuk"),
        ("activation-lead", "Ketik kode sekali pakai yang Anda terima, lalu buat kata sandi Anda sendiri."),
        ("activation-code-label", "Kode sekali pakai"),
        (
            "activation-code-hint",
            "12 huruf dan angka, misalnya 7KQ2-M9XA-04TZ. Huruf besar, huruf kecil, spasi, dan tanda hubung tidak dibedakan."
        ),
        ("activation-submit", "Lanjutkan"),
        ("activation-have-password", "Sudah punya kata sandi? Masuk"),
        ("problem-code-wrong", "NIP atau kode tidak sesuai."),
        (
            "problem-code-wrong-do",
            "Periksa kembali keduanya. Kode yang sudah dipakai, diganti, atau lewat waktunya tidak berlaku; mintalah yang baru kepada petugas yang memberikannya."
        ),
        ("problem-code-malformed", "Kode tidak lengkap atau salah ketik."),
        (
            "problem-code-malformed-do",
            "Kode terdiri dari 12 huruf dan angka. Ketik seperti yang tercetak, lalu coba lagi."
        ),
        ("problem-code-wait-do", "Kode Anda tetap berlaku. Sambil menunggu, pastikan NIP dan kode Anda benar."),

        // Set a password
        ("set-password-title", "Buat kata sandi"),
        ("set-password-lead", "Untuk akun {name}"),
        ("set-password-user", "Anda akan masuk dengan"),
        ("set-password-submit", "Simpan kata sandi"),
        ("new-password-label", "Kata sandi baru"),
        (
            "new-password-hint",
            "Beberapa kata acak yang panjang mudah diingat dan sulit ditebak. Jangan memakai NIP, nama, atau tanggal lahir."
        ),
        ("repeat-password-label", "Ulangi kata sandi"),
        ("problem-too-short", "Kata sandi terlalu pendek."),
        ("problem-too-short-do", "Gunakan paling sedikit {minimum} karakter."),
        ("problem-not-equal", "Kedua kata sandi tidak sama."),
        ("problem-not-equal-do", "Ketik kata sandi yang sama pada kedua isian."),
        ("problem-guessable", "Kata sandi mudah ditebak."),
        ("problem-guessable-do", "Pilih yang tidak memuat NIP atau nama Anda dan tidak umum dipakai orang."),

        // Notices
        ("notice-signedOut-title", "Anda sudah keluar"),
        ("notice-signedOut-text", "Jika Anda memakai perangkat bersama, tutup juga peramban ini."),
        ("notice-signedOut-next", "Masuk kembali"),
        ("notice-passwordSet-title", "Kata sandi tersimpan"),
        ("notice-passwordSet-text", "Silakan masuk dengan kata sandi baru Anda."),
        ("notice-passwordSet-next", "Masuk"),

        // Sign-out
        ("sign-out-title", "Keluar dari semua aplikasi?"),
        ("sign-out-lead", "Anda akan keluar dari akun ini dan dari semua aplikasi yang Anda buka di peramban ini."),
        ("sign-out-asked", "{application} meminta Anda keluar."),
        ("sign-out-submit", "Keluar"),
        ("sign-out-stay", "Batal"),

        // Onward to an application
        ("form-post-title", "Melanjutkan ke aplikasi"),
        ("form-post-text", "Jika halaman ini tidak berpindah sendiri, tekan tombol di bawah."),
        ("form-post-submit", "Lanjutkan"),

        // Portal
        ("portal-title", "Aplikasi Anda"),
        ("portal-last-used", "Terakhir dibuka"),
        ("portal-never-used", "Belum pernah dibuka"),
        ("portal-empty", "Belum ada aplikasi untuk Anda"),
        ("portal-empty-do", "Aplikasi muncul di sini setelah admin perangkat daerah memberi Anda akses."),
        ("portal-limited", "Akses Anda sedang dibatasi"),
        ("portal-limited-do", "Anda hanya dapat membuka halaman ini dan akun Anda sendiri."),
        ("portal-ending", "Akun Anda dapat dipakai sampai {time}"),
        (
            "portal-ending-do",
            "Jika masih diperlukan setelah itu, hubungi {sponsor} sebagai penanggung jawab akun Anda."
        ),
        ("portal-ending-do-nobody", "Jika masih diperlukan setelah itu, hubungi admin."),
        ("portal-account", "Akun dan perangkat saya"),

        // Own data
        ("person-title", "Data Anda"),
        ("person-wrong", "Ada data yang keliru?"),
        ("person-name", "Nama"),
        ("person-nip", "NIP"),
        ("person-user-name", "Nama pengguna"),
        ("person-kind", "Jenis pegawai"),
        ("kind-part-time", "PPPK paruh waktu"),
        ("kind-non-asn", "Non-ASN"),
        ("person-grade", "Golongan"),
        ("person-post", "Jabatan"),
        ("person-unit", "Unit kerja"),
        ("person-agency", "Perangkat daerah"),
        ("person-email", "Email"),
        ("person-phone", "Telepon"),

        // Account
        ("account-title", "Akun Anda"),
        ("sessions-title", "Perangkat saya"),
        ("sessions-lead", "Perangkat yang sedang masuk dengan akun Anda. Akhiri yang tidak Anda kenal."),
        ("sessions-empty", "Tidak ada perangkat yang sedang masuk."),
        ("session-current", "Perangkat ini"),
        ("session-address", "Alamat IP"),
        ("session-started", "Masuk"),
        ("session-last-seen", "Terakhir aktif"),
        ("session-end", "Akhiri sesi"),
        ("session-end-current", "Keluar dari perangkat ini"),
        ("sessions-end-all", "Keluar dari semua perangkat"),
        ("disclosures-title", "Data yang diterima aplikasi"),
        ("disclosures-lead", "Data Anda yang boleh dibaca setiap aplikasi saat Anda memakainya."),
        ("disclosures-empty", "Belum ada aplikasi yang menerima data Anda."),
        ("disclosed-what", "Data"),
        ("disclosed-last", "Terakhir"),
        ("disclosed-first", "Pertama"),
        ("disclosed-id", "tanda pengenal akun"),
        ("disclosed-name", "nama dan nama pengguna"),
        ("disclosed-email", "alamat email"),
        ("disclosed-phone", "nomor telepon"),
        ("disclosed-employment", "NIP, unit kerja, jabatan, dan atasan"),
        ("disclosed-roles", "peran Anda di aplikasi itu"),
        ("disclosed-nik", "NIK"),
        ("sessions-end-all-do", "Termasuk perangkat ini. Setelahnya Anda perlu masuk kembali."),
        ("device-on", "{browser} di {system}"),
        ("device-unknown", "Perangkat tidak dikenal"),

        // Errors: what happened, and what to do
        ("error-code", "Kode"),
        ("error-request", "Nomor permintaan"),
        ("error-report", "Jika perlu bantuan, sebutkan kode dan nomor di bawah ini."),
        ("error-application", "Aplikasi"),
        ("error-developer", "Untuk pengembang aplikasi"),
        ("error-next", "Ke halaman depan"),
        ("error-badRequest-title", "Permintaan aplikasi tidak dapat diproses"),
        (
            "error-badRequest-what",
            "Aplikasi mengirim permintaan masuk yang tidak lengkap atau tidak benar. Ini bukan kesalahan Anda."
        ),
        (
            "error-badRequest-do",
            "Buka kembali aplikasinya dan coba lagi. Jika tetap gagal, laporkan kepada pengelola aplikasi."
        ),
        ("error-noAccess-title", "Anda tidak memiliki akses ke aplikasi ini"),
        ("error-noAccess-what", "Akun Anda baik-baik saja, tetapi belum diberi akses ke aplikasi ini."),
        ("error-noAccess-do", "Hubungi admin perangkat daerah."),
        ("error-linkUnusable-title", "Tautan ini tidak dapat digunakan"),
        (
            "error-linkUnusable-what",
            "Tautan sekali pakai ini sudah digunakan, sudah lewat waktunya, atau tidak tersalin lengkap."
        ),
        ("error-linkUnusable-do", "Mintalah tautan baru kepada petugas yang mengirimkannya."),
        ("error-flowLost-title", "Proses masuk ini sudah berakhir"),
        ("error-flowLost-what", "Proses masuk terlalu lama, sudah selesai, atau dimulai di peramban lain."),
        ("error-flowLost-do", "Mulai lagi dari aplikasi yang hendak Anda buka."),
        ("error-notFound-title", "Halaman tidak ditemukan"),
        ("error-notFound-what", "Alamat yang Anda buka tidak ada di sini."),
        ("error-notFound-do", "Periksa alamatnya, atau mulai dari halaman depan."),
        ("error-forbidden-title", "Permintaan ditolak demi keamanan"),
        (
            "error-forbidden-what",
            "Formulir ini dikirim dari situs lain atau sudah terlalu lama terbuka. Tidak ada yang diubah."
        ),
        ("error-forbidden-do", "Kembali ke halaman sebelumnya, muat ulang, lalu kirim sekali lagi."),
        ("error-tooMany-title", "Terlalu banyak permintaan"),
        ("error-tooMany-what", "Terlalu banyak permintaan datang dari akun atau jaringan Anda dalam waktu singkat."),
        ("error-tooMany-do", "Tunggu beberapa menit, lalu coba lagi."),
        ("error-unavailable-title", "Layanan sedang sibuk"),
        ("error-unavailable-what", "Layanan belum dapat menjawab sekarang. Data Anda aman."),
        ("error-unavailable-do", "Tunggu sebentar, lalu muat ulang halaman ini."),
        ("error-internalError-title", "Terjadi kesalahan pada layanan"),
        ("error-internalError-what", "Ini kesalahan kami, bukan kesalahan Anda. Kejadian ini sudah tercatat."),
        ("error-internalError-do", "Coba lagi sebentar lagi."),
        ("error-methodNotAllowed-title", "Cara membuka halaman ini tidak sesuai"),
        ("error-methodNotAllowed-what", "Halaman ini tidak dapat dibuka secara langsung."),
        ("error-methodNotAllowed-do", "Mulai dari halaman depan."),
        ("error-tooLarge-title", "Data yang dikirim terlalu besar"),
        (
            "error-tooLarge-what",
            "Layanan menerima lebih banyak data daripada yang diperbolehkan, sehingga tidak memprosesnya."
        ),
        ("error-tooLarge-do", "Kurangi isian atau ukuran berkas, lalu coba lagi."),
        ("error-misdirected-title", "Alamat layanan tidak sesuai"),
        ("error-misdirected-what", "Anda membuka layanan ini melalui alamat yang tidak terdaftar."),
        ("error-misdirected-do", "Gunakan alamat resmi yang diumumkan oleh pemerintah daerah."),
    ]
}
