import Gapura

/// The files under `/aset/`: ours, compiled in, and two that the city's settings make.
struct StaticFiles: Sendable {
    private let assets: [String: PageAsset]

    init(branding: Branding) {
        let script = "text/javascript; charset=utf-8"
        let style = "text/css; charset=utf-8"
        let picture = "image/svg+xml"
        assets = [
            "gapura.css": Self.asset(PackageResources.gapura_css, style),
            "gapura.js": Self.asset(PackageResources.gapura_js, script),
            "menara.svg": Self.asset(PackageResources.menara_svg, picture),
            "kota.css": Self.asset(Array(branding.colour.stylesheet.utf8), style),
            "logo": branding.logo.map { Self.asset($0.bytes, $0.contentType) }
                ?? Self.asset(Self.gate(in: branding.colour), picture),
        ]
    }

    subscript(name: String) -> PageAsset? { assets[name] }

    /// Address of a file with the hash of its bytes, so that a browser may keep it for good.
    func address(_ name: String) -> String {
        guard let tag = assets[name]?.etag else { return "/aset/\(name)" }
        return "/aset/\(name)?v=\(tag.filter { $0 != "\"" })"
    }

    private static func asset(_ bytes: [UInt8], _ contentType: String) -> PageAsset {
        PageAsset(bytes: bytes, contentType: contentType, etag: "\"\(hash(bytes))\"")
    }

    /// FNV-1a, 64 bits, in hexadecimal: tells versions of our own files apart; nothing secret hangs on it.
    private static func hash(_ bytes: [UInt8]) -> String {
        let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The gate of ours that stands in for a logo, in the city's colour.
    private static func gate(in colour: BrandColour) -> [UInt8] {
        let drawing = String(decoding: PackageResources.lambang_svg, as: UTF8.self)
        let parts = drawing.split(separator: "#000000", omittingEmptySubsequences: false)
        return Array(parts.joined(separator: colour.light.brand.hex).utf8)
    }
}
