import GapuraStore

/// What somebody types to say who they are. Decided by form alone, so an unknown name takes the same way as a known
/// one.
package enum SignInName: Sendable, Equatable {
    /// 18 digits; spaces, dots and dashes between them are tolerated.
    case nip(String)
    /// With one `@`.
    case email(String)
    case userName(String)

    /// Nothing for text that can be no name: empty, longer than 254 bytes, or with control or non-ASCII characters.
    package init?(_ typed: String) {
        let trimmed = typed.utf8.drop { $0 == 0x20 || $0 == 0x09 }
        guard !trimmed.isEmpty, trimmed.count <= 254, trimmed.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            return nil
        }
        var bytes = Array(trimmed)
        while bytes.last == 0x20 { bytes.removeLast() }
        let digits = bytes.filter { (0x30...0x39).contains($0) }
        let separators: Set<UInt8> = [0x20, 0x2e, 0x2d]
        if !digits.isEmpty, bytes.allSatisfy({ (0x30...0x39).contains($0) || separators.contains($0) }) {
            self = .nip(String(decoding: digits, as: UTF8.self))
            return
        }
        let text = String(decoding: bytes, as: UTF8.self)
        self = bytes.filter { $0 == 0x40 }.count == 1 ? .email(text) : .userName(text)
    }

    /// The one spelling of what was typed, whether anybody has that name or not.
    package var key: String {
        switch self {
        case .nip(let digits): digits
        case .email(let name), .userName(let name): nameKey(name)
        }
    }

    /// Whether text may be given out as a user name: 3 to 64 of `a-z 0-9 . - _`, the first a letter.
    package static func isUserName(_ text: String) -> Bool {
        let bytes = Array(nameKey(text).utf8)
        guard (3...64).contains(bytes.count), let first = bytes.first, (0x61...0x7a).contains(first) else {
            return false
        }
        return bytes.allSatisfy {
            (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2e || $0 == 0x2d || $0 == 0x5f
        }
    }

    /// Whether text is an address that `init` reads as an email and no other name: printable ASCII, one `@`, something
    /// before it and a host with a dot behind it, 254 bytes at most (RFC 5321 section 4.5.3.1.3).
    package static func isEmail(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard bytes.count <= 254, parts.count == 2, let local = parts.first, let host = parts.last else { return false }
        let labels = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return (1...64).contains(local.count) && local.allSatisfy { (0x21...0x7e).contains($0) }
            && labels.count >= 2 && labels.allSatisfy(isLabel)
    }

    /// A part of a host name: letters, digits and inner hyphens.
    private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
        (1...63).contains(label.count) && label.first != 0x2d && label.last != 0x2d
            && label.allSatisfy {
                (0x61...0x7a).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == 0x2d
            }
    }
}
