import GapuraDirectory
import GapuraFormats

/// What a device shows and somebody types (RFC 8628 section 6.1): eight consonants, so that no word comes out and no
/// letter is taken for a digit. Capitals, dashes and spaces do not matter.
struct UserCode: Sendable {
    private static let letters = Array("BCDFGHJKLMNPQRSTVWXZ".utf8)
    private static let length = 8
    /// Longer texts are not looked at.
    static let longestTyped = 40

    private let bytes: [UInt8]

    /// A new one.
    static func make() -> UserCode {
        var random = SystemRandomNumberGenerator()
        return UserCode(bytes: (0..<length).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)] })
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    init?(typed: String) {
        guard typed.utf8.count <= Self.longestTyped else { return nil }
        let bytes = typed.utf8.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: " ") }
            .map { (0x61...0x7a).contains($0) ? $0 & 0xdf : $0 }
        guard bytes.count == Self.length, bytes.allSatisfy(Self.letters.contains) else { return nil }
        self.bytes = Array(bytes)
    }

    /// `BCDF-GHJK`.
    var shown: String {
        String(decoding: bytes.prefix(4) + [UInt8(ascii: "-")] + bytes.suffix(4), as: UTF8.self)
    }

    var digest: String { StoredSecret.digest(String(decoding: bytes, as: UTF8.self), of: .userCode) }
}
