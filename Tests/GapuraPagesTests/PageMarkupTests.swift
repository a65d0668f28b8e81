import Gapura
import GapuraPages
import Testing

@Suite("Markup of every page")
struct PageMarkupTests {
    @Test(
        "attack 146: no page names another host in anything a browser loads by itself, but at a sign-out",
        arguments: Samples.all.filter { $0.name != "leaving" },
        Language.allCases)
    func noForeignHost(sample: Sample, language: Language) throws {
        let markup = Markup(try sample.html(language, Samples.pages()))
        for tag in markup.tags {
            let loaded =
                ["src", "srcset", "poster", "data", "background", "ping", "manifest", "formaction"].compactMap(
                    tag.value)
                + (tag.name == "link" ? [tag.value("href") ?? ""] : [])
            for address in loaded { #expect(address.hasPrefix("/aset/"), "\(tag)") }
        }
        #expect(markup.all("meta").contains { $0.value("name") == "referrer" && $0.value("content") == "no-referrer" })
        for name in ["iframe", "object", "embed", "base", "style"] { #expect(markup.all(name).isEmpty) }
    }

    @Test(
        "attack 136: nothing asks for an inline style or script, so the strict policy holds", arguments: Samples.all,
        Language.allCases)
    func nothingInline(sample: Sample, language: Language) throws {
        let html = try sample.html(language, Samples.pages())
        let markup = Markup(html)
        for tag in markup.tags {
            for attribute in tag.attributes {
                #expect(attribute.name != "style")
                #expect(!attribute.name.hasPrefix("on"))
            }
        }
        let scripts = markup.all("script")
        #expect(scripts.count == 1)
        #expect(scripts.first?.value("nonce") == "nonce-of-a-test")
        #expect(scripts.first?.value("src")?.hasPrefix("/aset/gapura.js?v=") == true)
        #expect(html.contains("defer></script>"))
    }

    @Test(
        "a document has its language, title, one first heading, and ids only once", arguments: Samples.all,
        Language.allCases)
    func document(sample: Sample, language: Language) throws {
        let html = try sample.html(language, Samples.pages())
        let markup = Markup(html)
        #expect(html.hasPrefix("<!DOCTYPE html>\n"))
        #expect(markup.all("html").first?.value("lang") == language.rawValue)
        #expect(markup.all("h1").count == 1)
        #expect(html.contains("– Gapura Kota Nusa Contoh</title>"))
        let ids = markup.tags.compactMap { $0.value("id") }
        #expect(Set(ids).count == ids.count)
        let other = language == .indonesian ? "en" : "id"
        #expect(markup.all("a").contains { $0.value("hreflang") == other && $0.value("lang") == other })
        #expect(!html.contains("{{") && !html.contains("[t."))
    }

    @Test("every form of ours carries csrf; the one that goes to an application does not", arguments: Samples.all)
    func csrf(sample: Sample) throws {
        let html = try sample.html(.indonesian, Samples.pages())
        let forms = html.components(between: "<form", and: "</form>")
        for form in forms {
            let isOnward = form.contains("data-onward")
            #expect(form.contains("<input type=\"hidden\" name=\"csrf\" value=\"csrf-of-a-test\">") == !isOnward)
            #expect(form.contains("method=\"post\""))
            #expect(form.contains("type=\"submit\""))
        }
        if case .formPost = sample.page { #expect(!html.contains("csrf-of-a-test")) }
    }

    @Test("the stable ids of sign-in, with what password managers read")
    func signInIDs() throws {
        let markup = Markup(try html(.signIn(SignInModel())))
        let form = try #require(markup.element(id: "login-form"))
        #expect(form.name == "form" && form.value("action") == "/masuk" && form.value("method") == "post")
        let name = try #require(markup.element(id: "username"))
        #expect(name.value("autocomplete") == "username" && name.value("name") == "username")
        let password = try #require(markup.element(id: "password"))
        #expect(password.value("autocomplete") == "current-password" && password.value("type") == "password")
        #expect(markup.element(id: "login-submit")?.name == "button")
    }

    @Test("the stable ids of the other forms")
    func otherIDs() throws {
        let password = Markup(try html(.setPassword(SetPasswordModel(personName: "Kartini", userName: "ratna"))))
        #expect(password.element(id: "password-form")?.value("action") == "/akun/kata-sandi")
        #expect(password.element(id: "new-password")?.value("autocomplete") == "new-password")
        #expect(password.element(id: "repeat-password")?.value("autocomplete") == "new-password")
        #expect(
            password.all("input").contains { $0.value("autocomplete") == "username" && $0.value("value") == "ratna" })
        #expect(password.element(id: "password-submit") != nil)
        let activation = Markup(try html(.activation(ActivationModel(name: "ratna"))))
        #expect(activation.element(id: "activation-form")?.value("action") == "/akun/aktivasi")
        #expect(activation.element(id: "username")?.value("value") == "ratna")
        #expect(activation.element(id: "code")?.value("autocomplete") == "one-time-code")
        #expect(activation.element(id: "activation-submit")?.value("type") == "submit")
        #expect(try html(.signIn(SignInModel())).contains("href=\"/akun/aktivasi\">Pertama kali masuk?</a>"))
        let signOut = Markup(try html(.signOut(SignOutModel(action: "/keluar", fields: [], applicationName: nil))))
        #expect(signOut.element(id: "logout-form")?.value("action") == "/keluar")
        #expect(signOut.element(id: "logout-confirm")?.value("type") == "submit")
    }

    @Test("every problem is told with role=alert, every error page has its code", arguments: Samples.all)
    func alerts(sample: Sample) throws {
        let html = try sample.html(.english, Samples.pages())
        let hasAlert = Markup(html).tags.contains { $0.value("role") == "alert" }
        switch sample.page {
        case .error(let model):
            #expect(hasAlert)
            #expect(html.contains("<code id=\"error-code\">\(model.code)</code>"))
            #expect(html.contains(model.requestID))
        case .signIn(let model): #expect(hasAlert == (model.problem != nil))
        case .activation(let model): #expect(hasAlert == (model.problem != nil))
        case .setPassword(let model): #expect(hasAlert == (model.problem != nil))
        default: #expect(!hasAlert)
        }
    }

    @Test("each session of the account can be ended by its own form, and all at once")
    func sessions() throws {
        let sample = try #require(Samples.ordinary.first { $0.name == "account" })
        let html = try sample.html(.indonesian, Samples.pages())
        let forms = html.components(between: "<form", and: "</form>")
        #expect(forms.filter { $0.contains("action=\"/akun/sesi/akhiri\"") }.count == 3)
        #expect(forms.contains { $0.contains("name=\"id\" value=\"0192f3a1-0002\"") })
        #expect(forms.filter { $0.contains("action=\"/akun/sesi/akhiri-semua\"") }.count == 1)
        #expect(
            html.contains("Firefox di Windows") && html.contains("Chrome di Android")
                && html.contains("Perangkat tidak dikenal"))
    }

    @Test("a wait is told in seconds below a minute, else in minutes rounded up")
    func wait() throws {
        func text(_ seconds: Int, _ language: Language) throws -> String {
            try Samples.pages().html(
                .signIn(SignInModel(problem: .wait(seconds: seconds))),
                in: PageFrame(language: language, nonce: "n", csrf: "c", path: "/masuk")
            )
        }
        #expect(try text(30, .indonesian).contains("Coba lagi dalam 30 detik."))
        #expect(try text(60, .english).contains("Try again in 1 minute."))
        #expect(try text(61, .english).contains("Try again in 2 minutes."))
        #expect(try text(.max, .english).contains("minutes."))
        #expect(try text(.min, .english).contains("Try again in 1 second."))
    }

    @Test("the language switch keeps the query of the page and never leaves the gateway")
    func languageSwitch() throws {
        func address(_ path: String) throws -> String? {
            let html = try Samples.pages().html(
                .signIn(SignInModel()), in: PageFrame(language: .indonesian, nonce: "n", csrf: "c", path: path)
            )
            return Markup(html).all("a").first { $0.value("hreflang") == "en" }?.value("href")
        }
        #expect(try address("/masuk") == "/masuk?bahasa=en")
        #expect(try address("/akun/kata-sandi?t=1") == "/akun/kata-sandi?t=1&amp;bahasa=en")
        for path in ["//evil.invalid", "/\\evil.invalid", "https://evil.invalid", "", "/\u{09}/evil.invalid"] {
            #expect(try address(path) == "/?bahasa=en")
        }
    }

    @Test("the files under /aset/ have their media types and an entity tag; other names do not exist")
    func assets() throws {
        let pages = try Samples.pages()
        #expect(pages.asset("gapura.css")?.contentType == "text/css; charset=utf-8")
        #expect(pages.asset("kota.css")?.contentType == "text/css; charset=utf-8")
        #expect(pages.asset("gapura.js")?.contentType == "text/javascript; charset=utf-8")
        #expect(pages.asset("logo")?.contentType == "image/svg+xml")
        #expect(pages.asset("menara.svg")?.etag.utf8.count == 18)
        for name in ["", "layout.mustache", "../gapura.css", "lambang.svg", "Gapura.css"] {
            #expect(pages.asset(name) == nil)
        }
    }

    private func html(_ page: Page) throws -> String {
        try Samples.pages().html(page, in: PageFrame(language: .indonesian, nonce: "n", csrf: "c", path: "/masuk"))
    }
}

extension String {
    /// Each piece from `open` to the next `close`.
    func components(between open: String, and close: String) -> [String] {
        split(separator: open, omittingEmptySubsequences: false).dropFirst().map { piece in
            String(piece.split(separator: close, maxSplits: 1, omittingEmptySubsequences: false).first ?? "")
        }
    }
}
