#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An sRGB colour with eight bits a channel.
package struct RGB: Sendable, Hashable {
    package let red: UInt8
    package let green: UInt8
    package let blue: UInt8

    package init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// Exactly `#rrggbb`, either case.
    package init?(hex: String) {
        let digits = Array(hex.utf8)
        guard digits.count == 7, digits.first == UInt8(ascii: "#") else { return nil }
        var value: UInt32 = 0
        for digit in digits.dropFirst() {
            switch digit {
            case 0x30...0x39: value = value << 4 | UInt32(digit - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(digit - 0x41 + 10)
            case 0x61...0x66: value = value << 4 | UInt32(digit - 0x61 + 10)
            default: return nil
            }
        }
        self.init(UInt8(value >> 16 & 0xff), UInt8(value >> 8 & 0xff), UInt8(value & 0xff))
    }

    package var hex: String {
        "#"
            + [red, green, blue].map { channel in
                let digits = String(channel, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }.joined()
    }

    /// `share` of `other` (0 to 1) mixed into this.
    package func mixed(with other: RGB, _ share: Double) -> RGB {
        func mix(_ one: UInt8, _ two: UInt8) -> UInt8 {
            UInt8(min(255, max(0, (Double(one) * (1 - share) + Double(two) * share).rounded())))
        }
        return RGB(mix(red, other.red), mix(green, other.green), mix(blue, other.blue))
    }

    /// The same hue with its strongest channel at full; grey and black become white.
    var brightest: RGB {
        let peak = Double(max(red, green, blue))
        guard peak > 0 else { return .white }
        func scaled(_ channel: UInt8) -> UInt8 { UInt8(min(255, (Double(channel) * 255 / peak).rounded())) }
        return RGB(scaled(red), scaled(green), scaled(blue))
    }

    /// Contrast ratio of WCAG 2.2, 1 to 21.
    package func contrast(with other: RGB) -> Double {
        let one = luminance
        let two = other.luminance
        return (max(one, two) + 0.05) / (min(one, two) + 0.05)
    }

    private var luminance: Double {
        func linear(_ channel: UInt8) -> Double {
            let value = Double(channel) / 255
            return value <= 0.040_45 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }
}

extension RGB {
    static let white = RGB(0xff, 0xff, 0xff)
    static let black = RGB(0, 0, 0)
    /// Our colour, for a city that sets none: the green of old copper.
    static let gapura = RGB(0x0b, 0x5f, 0x5a)
}
