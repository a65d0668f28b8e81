import Gapura
import Testing

@testable import GapuraPages

@Suite("The city's face")
struct BrandingTests {
    /// A grid over all colours, and what cities may well choose.
    static let colours: [RGB] = {
        let steps: [UInt8] = [0, 36, 73, 109, 146, 182, 219, 255]
        return steps.flatMap { red in steps.flatMap { green in steps.map { RGB(red, green, $0) } } }
            + ["#ffd500", "#c8102e", "#003a8f", "#0b5f5a", "#ffffff", "#000000", "#808080"].compactMap(RGB.init(hex:))
    }()

    @Test("whatever the colour, text in it and text on it keep 4.5 to 1, light and dark")
    func contrast() {
        for colour in Self.colours {
            let brand = BrandColour(colour)
            for scheme in [brand.light, brand.dark] {
                for ground in [scheme.page, scheme.surface, scheme.soft] {
                    #expect(scheme.brand.contrast(with: ground) >= 4.5, "\(colour.hex)")
                    #expect(scheme.strong.contrast(with: ground) >= 4.5, "\(colour.hex)")
                    #expect(scheme.ink.contrast(with: ground) >= 7, "\(colour.hex)")
                }
                #expect(scheme.brand.contrast(with: scheme.onBrand) >= 4.5, "\(colour.hex)")
                #expect(scheme.strong.contrast(with: scheme.onBrand) >= 4.5, "\(colour.hex)")
            }
        }
    }

    @Test("a colour that is readable already stays as the city chose it")
    func unchanged() throws {
        #expect(BrandColour(RGB(0x0b, 0x5f, 0x5a)).light.brand.hex == "#0b5f5a")
        #expect(try BrandColour("#003A8F").light.brand.hex == "#003a8f")
    }

    @Test("contrast is WCAG's")
    func wcag() {
        #expect(RGB.white.contrast(with: .black) == 21)
        #expect((4.47...4.49).contains(RGB(0x77, 0x77, 0x77).contrast(with: .white)))
    }

    @Test(
        "only #rrggbb is a colour",
        arguments: ["", "red", "#fff", "#12345g", "#1234567", "112233", "#11223３", "#112233;}body{", "#\u{301}12233"])
    func noColour(text: String) {
        #expect(throws: BrandingError.colour(text)) { try Branding(cityName: "x", colour: text) }
    }

    @Test("the sheet of the city holds only its colour", arguments: colours.prefix(40))
    func sheet(colour: RGB) {
        let sheet = BrandColour(colour).stylesheet
        #expect(sheet.wholeMatch(of: #/[a-z#:;{}@()\-0-9\n ,]+/#) != nil)
        #expect(!sheet.contains("url"))
    }

    @Test("a logo is a picture by its bytes, and served as what it is")
    func logos() throws {
        let png: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1]
        #expect(try Logo(png).contentType == "image/png")
        #expect(try Logo([0xff, 0xd8, 0xff, 0xe0]).contentType == "image/jpeg")
        #expect(try Logo(Array("RIFF\u{1}\u{1}\u{1}\u{1}WEBPVP8 ".utf8)).contentType == "image/webp")
        let asset = try SitePages(branding: Branding(cityName: "x", logo: png)).asset("logo")
        #expect(asset?.bytes == png && asset?.contentType == "image/png")
    }

    @Test(
        "attack 145: an SVG is no logo, in whatever clothes",
        arguments: [
            "<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "<?xml version=\"1.0\"?><svg/>", "\u{feff}<svg/>",
            " \n<SVG/>", "<!-- GIF89a --><svg/>",
        ])
    func svg(text: String) {
        #expect(throws: BrandingError.logoIsSVG) { try Logo(Array(text.utf8)) }
    }

    @Test("other files, empty ones and large ones are refused with what to do in both languages")
    func refused() {
        #expect(throws: BrandingError.logoFormat) { try Logo([]) }
        #expect(throws: BrandingError.logoFormat) { try Logo(Array("GIF89a".utf8)) }
        #expect(throws: BrandingError.logoFormat) { try Logo(Array("RIFF".utf8)) }
        #expect(throws: BrandingError.logoTooLarge(limit: Logo.maximumBytes)) {
            try Logo([0xff, 0xd8, 0xff] + [UInt8](repeating: 0, count: Logo.maximumBytes))
        }
        #expect(throws: BrandingError.empty("city name")) { try Branding(cityName: " \u{3000}\n") }
        #expect(throws: BrandingError.tooLong("city name", limit: 120)) {
            try Branding(cityName: String(repeating: "x", count: 121))
        }
        let errors: [BrandingError] = [
            .empty("x"), .tooLong("x", limit: 1), .colour("x"), .logoTooLarge(limit: 1024), .logoIsSVG, .logoFormat,
        ]
        for error in errors { #expect(error.description.split(separator: "\n").count == 2) }
    }

    @Test("our own gate wears the city's colour")
    func gate() throws {
        let asset = try #require(SitePages(branding: Branding(cityName: "x", colour: "#c8102e")).asset("logo"))
        let drawing = String(decoding: asset.bytes, as: UTF8.self)
        #expect(drawing.contains("#c8102e") && !drawing.contains("#000000"))
    }
}
