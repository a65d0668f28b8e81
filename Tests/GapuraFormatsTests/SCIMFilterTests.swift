import GapuraFormats
import Testing

/// Filters and paths of RFC 7644 as pure text.
@Suite("SCIM: filters and paths")
struct SCIMFilterTests {
    private func compare(_ name: String, _ comparison: SCIMFilter.Comparison, _ value: JSONValue) -> SCIMFilter {
        .compare(SCIMAttributeName(name: name), comparison, value)
    }

    @Test("the examples of RFC 7644 section 3.4.2.2 mean what they say")
    func examples() throws {
        #expect(try SCIMFilter("userName eq \"bjensen\"") == compare("userName", .equal, "bjensen"))
        #expect(
            try SCIMFilter("name.familyName co \"O'Malley\"")
                == .compare(SCIMAttributeName(name: "name", sub: "familyName"), .contains, "O'Malley"))
        #expect(
            try SCIMFilter("urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"J\"")
                == .compare(
                    SCIMAttributeName(schema: "urn:ietf:params:scim:schemas:core:2.0:User", name: "userName"),
                    .startsWith, "J"))
        #expect(try SCIMFilter("title pr") == .present(SCIMAttributeName(name: "title")))
        #expect(
            try SCIMFilter("title pr and userType eq \"Employee\"")
                == .all([.present(SCIMAttributeName(name: "title")), compare("userType", .equal, "Employee")]))
        let left = compare("userType", .equal, "Employee")
        let emails = SCIMAttributeName(name: "emails")
        #expect(
            try SCIMFilter(
                "userType eq \"Employee\" and (emails co \"example.com\" or emails.value co \"example.org\")")
                == .all([
                    left,
                    .any([
                        .compare(emails, .contains, "example.com"),
                        .compare(SCIMAttributeName(name: "emails", sub: "value"), .contains, "example.org"),
                    ]),
                ]))
        #expect(
            try SCIMFilter("userType ne \"Employee\" and not (emails co \"example.com\")")
                == .all([compare("userType", .notEqual, "Employee"), .not(.compare(emails, .contains, "example.com"))]))
        #expect(
            try SCIMFilter("userType eq \"Employee\" and emails[type eq \"work\" and value co \"@example.com\"]")
                == .all([
                    left,
                    .element(
                        emails, .all([compare("type", .equal, "work"), compare("value", .contains, "@example.com")])),
                ]))
    }

    @Test("and binds closer than or; words have no case; values are JSON")
    func precedence() throws {
        let (a, b, c) = (compare("a", .equal, 1), compare("b", .equal, true), compare("c", .equal, .null))
        #expect(try SCIMFilter("a eq 1 or b EQ true AND c eq null") == .any([a, .all([b, c])]))
        #expect(try SCIMFilter("(a eq 1 OR b eq true) and c eq null") == .all([.any([a, b]), c]))
        #expect(try SCIMFilter("not(a eq 1)") == .not(a))
        #expect(try SCIMFilter(" ( a eq 1 ) ") == a)
        #expect(try SCIMFilter(#"a eq "x \" ) and \\""#) == compare("a", .equal, "x \" ) and \\"))
        #expect(try SCIMFilter("android eq 1") == compare("android", .equal, 1))
    }

    @Test(
        "what is no filter is refused with the place",
        arguments: [
            "", " ", "a", "a eq", "a eq x", "a eq \"x", "a eq \"x\"\"", "eq 1", "a xx 1", "a eq 1 and", "and a eq 1",
            "(a eq 1",
            "a eq 1)", "a[b eq 1", "a[]", "not a eq 1", "a eq {}", "a eq [1]", "a.b.c eq 1", "1a eq 1", "a eq 1 b eq 2",
            "a..b pr",
            "urn:x pr pr", "x:y eq 1", "a eq 'x'", "a\teq 1", "a pr or", "a eq 01",
        ])
    func wrong(_ text: String) {
        #expect(throws: SCIMSyntaxError.self) { try SCIMFilter(text) }
    }

    @Test("attack 233: depth and length are counted before anything is read that deep")
    func depth() throws {
        func nested(_ depth: Int, _ open: String = "(", _ close: String = ")") -> String {
            String(repeating: open, count: depth) + "a pr" + String(repeating: close, count: depth)
        }
        #expect(throws: Never.self) { try SCIMFilter(nested(16)) }
        #expect(throws: Never.self) { try SCIMFilter(nested(16, "not (")) }
        for text in [
            nested(17), nested(17, "not ("), nested(500), nested(10_000), nested(10_000, "not ("),
            nested(9000, "a[", "]"),
        ] {
            let error = #expect(throws: SCIMSyntaxError.self) { try SCIMFilter(text) }
            #expect(error?.isTooLong == true)
        }
        // Long chains are wide and not deep.
        let chain = Array(repeating: "a pr", count: 140).joined(separator: " or ")
        #expect(chain.utf8.count > 1000)
        #expect(throws: Never.self) { try SCIMFilter(String(chain.prefix(1020))) }
        #expect(throws: SCIMSyntaxError.self) { try SCIMFilter(chain + chain) }
    }

    @Test("paths of RFC 7644 section 3.5.2")
    func paths() throws {
        #expect(try SCIMPath("members") == SCIMPath(whole: SCIMAttributeName(name: "members")))
        #expect(try SCIMPath("name.familyName").attribute.sub == "familyName")
        let work = try SCIMPath("addresses[type eq \"work\"]")
        #expect(work.filter == compare("type", .equal, "work") && work.sub == nil)
        #expect(try SCIMPath("members[value eq \"2819\"].displayName").sub == "displayName")
        for text in ["", "a[b eq 1", "a[b eq 1].", "a[b eq 1].c.d", "a b", "a[b eq 1] x", "[a pr]", "a.", ".a", "/a"] {
            #expect(throws: SCIMSyntaxError.self) { try SCIMPath(text) }
        }
    }
}

/// Moments of RFC 3339.
@Suite("Moments: ISO 8601")
struct ISO8601Tests {
    @Test("moments are read to the millisecond, in any offset")
    func read() {
        #expect(Timestamp(iso8601: "1970-01-01T00:00:00Z")?.milliseconds == 0)
        #expect(Timestamp(iso8601: "2026-11-26T19:13:47.250Z")?.milliseconds == 1_795_720_427_250)
        #expect(Timestamp(iso8601: "2026-11-27T02:13:47+07:00")?.milliseconds == 1_795_720_427_000)
        #expect(Timestamp(iso8601: "2024-02-29T23:59:59.9999z") == Timestamp(milliseconds: 1_709_251_199_999))
        #expect(Timestamp(iso8601: "1879-08-22T00:00:00-01:30")?.milliseconds == -2_851_540_200_000)
        for text in [
            "", "2026-11-26", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-26T24:00:00Z",
            "2026-11-26T00:00:00",
            "2026-11-26T00:00:00.Z", "2026-11-26T00:00:00+7", "2026-11-26 00:00:00Z", "2026-11-26T00:00:00Zx",
            "-026-11-26T00:00:00Z",
        ] {
            #expect(Timestamp(iso8601: text) == nil, "\(text)")
        }
    }
}
