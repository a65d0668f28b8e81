import Testing

@testable import Gapura

@Suite("Scopes")
struct ScopeTests {
    @Test(
        "a list holds a scope where one of its words is it, whole and to the letter",
        arguments: [
            ("openid", true), ("openid asn", true), ("asn openid", true), ("asn  openid ", true), (" openid", true),
            ("", false), (" ", false), ("openid2", false), ("xopenid", false), ("open id", false), ("OPENID", false),
            ("asn", false), ("openid\t", false), ("asn openid.x", false),
        ])
    func holds(_ list: String, _ isThere: Bool) {
        #expect(list.holds(.openid) == isThere)
    }

    @Test("each scope is found among all of them, and missed where it is left out")
    func each() {
        for scope in Scope.allCases {
            let others = Scope.allCases.filter { $0 != scope }.map(\.rawValue)
            #expect((others + [scope.rawValue]).joined(separator: " ").holds(scope))
            #expect(!others.joined(separator: " ").holds(scope))
        }
    }
}
