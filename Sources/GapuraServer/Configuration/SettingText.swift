import Gapura
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

    /// The address of a service: https, or http on this machine; without query, fragment and slash at its end.
    static func isService(_ text: String) -> Bool {
        let starts = ["https://", "http://localhost:", "http://127.0.0.1:"]
        guard text.utf8.count <= 1024, let start = starts.first(where: { text.utf8.starts(with: $0.utf8) }) else {
            return false
        }
        let rest = text.utf8.dropFirst(start.utf8.count)
        let others = Set("-._~:/%[]".utf8)
        return !rest.isEmpty && rest.first != UInt8(ascii: "/") && rest.last != UInt8(ascii: "/")
            && rest.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                default: others.contains(byte)
                }
            }
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
            return isBracketed(host) ? (host, port) : nil
        }
        return isHost(host) ? (host, port) : nil
    }

    /// A host name of letters, digits and hyphens between dots, or an IPv4 address: what ends in a number is one.
    static func isHost(_ text: String) -> Bool {
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            !label.isEmpty && label.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
        }
        guard isName, text.utf8.count <= 253, let last = labels.last else { return false }
        return !last.allSatisfy { (0x30...0x39).contains($0) } || IPAddress(text) != nil
    }

    /// What stands in brackets before a port: an IPv6 address.
    private static func isBracketed(_ text: String) -> Bool {
        text.utf8.contains(UInt8(ascii: ":")) && IPAddress(text) != nil
    }

    /// An issuer: scheme, host in lower case and perhaps a port that is not the scheme's own, and nothing behind it, so
    /// that it has one spelling and every path of the gateway stands below it.
    static func isOrigin(_ text: String) -> Bool {
        guard let origin = parts(ofOrigin: text) else { return false }
        let isLower = !text.utf8.contains { (0x41...0x5a).contains($0) }
        guard isLower, text.utf8.count <= 208 else { return false }
        guard let port = origin.port else { return true }
        return (1...65535).contains(port) && port != (origin.isSecure ? 443 : 80)
            && text.utf8.reversed().starts(with: ":\(port)".utf8.reversed())
    }

    /// The host of an issuer that `isOrigin` accepted.
    static func host(ofOrigin text: String) -> String {
        parts(ofOrigin: text)?.host ?? text
    }

    private static func parts(ofOrigin text: String) -> (isSecure: Bool, host: String, port: Int?)? {
        for (scheme, isSecure) in [("https://", true), ("http://", false)] {
            guard let authority = after(scheme, in: text) else { continue }
            if isHost(authority) { return (isSecure, authority, nil) }
            if authority.utf8.first == UInt8(ascii: "["), authority.utf8.last == UInt8(ascii: "]") {
                let host = String(authority.dropFirst().dropLast())
                return isBracketed(host) ? (isSecure, host, nil) : nil
            }
            return address(authority).map { (isSecure, $0.host, $0.port) }
        }
        return nil
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
