import GapuraFormats

extension IPAddress {
    /// From the bytes of a socket address; nil unless there are 4 or 16. IPv4 in IPv6 clothes (`::ffff:a.b.c.d`) is
    /// IPv4.
    init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        let text = bytes.count == 4 ? bytes.map(String.init).joined(separator: ".") : Self.groups(bytes)
        self.init(text)
    }

    var isIPv4: Bool { bytes.count == 4 }

    private static func groups(_ bytes: [UInt8]) -> String {
        stride(from: 0, to: 16, by: 2).map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }.joined(
            separator: ":")
    }
}

/// Which addresses the gateway calls: public ones, and the networks that a setting lists (design decision 21).
struct OutgoingGuard: Sendable {
    /// The city's own networks.
    let networks: [Network]

    /// - Throws: `OutgoingError.badSetting` for an entry that is not a network.
    init(networks texts: [String]) throws {
        networks = try texts.map { text in
            guard let network = Network(text) else {
                throw OutgoingError(.badSetting, "outgoingNetworks: not an address or network: \(text)")
            }
            return network
        }
    }

    func allows(_ address: IPAddress) -> Bool {
        // Nobody's address and everybody's: no list opens these.
        if Self.never.contains(where: { $0.contains(address) }) { return false }
        if networks.contains(where: { $0.contains(address) }) { return true }
        if address.isIPv4 { return !Self.closed4.contains { $0.contains(address) } }
        // NAT64 carries an IPv4 address in its last four bytes, RFC 6052.
        if let nat64 = Self.nat64, nat64.contains(address), let inner = IPAddress(bytes: Array(address.bytes.suffix(4)))
        {
            return allows(inner)
        }
        guard let unicast = Self.unicast6, unicast.contains(address) else { return false }
        return !Self.closed6.contains { $0.contains(address) }
    }

    private static let never = ["0.0.0.0/8", "224.0.0.0/4", "255.255.255.255", "::", "ff00::/8"].compactMap {
        Network($0)
    }

    /// IANA's registry of special-purpose IPv4 addresses: private, carrier NAT, loopback, link-local (with the clouds'
    /// metadata), tests, benchmarks, reserved.
    private static let closed4 = [
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
    ].compactMap { Network($0) }

    private static let nat64 = Network("64:ff9b::/96")
    /// The only IPv6 space that is in public use; ULA, link-local, site-local, loopback and IPv4-compatible addresses
    /// are outside.
    private static let unicast6 = Network("2000::/3")
    /// Teredo and its neighbours, documentation, 6to4 (which carries any IPv4 address).
    private static let closed6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"].compactMap { Network($0) }
}

/// An `http` or `https` URL that the gateway calls, read strictly: nothing is repaired, so nothing else can read it
/// otherwise.
struct OutgoingURL: Equatable, Sendable {
    let isSecure: Bool
    /// Lower case, without brackets.
    let host: String
    let port: Int?
    /// With the query; begins with `/`.
    let path: String
    /// Where the host is an address itself.
    let address: IPAddress?

    /// - Throws: `OutgoingError.badURL`.
    init(_ text: String) throws {
        guard text.utf8.count <= 2048,
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !Self.neverInURL.contains($0) })
        else {
            throw Self.error("characters that no URL has")
        }
        let secure = Self.dropping("https://", text[...].utf8)
        guard let rest = secure ?? Self.dropping("http://", text[...].utf8) else {
            throw Self.error("not http or https")
        }
        isSecure = secure != nil
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        let tail = String(Substring(rest[end...]))
        path = tail.hasPrefix("/") ? tail : "/" + tail
        (host, port, address) = try Self.authority(rest[..<end])
    }

    /// Put together again from what was understood.
    var text: String {
        let host = address?.isIPv4 == false ? "[\(host)]" : host
        return "\(isSecure ? "https" : "http")://\(host)\(port.map { ":\($0)" } ?? "")\(path)"
    }

    /// `"`, `#`, `<`, `>`, `\`, `^`, backtick, `{`, `|`, `}`: RFC 3986 has none of them in a URL without fragment.
    private static let neverInURL = Set("\"#<>\\^`{|}".utf8)

    private static func error(_ reason: String) -> OutgoingError {
        OutgoingError(.badURL, reason)
    }

    /// Schemes have no case.
    private static func dropping(_ prefix: String, _ text: Substring.UTF8View) -> Substring.UTF8View? {
        let start = text.prefix(prefix.utf8.count)
        guard start.elementsEqual(prefix.utf8, by: { Self.lower($0) == $1 }) else { return nil }
        return text[start.endIndex...]
    }

    private static func authority(_ text: Substring.UTF8View) throws -> (String, Int?, IPAddress?) {
        var text = text
        var port: Int?
        var address: IPAddress?
        let host: String
        if text.first == UInt8(ascii: "[") {
            guard let close = text.firstIndex(of: UInt8(ascii: "]")), text[..<close].contains(UInt8(ascii: ":")),
                let literal = IPAddress(String(Substring(text[text.index(after: text.startIndex)..<close])))
            else { throw error("not an IPv6 address") }
            address = literal
            // An IPv4 address in IPv6 clothes is called by its own name.
            host = literal.description
            text = text[text.index(after: close)...]
        } else {
            let end = text.firstIndex(of: UInt8(ascii: ":")) ?? text.endIndex
            host = String(decoding: text[..<end].map(lower), as: UTF8.self)
            try check(name: host)
            address = IPAddress(host)
            try check(number: host, address)
            text = text[end...]
        }
        if !text.isEmpty {
            let digits = text.dropFirst()
            guard text.first == UInt8(ascii: ":"), (1...5).contains(digits.count), digits.allSatisfy(isDigit),
                let number = Int(Substring(digits)), (1...65_535).contains(number)
            else { throw error("not a port") }
            port = number
        }
        return (host, port, address)
    }

    private static func check(name: String) throws {
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            (1...63).contains(label.count)
                && label.allSatisfy {
                    isDigit($0) || (0x61...0x7a).contains($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                }
        }
        guard isName, name.utf8.count <= 253 else { throw error("not a host name") }
    }

    /// `2130706433`, `0x7f.1`, `017700000001`, `127.1`: no name ends in a number, and the C library would read each as
    /// an address.
    private static func check(number name: String, _ address: IPAddress?) throws {
        guard address == nil, let last = name.utf8.split(separator: UInt8(ascii: ".")).last else { return }
        let isHexadecimal = last.starts(with: "0x".utf8)
        guard !isHexadecimal, !last.allSatisfy(isDigit) else { throw error("an address in another spelling") }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte)
    }

    private static func lower(_ byte: UInt8) -> UInt8 {
        (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
    }
}

/// Why an outgoing call did not bring an answer. The reason is for the log, and holds neither path nor query of the
/// URL.
package struct OutgoingError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        case badSetting = "bad_setting"
        case badURL = "bad_url"
        /// The host has no address.
        case unresolved
        /// The host has an address that we do not call.
        case refusedAddress = "refused_address"
        case connection
        case tls
        case timeout
        case tooLarge = "too_large"
        /// An answer that is not HTTP, or is encoded though nothing asked for it.
        case badAnswer = "bad_answer"
        case closed
    }

    package let kind: Kind
    package let reason: String

    package init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }

    package var description: String { "\(kind.rawValue): \(reason)" }
}
