/// User and password of an `Authorization: Basic` header as OAuth writes it, RFC 6749 section 2.3.1: each is form-urlencoded
/// before they are put together.
package struct BasicCredentials: Sendable {
    package let user: String
    package let password: String

    /// Longer headers are not looked at.
    package static let maximumBytes = 4096

    /// Why a header has none, for the log.
    package enum Problem: String, Error, Sendable {
        case notBasic = "the Authorization header is not Basic"
        case unreadable = "the Basic header cannot be read"
    }

    /// From the whole value of the header.
    package init(_ header: String) throws(Problem) {
        let bytes = Array(header.utf8)
        guard bytes.count <= Self.maximumBytes, bytes.count > 6, bytes[5] == 0x20,
            bytes.prefix(5).map({ $0 | 0x20 }) == Array("basic".utf8)
        else { throw .notBasic }
        guard let plain = Base64.decode(bytes.dropFirst(6).drop { $0 == 0x20 }),
            let colon = plain.firstIndex(of: UInt8(ascii: ":")),
            let user = try? FormURLEncoded.decode(plain[..<colon]),
            let password = try? FormURLEncoded.decode(plain[(colon + 1)...]),
            // Also one written as %00: no user and no password has it, and no database keeps it.
            !user.utf8.contains(0), !password.utf8.contains(0)
        else { throw .unreadable }
        self.user = user
        self.password = password
    }
}

/// Plain base64 of RFC 4648 section 4, as HTTP Basic uses it; padding may be missing.
enum Base64 {
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var translated = Array(text)
        while translated.last == UInt8(ascii: "=") { translated.removeLast() }
        guard text.count - translated.count <= 2 else { return nil }
        for (index, byte) in translated.enumerated() {
            switch byte {
            case UInt8(ascii: "+"): translated[index] = UInt8(ascii: "-")
            case UInt8(ascii: "/"): translated[index] = UInt8(ascii: "_")
            case UInt8(ascii: "-"), UInt8(ascii: "_"): return nil
            default: break
            }
        }
        return try? Base64URL.decode(translated)
    }
}
