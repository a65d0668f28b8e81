/// A logo as a file that a browser only ever reads as a picture. SVG is refused: it can carry scripts.
package struct Logo: Sendable {
    package static let maximumBytes = 256 * 1024

    package let bytes: [UInt8]
    package let contentType: String

    /// Decides by the first bytes of the file, never by its name.
    package init(_ bytes: [UInt8]) throws(BrandingError) {
        guard bytes.count <= Self.maximumBytes else { throw .logoTooLarge(limit: Self.maximumBytes) }
        if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) {
            contentType = "image/png"
        } else if bytes.starts(with: [0xff, 0xd8, 0xff]) {
            contentType = "image/jpeg"
        } else if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
            contentType = "image/webp"
        } else {
            throw Self.looksLikeMarkup(bytes) ? .logoIsSVG : .logoFormat
        }
        self.bytes = bytes
    }

    /// The first visible byte is `<`, possibly after a byte order mark.
    private static func looksLikeMarkup(_ bytes: [UInt8]) -> Bool {
        let text = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]
        return text.first { $0 > 0x20 } == UInt8(ascii: "<")
    }
}
