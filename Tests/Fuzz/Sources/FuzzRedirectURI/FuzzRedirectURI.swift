import Fuzzing
import GapuraFormats

/// Lines: a URI to register, then one that a request sends.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let registered = String(decoding: input.line(), as: UTF8.self)
    let sent = String(decoding: input.line(), as: UTF8.self)
    for isNative in [false, true] {
        for testHosts in [[], ["localhost", "simpeg.test"]] {
            guard accepts(registered, isNative, testHosts) else { continue }
            check(accepts(registered, isNative, testHosts), "the same URI is accepted twice")
            shape(registered, isNative, testHosts)
            compare(sent, registered, isNative, testHosts)
        }
    }
    check(!accepts(registered, false, []) || accepts(registered, true, ["localhost"]), "more rights refuse nothing")
    return 0
}

private func accepts(_ uri: String, _ isNative: Bool, _ testHosts: [String]) -> Bool {
    (try? RedirectURI.check(uri, isNative: isNative, testHosts: testHosts)) != nil
}

/// What every accepted URI is, looked at by other means than the product's.
private func shape(_ uri: String, _ isNative: Bool, _ testHosts: [String]) {
    let bytes = Array(uri.utf8)
    check(bytes.count <= RedirectURI.maximumBytes, "no longer than the limit")
    check(bytes.allSatisfy { (0x21...0x7e).contains($0) }, "no control character, no white space, plain ASCII")
    check(!bytes.contains { #"#*\"<>^`{|}"#.utf8.contains($0) }, "no fragment, wildcard or character of no URI")
    var path = uri.drop { $0 != ":" }.dropFirst().prefix { $0 != "?" }.lowercased()[...]
    if path.hasPrefix("//") { path = path.dropFirst(2).drop { $0 != "/" } }
    check(!["/../", "/./", "/%2e%2e/", "/..;/"].contains { "/\(path)/".contains($0) }, "no dot segments")
    let isSecure = uri.hasPrefix("https://")
    guard isSecure || uri.hasPrefix("http://") else {
        check(isNative && uri.prefix { $0 != ":" }.contains("."), "another scheme is a native client's, and has a dot")
        return
    }
    let authority = uri.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" && $0 != "?" }
    check(!authority.contains { "@%".contains($0) }, "no user name and no escape stands before or in the host")
    guard let host = RedirectURI.host(of: uri) else { return check(false, "an accepted URI has a host") }
    check(!host.isEmpty && authority.hasPrefix(host), "the host is what the authority begins with")
    let port = authority.dropFirst(host.count)
    check(port.isEmpty || (1...65535).contains(Int(port.dropFirst()) ?? 0) && port.first == ":", "a port is a port")
    if host.hasPrefix("[") {
        check(IPAddress(String(host.dropFirst().dropLast())) != nil && host.hasSuffix("]"), "brackets hold an address")
        check(host.contains(":"), "of IPv6")
    } else {
        let letters = "abcdefghijklmnopqrstuvwxyz0123456789.-_~!$&'()*+,;="
        check(host.allSatisfy { letters.contains($0) } && !host.hasSuffix("."), "a host is a name or an address")
    }
    if !isSecure {
        let loopback = ["127.0.0.1", "[::1]"]
        check(testHosts.contains(host) || isNative && loopback.contains(host), "http is for loopback and test hosts")
    }
}

private func compare(_ sent: String, _ registered: String, _ isNative: Bool, _ testHosts: [String]) {
    let list = [ExactText(registered)]
    check(RedirectURI.matches(registered, registered: list, isNative: isNative), "a registered URI matches itself")
    guard RedirectURI.matches(sent, registered: list, isNative: isNative), !sent.isExactly(registered) else { return }
    check(isNative, "only a native client may send another URI than it registered")
    check(accepts(sent, isNative, testHosts), "what matches could be registered as well")
    check(portless(sent).isExactly(portless(registered)), "only the port may differ")
    check(["127.0.0.1", "[::1]"].contains(RedirectURI.host(of: sent)), "and only that of a loopback address")
}

private func portless(_ uri: String) -> String {
    guard let host = RedirectURI.host(of: uri), let range = uri.range(of: host) else { return uri }
    let rest = uri[range.upperBound...]
    return String(uri[..<range.upperBound]) + String(rest.hasPrefix(":") ? rest.dropFirst().drop { $0.isNumber } : rest)
}

extension String {
    /// Without Foundation.
    fileprivate func range(of part: String) -> Range<Index>? {
        indices.first { self[$0...].hasPrefix(part) }.map { $0..<index($0, offsetBy: part.count) }
    }

    fileprivate func contains(_ part: String) -> Bool { range(of: part) != nil }
}
