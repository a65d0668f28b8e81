/// The one door from text to HTML.
///
/// It works on bytes, because delimiters of HTML are ASCII and no byte of a longer UTF-8 sequence looks like them;
/// comparing `Character`s would let `<` with a combining mark pass, in which a browser sees a tag.
package enum HTMLEscape {
    /// `text` for element content and for quoted attribute values.
    ///
    /// Line ends become references too: a parser of HTML turns CR LF into LF, and a template engine that indents could
    /// add spaces after one.
    package static func text(_ text: String) -> String {
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
