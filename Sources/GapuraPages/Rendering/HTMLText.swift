import Mustache

/// The one door from text to HTML. Every `{{name}}` of every template goes through it.
///
/// swift-mustache's own escaping compares `Character`s, so `<` or a quote followed by a combining mark passes it
/// unescaped, and a browser sees a tag. This one works on bytes: the delimiters of HTML are ASCII, and no byte of a
/// longer UTF-8 sequence looks like them.
struct HTMLText: MustacheContentType {
    /// Name of this content type in a template's pragma; `TemplateSet` puts the pragma into each.
    static let name = "GAPURA-HTML"

    func escapeText(_ text: String) -> String {
        Self.escape(text)
    }

    /// `text` for element content and for quoted attribute values.
    ///
    /// Line ends become references too: a parser of HTML turns CR LF into LF, and a template engine that indents could
    /// add spaces after one.
    static func escape(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): bytes += "&amp;".utf8
            case UInt8(ascii: "<"): bytes += "&lt;".utf8
            case UInt8(ascii: ">"): bytes += "&gt;".utf8
            case UInt8(ascii: "\""): bytes += "&quot;".utf8
            case UInt8(ascii: "'"): bytes += "&#39;".utf8
            case 0x0a: bytes += "&#10;".utf8
            case 0x0d: bytes += "&#13;".utf8
            case 0x00: bytes += "\u{fffd}".utf8
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
