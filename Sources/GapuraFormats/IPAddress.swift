#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An IPv4 or IPv6 address as its bytes; IPv4-mapped IPv6 counts as IPv4.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    package let bytes: [UInt8]

    package init?(_ text: String) {
        // C would stop reading there.
        guard !text.utf8.contains(0) else { return nil }
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = withUnsafeBytes(of: &four) { Array($0) }
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            let all = withUnsafeBytes(of: &six) { Array($0) }
            let isMapped = all.prefix(10).allSatisfy { $0 == 0 } && all[10] == 0xff && all[11] == 0xff
            bytes = isMapped ? Array(all.suffix(4)) : all
        } else {
            return nil
        }
    }

    /// The network an address belongs to, as a key: /24 of IPv4, /64 of IPv6. What is no address is its own network.
    package static func network(of text: String) -> String { key(of: text, four: 3, six: 8) }

    /// The one line an address stands for, as a key: the address; of IPv6 its /64.
    package static func place(of text: String) -> String { key(of: text, four: 4, six: 8) }

    /// An address as its first bytes, so many of IPv4 and of IPv6. What is no address is its own key.
    ///
    /// Of IPv6 one line has a /64 at least, and whoever asks for it a /48.
    package static func key(of text: String, four: Int, six: Int) -> String {
        guard let address = IPAddress(text) else { return text }
        return address.bytes.prefix(address.bytes.count == 4 ? four : six).map(String.init).joined(separator: ".")
    }

    package var description: String {
        if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
        var six = in6_addr()
        withUnsafeMutableBytes(of: &six) { $0.copyBytes(from: bytes) }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &six, &text, socklen_t(text.count)) != nil else { return "-" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A network in CIDR notation, or one address.
package struct Network: Hashable, Sendable {
    let address: IPAddress
    let bits: Int

    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let first = parts.first, let address = IPAddress(first) else { return nil }
        self.address = address
        if parts.count == 1 {
            bits = address.bytes.count * 8
        } else {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let bits = Int(parts[1]),
                (0...address.bytes.count * 8).contains(bits)
            else { return nil }
            self.bits = bits
        }
    }

    package func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.bytes.count else { return false }
        for (index, (mine, its)) in zip(address.bytes, other.bytes).enumerated() {
            let left = bits - index * 8
            if left <= 0 { return true }
            let mask: UInt8 = left >= 8 ? 0xff : ~(0xff >> UInt8(left))
            if mine & mask != its & mask { return false }
        }
        return true
    }
}
