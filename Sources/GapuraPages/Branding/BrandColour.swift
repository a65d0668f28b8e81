/// The city's colour, made readable: any colour a city may have becomes a darker shade for light pages and a lighter
/// one for dark pages, so that text in it and text on it keep a contrast of at least 4.5 to 1.
package struct BrandColour: Sendable {
    /// The shades of one colour scheme.
    package struct Scheme: Sendable {
        /// Links, buttons, the gate.
        package let brand: RGB
        /// The same under a pointer.
        package let strong: RGB
        /// Text on `brand` and `strong`.
        package let onBrand: RGB
        /// A pale ground that text may stand on.
        package let soft: RGB
        /// Ground of the page and of cards; the same values stand in `gapura.css`, and a test compares them.
        package let page: RGB
        package let surface: RGB
        package let ink: RGB
    }

    package let chosen: RGB
    package let light: Scheme
    package let dark: Scheme

    /// `#rrggbb`.
    package init(_ hex: String) throws(BrandingError) {
        guard let colour = RGB(hex: hex) else { throw .colour(hex) }
        self.init(colour)
    }

    init(_ colour: RGB) {
        chosen = colour
        light = Self.scheme(
            (0...100).map { colour.mixed(with: .black, Double($0) / 100) }, onBrand: .white,
            page: RGB(0xf3, 0xf5, 0xf4), surface: .white, ink: RGB(0x17, 0x21, 0x1f), tint: 0.09
        )
        // Brighter first and only then paler: white alone would wash the colour out.
        let bright = colour.brightest.mixed(with: .white, 0.3)
        let shades =
            (0..<100).map { colour.mixed(with: bright, Double($0) / 100) }
            + (0...100).map { bright.mixed(with: .white, Double($0) / 100) }
        dark = Self.scheme(
            shades, onBrand: RGB(0x0c, 0x12, 0x11),
            page: RGB(0x11, 0x17, 0x16), surface: RGB(0x1a, 0x22, 0x20), ink: RGB(0xe6, 0xec, 0xea), tint: 0.14
        )
    }

    /// `/aset/kota.css`: the only style that depends on a setting.
    package var stylesheet: String {
        """
        :root{\(Self.properties(light))}
        @media (prefers-color-scheme:dark){:root{\(Self.properties(dark))}}
        @media print{:root{\(Self.properties(light))}}

        """
    }

    /// The first of the shades that is readable on every ground of the scheme.
    private static func scheme(_ shades: [RGB], onBrand: RGB, page: RGB, surface: RGB, ink: RGB, tint: Double) -> Scheme
    {
        let end = shades.last ?? ink
        func made(_ brand: RGB) -> Scheme {
            Scheme(
                brand: brand, strong: brand.mixed(with: end, 0.18), onBrand: onBrand,
                soft: surface.mixed(with: brand, tint),
                page: page, surface: surface, ink: ink
            )
        }
        return shades.lazy.map(made).first(where: isReadable) ?? made(end)
    }

    private static func isReadable(_ scheme: Scheme) -> Bool {
        [scheme.page, scheme.surface, scheme.soft, scheme.onBrand].allSatisfy { scheme.brand.contrast(with: $0) >= 4.6 }
    }

    private static func properties(_ scheme: Scheme) -> String {
        "--brand:\(scheme.brand.hex);--brand-strong:\(scheme.strong.hex);--on-brand:\(scheme.onBrand.hex);--brand-soft:\(scheme.soft.hex)"
    }
}
