import GapuraFormats
package import GapuraStore
import GapuraTokens

/// A one-time code that somebody reads off paper: 12 characters, 60 random bits.
///
/// The characters are Crockford's base32, which prints no I, L, O or U; whoever types those means 1, 1, 0. Case, spaces
/// and dashes do not matter. Why 60 bits are enough: `docs/decisions/0007-activation-codes.md`.
package struct ActivationCode: Sendable, Equatable, CustomStringConvertible {
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
    private static let count = 12
    /// Of what somebody types, with all the dashes and spaces one may think of.
    package static let longestTyped = 100

    private let symbols: [UInt8]

    private init(symbols: [UInt8]) {
        self.symbols = symbols
    }

    /// A new code: 5 bits of each random byte.
    package static func make() -> ActivationCode {
        ActivationCode(symbols: SecureRandom.bytes(count).map { alphabet[Int($0 & 31)] })
    }

    /// Reads what somebody typed; nothing if no code can be meant.
    package init?(typed text: String) {
        guard text.utf8.count <= Self.longestTyped else { return nil }
        var symbols: [UInt8] = []
        for scalar in text.unicodeScalars {
            // Dashes as phones and word processors write them.
            if scalar.properties.isWhitespace || ("\u{2010}"..."\u{2015}").contains(scalar) || scalar == "-" {
                continue
            }
            guard let byte = UInt8(exactly: scalar.value), let symbol = Self.symbol(byte), symbols.count < Self.count
            else {
                return nil
            }
            symbols.append(symbol)
        }
        guard symbols.count == Self.count else { return nil }
        self.symbols = symbols
    }

    private static func symbol(_ byte: UInt8) -> UInt8? {
        let upper = (0x61...0x7a).contains(byte) ? byte & 0xdf : byte
        switch upper {
        case UInt8(ascii: "O"): return UInt8(ascii: "0")
        case UInt8(ascii: "I"), UInt8(ascii: "L"): return UInt8(ascii: "1")
        default: return alphabet.contains(upper) ? upper : nil
        }
    }

    /// As it is printed: `7KQ2-M9XA-04TZ`.
    package var printed: String {
        stride(from: 0, to: Self.count, by: 4).map { start in
            String(decoding: symbols[start..<(start + 4)], as: UTF8.self)
        }.joined(separator: "-")
    }

    /// What is stored: base64url of HMAC-SHA256 over account and code, under a key that is not in the database.
    ///
    /// - Throws: where OpenSSL fails. An empty digest would fit every other one.
    package func digest(of account: AccountID, key: [UInt8]) throws -> String {
        let code = HMACSHA256.code(Array("\(account.text) ".utf8) + symbols, key: key)
        guard code.count == 32 else { throw Failure() }
        return Base64URL.encode(code)
    }

    /// OpenSSL computed nothing.
    package struct Failure: Error {}

    /// Nothing of it gets into a log.
    package var description: String { "•••" }
}
