/// Where a link or a form of ours may lead. Escaping keeps a value inside its attribute; only this keeps `javascript:`
/// out of it.
enum SafeLink {
    /// `path` if it is a path of this gateway: it begins with one slash, and a browser cannot read it as another host.
    static func ownPath(_ path: String) -> String? {
        let bytes = Array(path.utf8)
        guard bytes.first == UInt8(ascii: "/"), isPlain(bytes) else { return nil }
        let second = bytes.dropFirst().first
        return second == UInt8(ascii: "/") ? nil : path
    }

    /// `address` if it is an own path or an absolute `http` or `https` address.
    static func web(_ address: String) -> String? {
        if let path = ownPath(address) { return path }
        let bytes = Array(address.utf8)
        guard isPlain(bytes) else { return nil }
        let beginning = bytes.prefix(8).map { 0x41...0x5a ~= $0 ? $0 + 0x20 : $0 }
        return beginning.starts(with: "https://".utf8) || beginning.starts(with: "http://".utf8) ? address : nil
    }

    /// `address` as a client may register it to come back to: as `web`, or with an application's own scheme, which is a
    /// domain name in reverse (RFC 8252 section 7.1) and so never `javascript`.
    static func registered(_ address: String) -> String? {
        if let address = web(address) { return address }
        let bytes = Array(address.utf8)
        let scheme = bytes.prefix { $0 != UInt8(ascii: ":") }
        let isOwn =
            scheme.count < bytes.count && scheme.contains(UInt8(ascii: "."))
            && scheme.allSatisfy { 0x61...0x7a ~= $0 || 0x30...0x39 ~= $0 || [0x2b, 0x2d, 0x2e].contains($0) }
        return isOwn && isPlain(bytes) ? address : nil
    }

    /// No spaces, no control characters, no backslash: whatever browsers repair before they read an address.
    private static func isPlain(_ bytes: [UInt8]) -> Bool {
        bytes.allSatisfy { $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "\\") }
    }
}
