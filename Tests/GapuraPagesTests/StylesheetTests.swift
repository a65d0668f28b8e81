import Testing

@testable import GapuraPages

@Suite("Stylesheet and script")
struct StylesheetTests {
    let sheet = String(decoding: PackageResources.gapura_css, as: UTF8.self)
    let script = String(decoding: PackageResources.gapura_js, as: UTF8.self)

    @Test("the sheet stays under 12 KB and the script under 3")
    func size() {
        #expect(sheet.utf8.count < 12 * 1024)
        #expect(script.utf8.count < 3 * 1024)
    }

    @Test("attack 146: nothing is loaded from elsewhere")
    func ownFilesOnly() {
        #expect(!sheet.contains("@import") && !sheet.contains("//"))
        for part in sheet.split(separator: "url(").dropFirst() { #expect(part.hasPrefix("\"/aset/")) }
        for word in ["http:", "https:", "fetch(", "XMLHttpRequest", "eval", "innerHTML", "document.write"] {
            #expect(!script.contains(word))
        }
    }

    @Test("every pair of text and ground has its contrast, light and dark", arguments: [0, 1])
    func contrast(scheme: Int) throws {
        let colours = try schemes()[scheme]
        func colour(_ name: String) throws -> RGB { try #require(colours[name], "\(name)") }
        for ground in ["page", "surface"] {
            #expect(try colour("ink").contrast(with: colour(ground)) >= 7)
            #expect(try colour("muted").contrast(with: colour(ground)) >= 4.5)
            #expect(try colour("bad").contrast(with: colour(ground)) >= 4.5)
            // The border of a field is what makes it visible: WCAG 1.4.11.
            #expect(try colour("edge").contrast(with: colour(ground)) >= 3)
        }
        #expect(try colour("ink").contrast(with: colour("bad-soft")) >= 7)
        #expect(try colour("bad").contrast(with: colour("bad-soft")) >= 4.5)
        for brand in BrandingTests.colours.map(BrandColour.init) {
            let soft = scheme == 0 ? brand.light.soft : brand.dark.soft
            #expect(try colour("muted").contrast(with: soft) >= 4.5, "\(brand.chosen.hex)")
        }
    }

    @Test("the grounds for which the city's colour is made are those of the sheet")
    func sameGrounds() throws {
        let brand = BrandColour(.gapura)
        for (colours, scheme) in zip(try schemes(), [brand.light, brand.dark]) {
            #expect(colours["page"] == scheme.page)
            #expect(colours["surface"] == scheme.surface)
            #expect(colours["ink"] == scheme.ink)
        }
    }

    /// The custom properties of the first `:root` (light) and of the second (dark).
    private func schemes() throws -> [[String: RGB]] {
        let blocks = sheet.matches(of: #/:root\{([^}]*)\}/#).prefix(2).map { String($0.output.1) }
        try #require(blocks.count == 2)
        return blocks.map { block in
            let pairs = block.matches(of: #/--([a-z-]+):(#[0-9a-f]{6})/#).compactMap { match in
                RGB(hex: String(match.output.2)).map { (String(match.output.1), $0) }
            }
            return Dictionary(pairs) { first, _ in first }
        }
    }
}
