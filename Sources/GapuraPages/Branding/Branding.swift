/// The city's own face: name, logo, colour, and whom to ask for help. All of it by setting.
package struct Branding: Sendable {
    /// "Kota Nusa Contoh"
    package let cityName: String
    /// What the gateway calls itself.
    package let gatewayName: String
    package let colour: BrandColour
    /// Without one, a gate of our own stands there.
    package let logo: Logo?
    /// Whom to ask, as one sentence in Indonesian; a general one without it.
    package let help: String?
    /// The same in English.
    package let helpInEnglish: String?
    /// How to reach them: a telephone number, a counter. Shown as it is.
    package let contact: String?

    /// - Parameters:
    ///   - colour: `#rrggbb`; nothing for ours.
    ///   - logo: the bytes of a PNG, JPEG or WebP file.
    package init(
        cityName: String,
        gatewayName: String = "Gapura",
        colour: String? = nil,
        logo: [UInt8]? = nil,
        help: String? = nil,
        helpInEnglish: String? = nil,
        contact: String? = nil
    ) throws(BrandingError) {
        for (setting, text) in [("city name", cityName), ("gateway name", gatewayName)] {
            guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else { throw .empty(setting) }
        }
        for (setting, text) in [("city name", cityName), ("gateway name", gatewayName), ("contact", contact ?? "")] {
            guard text.unicodeScalars.count <= 120 else { throw .tooLong(setting, limit: 120) }
        }
        for text in [help, helpInEnglish] {
            guard (text ?? "").unicodeScalars.count <= 400 else { throw .tooLong("help", limit: 400) }
        }
        self.cityName = cityName.forDisplay
        self.gatewayName = gatewayName.forDisplay
        self.colour = try colour.map { text throws(BrandingError) in try BrandColour(text) } ?? BrandColour(.gapura)
        self.logo = try logo.map { bytes throws(BrandingError) in try Logo(bytes) }
        self.help = help?.forDisplay
        self.helpInEnglish = helpInEnglish?.forDisplay
        self.contact = contact?.forDisplay
    }
}

/// What is wrong with a setting of the city's face: one line in each language that says what to do.
package enum BrandingError: Error, Equatable, CustomStringConvertible {
    case empty(String)
    case tooLong(String, limit: Int)
    case colour(String)
    case logoTooLarge(limit: Int)
    case logoIsSVG
    case logoFormat

    package var description: String {
        switch self {
        case .empty(let setting):
            "Pengaturan \"\(setting)\" kosong; isi dengan nama.\nThe setting \"\(setting)\" is empty; give it a name."
        case .tooLong(let setting, let limit):
            "Pengaturan \"\(setting)\" lebih dari \(limit) huruf; persingkat.\n"
                + "The setting \"\(setting)\" is longer than \(limit) characters; shorten it."
        case .colour(let text):
            "Warna \"\(text.forDisplay(limit: 20))\" bukan #rrggbb; tulis misalnya #0b5f5a.\n"
                + "The colour \"\(text.forDisplay(limit: 20))\" is not #rrggbb; write for example #0b5f5a."
        case .logoTooLarge(let limit):
            "Berkas logo lebih dari \(limit / 1024) KiB; perkecil gambarnya.\n"
                + "The logo file is larger than \(limit / 1024) KiB; make the picture smaller."
        case .logoIsSVG:
            "Logo SVG tidak diterima karena dapat memuat skrip; simpan sebagai PNG, JPEG, atau WebP.\n"
                + "An SVG logo is not accepted because it can carry scripts; save it as PNG, JPEG or WebP."
        case .logoFormat:
            "Berkas logo bukan PNG, JPEG, atau WebP; simpan ulang dalam salah satu format itu.\n"
                + "The logo file is not PNG, JPEG or WebP; save it again as one of these."
        }
    }
}
