/// Redirect URIs: checked by RFC 3986 once, when they are registered, and from then on only compared as bytes (RFC 9700
/// section 4.1.3).
package enum RedirectURI {
    /// Longest URI that is registered or looked at.
    package static let maximumBytes = 2048

    /// Why a URI cannot be registered, for the person who registers it.
    package struct Problem: Error, Sendable, Equatable {
        package let text: String
    }

    /// Checks a URI before it is registered: `https`; `http` on a loopback address for native clients or on the test
    /// hosts of a setting; a private scheme in reverse-domain form for native clients (RFC 8252). No fragment, user
    /// info, wildcard, dot segment, control or non-ASCII character.
    package static func check(_ uri: String, isNative: Bool, testHosts: [String]) throws(Problem) {
        let parts = try split(uri)
        switch parts.scheme {
        case "https":
            break
        case "http":
            guard testHosts.contains(where: { nameEquals($0, parts.host) }) || (isNative && isLoopback(parts.host))
            else {
                throw Problem(
                    text:
                        "http is only for loopback addresses of native clients and for hosts of the setting test_hosts")
            }
        default:
            guard isNative, parts.scheme.utf8.contains(UInt8(ascii: ".")) else {
                throw Problem(
                    text:
                        "the scheme must be https, or for native clients a reverse domain name such as id.go.contoh.app"
                )
            }
            return
        }
        guard !parts.host.isEmpty else { throw Problem(text: "the host is missing") }
        guard !parts.host.utf8.contains(UInt8(ascii: "@")), !parts.hasUserInfo else {
            throw Problem(text: "user names do not belong in a redirect URI")
        }
        guard
            !parts.host.utf8.elementsEqual("localhost".utf8) || testHosts.contains("localhost")
                || parts.scheme == "https"
        else {
            throw Problem(text: "localhost is not a loopback address; register 127.0.0.1 or [::1]")
        }
        guard parts.host.utf8.last != UInt8(ascii: ".") else { throw Problem(text: "the host ends in a dot") }
        // It stands in a Content-Security-Policy of ours, where `;` begins a directive.
        guard parts.host.utf8.first == UInt8(ascii: "[") || parts.host.utf8.allSatisfy(isNameCharacter) else {
            throw Problem(text: "the host has characters that no name of a host has")
        }
    }

    /// The host of a registered address, in small letters and without its port.
    package static func host(of uri: String) -> String? {
        guard let parts = try? split(uri), !parts.host.isEmpty else { return nil }
        return asciiLowercase(parts.host)
    }

    /// Whether what a request sent is what the client registered. Native clients may send any port with a registered
    /// loopback address.
    package static func matches(_ sent: String, registered: [ExactText], isNative: Bool) -> Bool {
        let exact = ExactText(sent)
        if registered.contains(exact) { return true }
        guard isNative, sent.utf8.count <= maximumBytes, let portless = withoutLoopbackPort(sent) else { return false }
        return registered.contains { withoutLoopbackPort($0.text)?.isExactly(portless) == true }
    }

    /// `http://127.0.0.1:51004/cb` without its port; nothing for anything but `http` on a loopback address.
    private static func withoutLoopbackPort(_ uri: String) -> String? {
        for host in ["http://127.0.0.1", "http://[::1]"] where uri.utf8.starts(with: host.utf8) {
            var rest = uri.utf8.dropFirst(host.utf8.count)
            let port = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
            guard port.isEmpty || isPort(port) else { return nil }
            rest = rest.dropFirst(port.count)
            return host + String(Substring(rest))
        }
        return nil
    }

    // MARK: RFC 3986, by bytes

    private struct Parts {
        var scheme: String
        var host: String
        var hasUserInfo: Bool
    }

    private static func split(_ uri: String) throws(Problem) -> Parts {
        let bytes = Array(uri.utf8)
        guard !bytes.isEmpty, bytes.count <= maximumBytes else {
            throw Problem(text: "it is empty or longer than \(maximumBytes) bytes")
        }
        guard bytes.allSatisfy({ isURICharacter($0) }) else {
            throw Problem(text: "it has characters that a URI must write as %XX")
        }
        guard percentsAreWhole(bytes) else { throw Problem(text: "% must be followed by two hexadecimal digits") }
        guard !bytes.contains(UInt8(ascii: "#")) else { throw Problem(text: "a fragment (#) is not allowed") }
        guard !bytes.contains(UInt8(ascii: "*")) else {
            throw Problem(text: "wildcards (*) are not supported; register every URI in full")
        }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0,
            let first = bytes.first, (0x61...0x7a).contains(first),
            bytes[..<colon].allSatisfy({
                (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2b || $0 == 0x2d || $0 == 0x2e
            })
        else { throw Problem(text: "it must begin with a scheme in lower case, such as https:") }
        let scheme = String(decoding: bytes[..<colon], as: UTF8.self)
        let rest = bytes[(colon + 1)...]
        let hasAuthority = rest.starts(with: "//".utf8)
        let authority = hasAuthority ? rest.dropFirst(2).prefix { !"/?".utf8.contains($0) } : rest.prefix(0)
        let path = rest.dropFirst(hasAuthority ? 2 + authority.count : 0).prefix { $0 != UInt8(ascii: "?") }
        for segment in path.split(separator: UInt8(ascii: "/")) {
            let text = String(decoding: segment, as: UTF8.self)
            if [".", "..", "%2e", "%2e%2e", ".%2e", "%2e."].contains(where: { nameEquals($0, text) })
                || text.utf8.starts(with: "..;".utf8)
            {
                throw Problem(text: "dot segments are not allowed in the path")
            }
        }
        guard hasAuthority else { return Parts(scheme: scheme, host: "", hasUserInfo: false) }
        if authority.contains(UInt8(ascii: "%")) { throw Problem(text: "the host must not be percent-encoded") }
        let hasUserInfo = authority.contains(UInt8(ascii: "@"))
        guard !authority.contains(where: { (0x41...0x5a).contains($0) }) else {
            throw Problem(text: "the host must be in lower case")
        }
        let host: ArraySlice<UInt8>
        if authority.first == UInt8(ascii: "[") {
            guard let end = authority.firstIndex(of: UInt8(ascii: "]")) else {
                throw Problem(text: "the IPv6 address is not closed by ]")
            }
            host = authority[...end]
            let address = IPAddress(String(decoding: host.dropFirst().dropLast(), as: UTF8.self))
            guard address != nil, host.contains(UInt8(ascii: ":")) else {
                throw Problem(text: "between [ and ] belongs an IPv6 address")
            }
        } else {
            host = authority.prefix { $0 != UInt8(ascii: ":") }
            guard !host.contains(where: { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "]") }) else {
                throw Problem(text: "[ and ] in the host belong around an IPv6 address only")
            }
        }
        let afterHost = authority.dropFirst(host.count)
        guard afterHost.isEmpty || isPort(afterHost) else {
            throw Problem(text: "after the host stands something that is no port from 1 to 65535")
        }
        return Parts(scheme: scheme, host: String(decoding: host, as: UTF8.self), hasUserInfo: hasUserInfo)
    }

    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2d || byte == 0x2e
    }

    /// `:` and digits only: `Int` would also read `+443`.
    private static func isPort(_ bytes: some Collection<UInt8>) -> Bool {
        let digits = bytes.dropFirst()
        guard bytes.first == UInt8(ascii: ":"), digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(String(decoding: digits, as: UTF8.self))
        else { return false }
        return (1...65535).contains(number)
    }

    private static func isURICharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7a, 0x41...0x5a, 0x30...0x39: true
        default: "-._~:/?#[]@!$&'()*+,;=%".utf8.contains(byte)
        }
    }

    private static func percentsAreWhole(_ bytes: [UInt8]) -> Bool {
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "%") {
            guard index + 2 < bytes.count, bytes[index + 1].hexadecimalValue != nil,
                bytes[index + 2].hexadecimalValue != nil
            else { return false }
        }
        return true
    }

    /// Whether a host is this machine itself, as an address.
    package static func isLoopback(_ host: String) -> Bool {
        host.isExactly("127.0.0.1") || host.isExactly("[::1]")
    }

    private static func nameEquals(_ left: String, _ right: String) -> Bool {
        asciiLowercase(left).isExactly(asciiLowercase(right))
    }
}
