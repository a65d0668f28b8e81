/// The proxies whose `X-Forwarded-For` counts.
package struct TrustedProxies: Sendable {
    private let networks: [Network]
    /// More hops than any chain of proxies has.
    private static let mostHops = 32

    package init(_ networks: [Network]) {
        self.networks = networks
    }

    /// Where a request came from: the peer, or, if the peer is a trusted proxy, the right-most hop of the header's lines
    /// that is not one.
    package func source(peer: String, forwarded: [String]) -> String {
        guard contains(peer), !forwarded.isEmpty else { return peer }
        var candidate = peer
        // From the right: each hop was written by the one after it.
        for hop in forwarded.joined(separator: ",").utf8.split(separator: UInt8(ascii: ",")).suffix(Self.mostHops)
            .reversed()
        {
            let text = String(decoding: hop.filter { $0 != 0x20 && $0 != 0x09 }, as: UTF8.self)
            guard let address = IPAddress(text) else { return candidate }
            candidate = address.description
            if !contains(candidate) { return candidate }
        }
        return candidate
    }

    /// Whether an address is one of theirs.
    package func contains(_ text: String) -> Bool {
        guard let address = IPAddress(text) else { return false }
        return networks.contains { $0.contains(address) }
    }
}
