import GapuraFormats
import Testing

/// What fuzzing found; the attacks through HTTP are in `RedirectURIAttackTests`.
@Suite("Redirect URIs")
struct RedirectURITests {
    private func accepts(_ uri: String) -> Bool {
        (try? RedirectURI.check(uri, isNative: true, testHosts: [])) != nil
    }

    @Test("brackets in a host belong around an IPv6 address and nowhere else")
    func brackets() {
        #expect(accepts("https://[2001:db8::1]/cb"))
        #expect(accepts("https://[2001:db8::1]:8443/cb"))
        for host in ["]a", "a]", "a[b", "[evil.example]", "[127.0.0.1]", "[]", "[::1]]", "[[::1]", "[fe80::1%25eth0]"] {
            #expect(!accepts("https://\(host)/cb"), "\(host)")
        }
    }

    @Test("attack 38: dot segments are refused behind an empty authority too, and are none in a query")
    func dotSegments() {
        #expect(accepts("id.go.contoh.simpeg:///cb"))
        for path in ["/../cb", "/..", "/.", "/..;/cb", "/%2e%2E/cb"] {
            #expect(!accepts("id.go.contoh.simpeg://\(path)"), "\(path)")
            #expect(!accepts("id.go.contoh.simpeg://a\(path)"), "\(path)")
            #expect(!accepts("id.go.contoh.simpeg:\(path)"), "\(path)")
            #expect(!accepts("https://a\(path)"), "\(path)")
        }
        #expect(accepts("https://a/cb?b=/../c"))
    }

    @Test("attack 56: the port that a native client sends is one")
    func ports() {
        let registered: [ExactText] = ["http://127.0.0.1/cb", "http://[::1]/cb?a=1"]
        func matches(_ sent: String) -> Bool { RedirectURI.matches(sent, registered: registered, isNative: true) }
        #expect(matches("http://127.0.0.1:51004/cb") && matches("http://127.0.0.1:65535/cb"))
        #expect(matches("http://[::1]:1/cb?a=1"))
        for port in ["65536", "99999", "0", "", "+80", "123456"] {
            #expect(!matches("http://127.0.0.1:\(port)/cb"), "\(port)")
        }
    }
}
