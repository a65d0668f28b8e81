import Gapura
import Testing

@testable import GapuraPages

@Suite("Escaping")
struct EscapingTests {
    static let attacks: [String] = [
        "<script>alert(1)</script>",
        "\"><script>alert(1)</script>",
        "'><img src=x onerror=alert(1)>",
        "\" autofocus onfocus=alert(1) x=\"",
        "' onmouseover='alert(1)",
        // A combining mark makes one Character of itself and the delimiter before it.
        "<\u{301}script>alert(1)</script>",
        "\"\u{338} onfocus=alert(1) x=\"\u{338}",
        "<\u{200d}b>", "<\u{fe0f}b>", ">\u{20dd}<\u{20dd}i>",
        "a\r\n<b>\r\n\"x",
        "\u{0}<b>",
        "{{t.sign-in-title}}{{{csrf}}}{{&csrf}}{{%CONTENT_TYPE:TEXT}}",
        "{application}{name}{time}",
        "&lt;script&gt; &#60;b&#62; &amp",
        "</title></textarea></style><!--",
        "\u{202e}<b>evitagen",
        "javascript:alert(1)",
    ]

    @Test(
        "attack 145: text of others changes no tag and no attribute of any page", arguments: attacks, Language.allCases)
    func structureHolds(attack: String, language: Language) throws {
        let pages = try Samples.pages()
        for (harmless, hostile) in zip(Samples.hostile("harmless"), Samples.hostile(attack)) {
            let expected = Markup(try harmless.html(language, pages)).tags
            let html = try hostile.html(language, pages)
            #expect(Markup(html).tags == expected, "\(hostile.name)")
            #expect(!html.utf8.contains(0), "\(hostile.name)")
        }
    }

    @Test("attack 145: the city's own names are escaped as well", arguments: attacks)
    func brandingHolds(attack: String) throws {
        let sample = try #require(Samples.ordinary.first)
        let expected = Markup(try sample.html(.indonesian, Samples.pages(Branding(cityName: "a", contact: "b")))).tags
        let pages = try Samples.pages(Branding(cityName: attack, gatewayName: attack, help: attack, contact: attack))
        #expect(Markup(try sample.html(.indonesian, pages)).tags == expected)
    }

    @Test("attack 145: a value that goes on to an application arrives as it was", arguments: attacks)
    func valuesSurvive(attack: String) throws {
        let model = FormPostModel(action: "https://app.invalid/cb", fields: [("state", attack)])
        let html = try Samples.pages().html(
            .formPost(model), in: PageFrame(language: .english, nonce: "n", csrf: "c", path: "/"))
        let value = try #require(Markup(html).all("input").first { $0.value("name") == "state" }?.value("value"))
        var read = Array(value.utf8)
        for (reference, text) in [
            ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#10;", "\n"), ("&#13;", "\r"),
            ("&amp;", "&"),
        ] {
            read.replace(Array(reference.utf8), with: Array(text.utf8))
        }
        // The one exception: HTML has no NUL.
        #expect(read == Array(attack.utf8).replacing([0], with: Array("\u{fffd}".utf8)))
    }

    @Test(
        "attack 145: a tile, a policy link or a way on that is no web address is left out",
        arguments: [
            "javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)",
            "data:text/html,x", "vbscript:x",
            "//evil.invalid/", "/\\evil.invalid", "https:\\\\evil.invalid", "http://a\u{0}b", "http://a b",
            "file:///etc/passwd", "",
        ])
    func unsafeAddresses(address: String) throws {
        let pages = try Samples.pages()
        let frame = PageFrame(language: .english, nonce: "n", csrf: "c", path: "/")
        let tile = PortalModel.Tile(name: "x", description: nil, url: address, agency: nil, lastUsed: nil)
        let portal = PortalModel(
            personName: "x", tiles: [tile], person: PersonModel(fullName: "x"), limited: false, zone: Samples.wib)
        #expect(Markup(try pages.html(.portal(portal), in: frame)).element(id: "tiles") == nil)
        let signIn = SignInModel(application: SignInApplication(name: "x", policyURI: address, termsURI: address))
        #expect(!(try pages.html(.signIn(signIn), in: frame)).contains("class=\"links\""))
        let notice = try pages.html(.notice(NoticeModel(kind: .signedOut, next: address)), in: frame)
        #expect(!notice.contains("class=\"button\""))
        #expect(throws: PagesError.unsafeAddress) {
            try pages.html(.formPost(FormPostModel(action: address, fields: [])), in: frame)
        }
        #expect(throws: PagesError.unsafeAddress) {
            try pages.html(.signOut(SignOutModel(action: address, fields: [], applicationName: nil)), in: frame)
        }
    }

    @Test("a sign-out form never posts to another host")
    func signOutStays() throws {
        #expect(throws: PagesError.unsafeAddress) {
            try Samples.pages().html(
                .signOut(SignOutModel(action: "https://evil.invalid/", fields: [], applicationName: nil)),
                in: PageFrame(language: .english, nonce: "n", csrf: "c", path: "/")
            )
        }
    }

    @Test("delimiters are found as bytes, and everything else stays as it was")
    func escape() {
        #expect(HTMLText.escape("<>&\"'") == "&lt;&gt;&amp;&quot;&#39;")
        #expect(Array(HTMLText.escape("<\u{301}é\r\n").utf8) == Array("&lt;\u{301}é&#13;&#10;".utf8))
        #expect(HTMLText.escape("Ñandú 日本 𝄞") == "Ñandú 日本 𝄞")
    }

    @Test("no template asks for unescaped output")
    func templates() {
        for (name, bytes) in TemplateSet.files {
            #expect(!TemplateSet.printsUnescaped(String(decoding: bytes, as: UTF8.self)), "\(name)")
        }
        #expect(TemplateSet.printsUnescaped("<p>{{{name}}}</p>"))
        #expect(TemplateSet.printsUnescaped("<p>{{&name}}</p>"))
    }

    @Test("marks that turn the direction of writing do not reach a sentence of ours")
    func direction() {
        #expect(Array("a\u{202e}b\u{2066}c\r\nd".forDisplay.utf8) == Array("abc  d".utf8))
        #expect("abcdef".forDisplay(limit: 3) == "abc…")
    }
}
