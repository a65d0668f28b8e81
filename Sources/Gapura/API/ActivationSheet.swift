import GapuraDirectory
import GapuraFormats
import GapuraStore

/// The sheet of one-time codes for printing: a page for each unit, with a slip for each of its people to cut off and
/// hand over. One HTML file that loads nothing and runs nothing.
struct ActivationSheet: Sendable {
    let city: String
    /// Where codes are typed.
    let address: String
    /// Until when they are good, as people write it.
    let expires: String

    private static let style = """
        *{box-sizing:border-box}
        body{margin:0 auto;max-width:52rem;padding:1rem;background:#fff;color:#111;font:1rem/1.4 "Noto Sans","Liberation Sans",Arial,sans-serif}
        h1{margin:0;font-size:1.375rem;line-height:1.25}
        p{margin:.25rem 0}
        .unit{padding-bottom:2rem}
        .head{border-bottom:2px solid #111;padding-bottom:.5rem}
        .slips{list-style:none;margin:.75rem 0 0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr))}
        .slip{border:1px dashed #555;padding:.75rem;overflow-wrap:anywhere;break-inside:avoid}
        .name{font-weight:700}
        .code{font:700 1.5rem/1.3 "Noto Sans Mono","Liberation Mono",monospace;letter-spacing:.04em;white-space:nowrap}
        .small{font-size:.8125rem}
        @page{size:A4;margin:12mm}
        @media print{body{max-width:none;padding:0}.unit{padding:0;break-after:page}.unit:last-child{break-after:auto}}
        """

    /// Before the first unit.
    var beginning: String {
        """
        <!DOCTYPE html>
        <html lang="id">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="referrer" content="no-referrer">
        <meta name="robots" content="noindex">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>Kode sekali pakai – \(HTMLEscape.text(city))</title>
        <style>
        \(Self.style)
        </style>
        </head>
        <body>
        <main>

        """
    }

    /// After the last.
    let end = "</main>\n</body>\n</html>\n"

    /// The head of a unit's page; for accounts without a person there is no unit.
    func unit(_ place: Newcomer.Place?) -> String {
        var html =
            "<section class=\"unit\">\n<div class=\"head\">\n<h1>\(bdi(place?.name ?? "Tanpa unit kerja"))</h1>\n"
        if let agency = place?.agency, !agency.isExactly(place?.name ?? "") { html += "<p>\(bdi(agency))</p>\n" }
        let head = [place?.headPost, place?.headName].compactMap { $0 }.map(bdi).joined(separator: ": ")
        if !head.isEmpty { html += "<p>Untuk diserahkan oleh \(head)</p>\n" }
        return html + """
            <p class="small">Potong dan serahkan setiap lembar langsung kepada yang namanya tercantum. Jangan difoto, ditempel, atau \
            dikirim bersama-sama. Petugas tidak pernah menanyakan kata sandi.</p>
            <p class="small" lang="en">Cut out each slip and hand it to the person named on it. Do not photograph or post it.</p>
            </div>
            <ul class="slips">

            """
    }

    let unitEnd = "</ul>\n</section>\n"

    /// One person's.
    func slip(_ newcomer: Newcomer, _ code: ActivationCode) -> String {
        let number =
            newcomer.nip.map { "NIP \(HTMLEscape.text(Self.grouped($0)))" }
            ?? "Nama pengguna <bdi>\(HTMLEscape.text(newcomer.account.userName ?? ""))</bdi>"
        return """
            <li class="slip">
            <p class="name">\(bdi(newcomer.name))</p>
            <p>\(number)</p>
            <p class="code">\(HTMLEscape.text(code.printed))</p>
            <p class="small">Buka <strong>\(HTMLEscape.text(address))</strong>, ketik \(newcomer.nip == nil ? "nama pengguna" : "NIP") dan kode \
            ini, lalu buat kata sandi. Sekali pakai, berlaku sampai \(HTMLEscape.text(expires)).</p>
            <p class="small" lang="en">Open this address, type your \(newcomer.nip == nil ? "user name" : "NIP") and this code, and set a \
            password. Good once.</p>
            </li>

            """
    }

    /// Names may be written from right to left, or hold marks that turn what stands beside them.
    private func bdi(_ text: String) -> String { "<bdi>\(HTMLEscape.text(text))</bdi>" }

    /// `18900101 191501 1 001`, as an NIP is read aloud.
    private static func grouped(_ nip: String) -> String {
        let digits = Array(nip.utf8)
        guard digits.count == 18 else { return nip }
        return [0..<8, 8..<14, 14..<15, 15..<18].map { String(decoding: digits[$0], as: UTF8.self) }
            .joined(separator: " ")
    }
}

extension CityCalendar {
    /// `25 Desember 2026 pukul 07.30 WIB`.
    func indonesian(_ moment: Timestamp) -> String {
        guard let day = day(of: moment), (1...12).contains(day.month) else { return "-" }
        let time = clock(moment)
        return "\(day.day) \(Self.months[day.month - 1]) \(day.year) pukul \(time.hours).\(time.minutes) \(zoneName)"
    }

    /// `2026-12-25T07:30:00+07:00`.
    func iso8601(_ moment: Timestamp) -> String {
        let time = clock(moment)
        return
            "\(day(of: moment)?.iso8601 ?? "")T\(time.hours):\(time.minutes):\(time.seconds)+\(Self.two(offset / 3600)):00"
    }

    private func clock(_ moment: Timestamp) -> (hours: String, minutes: String, seconds: String) {
        let second = (moment.adding(seconds: offset).seconds % 86_400 + 86_400) % 86_400
        return (Self.two(second / 3600), Self.two(second / 60 % 60), Self.two(second % 60))
    }

    private var zoneName: String {
        switch offset {
        case 8 * 3600: "WITA"
        case 9 * 3600: "WIT"
        default: "WIB"
        }
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static let months = [
        "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November",
        "Desember",
    ]
}
