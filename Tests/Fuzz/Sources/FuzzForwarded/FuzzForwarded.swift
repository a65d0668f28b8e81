import Fuzzing
import GapuraFormats

private let networks = ["10.0.0.0/8", "192.0.2.1", "2001:db8::/33", "0.0.0.0/0"].compactMap { Network($0) }
private let proxies = TrustedProxies(Array(networks.prefix(3)))
private let everyone = TrustedProxies(networks)
private let nobody = TrustedProxies([])

/// The first line is the peer, every later one a line of `X-Forwarded-For`.
///
/// What somebody writes left of an address that is not a proxy's changes nothing; what is read is one spelling of an
/// address; a peer that is not a proxy is believed nothing.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let peer = String(decoding: input.line(), as: UTF8.self)
    var lines: [String] = []
    while !input.rest.isEmpty { lines.append(String(decoding: input.line(), as: UTF8.self)) }
    addresses(in: [peer] + lines)
    check(nobody.source(peer: peer, forwarded: lines).isExactly(peer), "without proxies the peer counts")
    for proxies in [proxies, everyone] {
        let source = proxies.source(peer: peer, forwarded: lines)
        check(
            source.isExactly(proxies.source(peer: peer, forwarded: [lines.joined(separator: ",")])),
            "lines are one list")
        if source.isExactly(peer) { continue }
        check(IPAddress(source)?.description.isExactly(source) == true, "an address in its one spelling")
        if !proxies.source(peer: source, forwarded: ["198.51.100.1"]).isExactly("198.51.100.1") {
            let more = proxies.source(peer: peer, forwarded: ["198.51.100.1, 10.0.0.1, ::1, \u{0}"] + lines)
            check(more.isExactly(source), "what stands left of a foreign hop changes nothing")
        }
    }
    return 0
}

private func addresses(in lines: [String]) {
    for text in lines.flatMap({ $0.split(separator: ",").map(String.init) }).prefix(64) {
        if let network = Network(text) {
            check(text.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "a network is plain ASCII")
            let address = IPAddress(String(text.prefix { $0 != "/" }))
            check(address.map { network.contains($0) } == true, "a network contains its own address")
        }
        guard let address = IPAddress(text) else {
            check(IPAddress.network(of: text).isExactly(text), "what is no address is its own network")
            continue
        }
        check(text.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "an address is plain ASCII")
        check(address.bytes.count == 4 || address.bytes.count == 16, "an address has 4 or 16 bytes")
        check(IPAddress(address.description) == address, "an address that is written is read back")
        for bits in [0, 1, 9, address.bytes.count * 8] {
            check(Network("\(address)/\(bits)")?.contains(address) == true, "a network contains its own address")
        }
        check(Network("\(address)/\(address.bytes.count * 8 + 1)") == nil, "no network has more bits than its address")
    }
}
