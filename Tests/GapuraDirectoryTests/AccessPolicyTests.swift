import GapuraStore
import Testing

@testable import GapuraDirectory

/// Who may use an application.
@Suite("Access rules")
struct AccessPolicyTests {
    private func rule(_ kind: AccessRule.Kind, _ value: String) -> AccessRule { AccessRule(kind: kind, value: value) }

    private func admits(_ kind: EmployeeKind, _ path: String?, _ rules: [AccessRule]) -> Bool {
        AccessPolicy.admits(AccessPolicy.Subject(employeeKind: kind, unitPath: path), rules: rules)
    }

    @Test("no rule admits everybody, without a unit too")
    func none() {
        for kind in EmployeeKind.allCases {
            #expect(admits(kind, nil, []))
            #expect(admits(kind, "a/b/", []))
        }
    }

    @Test("a place admits its whole subtree, and nothing beside or above it")
    func places() {
        for kind in [AccessRule.Kind.agency, .unit] {
            #expect(admits(.pns, "kota/setda/hukum/", [rule(kind, "setda")]))
            #expect(admits(.pns, "kota/setda/hukum/", [rule(kind, "hukum")]))
            #expect(admits(.pns, "kota/setda/hukum/", [rule(kind, "kota")]))
            #expect(!admits(.pns, "kota/setda/", [rule(kind, "hukum")]))
            #expect(!admits(.pns, "kota/dinkes/", [rule(kind, "setda")]))
            #expect(!admits(.pns, nil, [rule(kind, "setda")]))
        }
    }

    @Test("ids are compared whole and as bytes: no prefix, no part, no other normal form")
    func bytes() {
        for value in ["set", "setda2", "setda/", "/setda", "kota/setda", "", "SETDA", "se\u{301}tda"] {
            #expect(!admits(.pns, "kota/setda/s\u{e9}tda/", [rule(.unit, value)]), "\(value)")
        }
    }

    @Test("rules of one sort are alternatives, sorts must all hold")
    func sorts() {
        let rules = [
            rule(.unit, "setda"), rule(.agency, "dinkes"), rule(.employeeKind, "PNS"), rule(.employeeKind, "PPPK"),
        ]
        #expect(admits(.pns, "kota/setda/", rules))
        #expect(admits(.pppk, "kota/dinkes/puskesmas/", rules))
        #expect(!admits(.cpns, "kota/setda/", rules))
        #expect(!admits(.pns, "kota/dishub/", rules))
        #expect(!admits(.pns, nil, rules))
        #expect(admits(.nonASN, nil, [rule(.employeeKind, "NON_ASN")]))
        #expect(!admits(.pns, "kota/", [rule(.employeeKind, "pns")]))
    }
}
