package import GapuraFormats

/// The key of an entity: a UUID in its one canonical spelling (36 characters, lower case).
///
/// `Entity` only keeps the keys of two tables apart. Keys are UUIDv7 (RFC 9562), so they sort by the time they were
/// made.
package struct ID<Entity>: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The canonical spelling, all ASCII: comparing it as `String` is comparing bytes.
    package let text: String

    /// Reads the canonical spelling; anything else, upper case too, is nil, so that a key has one spelling only.
    package init?(_ text: String) {
        guard UUIDText.isCanonical(text) else { return nil }
        self.text = text
    }

    private init(made text: String) {
        self.text = text
    }

    /// A new key: UUIDv7, whose first 48 bits are `now` in milliseconds.
    package static func make(now: Timestamp) -> Self {
        Self(made: UUIDText.version7(now: now))
    }

    package var description: String { text }

    package static func < (left: Self, right: Self) -> Bool {
        left.text < right.text
    }
}

/// UUIDs (RFC 9562) as text.
package enum UUIDText {
    /// 122 random bits from the system: what a `sub` is.
    package static func version4() -> String {
        var random = SystemRandomNumberGenerator()
        let high = random.next() & 0xffff_ffff_ffff_0fff | 0x4000
        let low = random.next() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        return spelling(high, low)
    }

    /// 48 bits of milliseconds since 1970, then 74 random bits.
    package static func version7(now: Timestamp) -> String {
        var random = SystemRandomNumberGenerator()
        let time = UInt64(clamping: now.milliseconds) & 0xffff_ffff_ffff
        let high = time << 16 | 0x7000 | random.next() & 0x0fff
        let low = random.next() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        return spelling(high, low)
    }

    /// Whether this is 8-4-4-4-12 lower-case hexadecimal digits.
    package static func isCanonical(_ text: String) -> Bool {
        guard text.utf8.count == 36 else { return false }
        var text = text
        return text.withUTF8 { bytes in
            bytes.enumerated().allSatisfy { position, byte in
                switch position {
                case 8, 13, 18, 23: byte == UInt8(ascii: "-")
                default:
                    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
                }
            }
        }
    }

    private static func spelling(_ high: UInt64, _ low: UInt64) -> String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            var position = 0
            func append(_ word: UInt64, nibbles: Int, endingAt shift: Int) {
                for index in 0..<nibbles {
                    let nibble = UInt8(truncatingIfNeeded: word >> (shift + 4 * (nibbles - 1 - index))) & 0xf
                    buffer[position] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
                    position += 1
                }
            }
            func hyphen() {
                buffer[position] = UInt8(ascii: "-")
                position += 1
            }
            append(high, nibbles: 8, endingAt: 32)
            hyphen()
            append(high, nibbles: 4, endingAt: 16)
            hyphen()
            append(high, nibbles: 4, endingAt: 0)
            hyphen()
            append(low, nibbles: 4, endingAt: 48)
            hyphen()
            append(low, nibbles: 12, endingAt: 0)
            return position
        }
    }
}
