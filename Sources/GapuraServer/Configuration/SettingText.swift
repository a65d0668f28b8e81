import GapuraFormats

/// The small texts that settings are made of.
enum SettingText {
    /// `90s`, `15m`, `12h`, `30d`; nothing else, so that nobody writes minutes and gets seconds.
    static func seconds(_ text: String) -> Int64? {
        guard let unit = text.utf8.last, let count = digits(String(text.dropLast())) else { return nil }
        let factor: Int64
        switch unit {
        case UInt8(ascii: "s"): factor = 1
        case UInt8(ascii: "m"): factor = 60
        case UInt8(ascii: "h"): factor = 3600
        case UInt8(ascii: "d"): factor = 86_400
        default: return nil
        }
        let (product, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }

    /// The shortest spelling of seconds.
    static func duration(_ seconds: Int64) -> String {
        for (unit, factor) in [("d", Int64(86_400)), ("h", 3600), ("m", 60)]
        where seconds >= factor && seconds.isMultiple(of: factor) {
            // 24h reads better than 1d.
            if unit == "d", seconds < 2 * factor { continue }
            return "\(seconds / factor)\(unit)"
        }
        return "\(seconds)s"
    }

    /// A whole number in ASCII digits, without a sign.
    static func digits(_ text: String) -> Int64? {
        guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text)
    }

    /// Something, and no control characters.
    static func isPrintable(_ text: String) -> Bool {
        !text.isEmpty && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    }

    /// `#rrggbb`.
    static func isColour(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.count == 7 && bytes.first == UInt8(ascii: "#") && bytes.dropFirst().allSatisfy(isHexadecimal)
    }

    /// `host:port`, `[::1]:port`.
    static func address(_ text: String) -> (host: String, port: Int)? {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")),
            let port = digits(String(text[text.utf8.index(after: colon)...])).flatMap({ Int(exactly: $0) }),
            (0...65535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.utf8.first == UInt8(ascii: "["), host.utf8.last == UInt8(ascii: "]") {
            host = String(host.dropFirst().dropLast())
            return isAddressIPv6(host) ? (host, port) : nil
        }
        return isHost(host) ? (host, port) : nil
    }

    /// Letters, digits, dots and hyphens.
    static func isHost(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (1...253).contains(bytes.count) else { return false }
        return bytes.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    /// An address, or `address/prefix`.
    static func isNetwork(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            String(Substring($0))
        }
        guard let address = parts.first, parts.count <= 2 else { return false }
        let isVersion6 = isAddressIPv6(address)
        guard isVersion6 || isAddressIPv4(address) else { return false }
        guard parts.count == 2 else { return true }
        guard let prefix = parts.last.flatMap(digits) else { return false }
        return prefix <= (isVersion6 ? 128 : 32)
    }

    static func isAddressIPv4(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map {
            String(Substring($0))
        }
        return parts.count == 4 && parts.allSatisfy { part in (digits(part) ?? 256) <= 255 && part.utf8.count <= 3 }
    }

    /// Its characters and colons; the system decides the rest when it is used.
    static func isAddressIPv6(_ text: String) -> Bool {
        let colons = text.utf8.filter { $0 == UInt8(ascii: ":") }.count
        return (2...7).contains(colons) && text.utf8.count <= 45
            && text.utf8.allSatisfy { isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
    }

    /// An issuer: scheme, host and perhaps a port and a path, RFC 8414 section 2: no query, no fragment; no slash at
    /// its end.
    static func isOrigin(_ text: String) -> Bool {
        guard let rest = ["https://", "http://"].lazy.compactMap({ after($0, in: text) }).first, !rest.isEmpty,
            rest.utf8.count <= 200
        else {
            return false
        }
        let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        let authority = String(rest[..<slash])
        guard address(authority) != nil || isHost(authority) else { return false }
        let path = rest[slash...].utf8
        return path.last != UInt8(ascii: "/")
            && path.allSatisfy { isLetterOrDigit($0) || "/-._~".utf8.contains($0) }
    }

    /// The host of an issuer that `isOrigin` accepted.
    static func host(ofOrigin text: String) -> String {
        let rest = ["https://", "http://"].lazy.compactMap { after($0, in: text) }.first ?? text
        let authority = String(rest[..<(rest.utf8.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex)])
        return address(authority)?.host ?? authority
    }

    private static func after(_ prefix: String, in text: String) -> String? {
        text.utf8.starts(with: prefix.utf8) ? String(Substring(text.utf8.dropFirst(prefix.utf8.count))) : nil
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }
}
