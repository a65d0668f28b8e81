package import Gapura

/// The pages of the gateway, in two languages and with the city's face. Templates are parsed once, at the start.
package struct SitePages: Pages {
    private let branding: Branding
    private let templates: TemplateSet
    private let files: StaticFiles

    package init(branding: Branding) throws {
        self.branding = branding
        templates = try TemplateSet()
        files = StaticFiles(branding: branding)
    }

    package func html(_ page: Page, in frame: PageFrame) throws -> String {
        let texts = Texts(frame.language)
        let view = view(of: page)
        let body = try view.body(texts)
        return try templates.render(body.template, frameValues(frame, texts, body).adding(body.values))
    }

    package func asset(_ name: String) -> PageAsset? {
        files[name]
    }

    private func view(of page: Page) -> any PageView {
        switch page {
        case .signIn(let model): SignInView(model: model)
        case .activation(let model): ActivationView(model: model)
        case .setPassword(let model): SetPasswordView(model: model)
        case .consent(let model): ConsentView(model: model)
        case .device(let model): DeviceView(model: model)
        case .notice(let model): NoticeView(model: model)
        case .signOut(let model): SignOutView(model: model)
        case .leaving(let model): LeavingView(model: model)
        case .formPost(let model): FormPostView(model: model)
        case .error(let model): ErrorView(model: model)
        case .portal(let model): PortalView(model: model)
        case .account(let model): AccountView(model: model)
        }
    }

    /// What `layout.mustache` needs, and what every page may use.
    private func frameValues(_ frame: PageFrame, _ texts: Texts, _ body: PageBody) -> Values {
        [
            "t": .texts(texts),
            "language": .text(frame.language.rawValue),
            "title": .text(body.title),
            "layout": .text(body.layout.rawValue),
            "nonce": .text(frame.nonce),
            "csrf": .text(frame.csrf),
            "city": .text(branding.cityName),
            "gateway": .text(branding.gatewayName),
            "style-address": .text(files.address("gapura.css")),
            "city-style-address": .text(files.address("kota.css")),
            "script-address": .text(files.address("gapura.js")),
            "logo-address": .text(files.address("logo")),
            "signed-in-name": .text(frame.signedInName?.forDisplay(limit: 120)),
            "other-language": .group(otherLanguage(frame)),
            "footer": .text(texts("footer", ["city": branding.cityName])),
            "help": .text(help(texts)),
            "contact": .text(branding.contact),
        ]
    }

    private func otherLanguage(_ frame: PageFrame) -> Values {
        let other: Language = frame.language == .indonesian ? .english : .indonesian
        let path = SafeLink.ownPath(frame.path) ?? "/"
        let separator = path.utf8.contains(UInt8(ascii: "?")) ? "&" : "?"
        return ["code": .text(other.rawValue), "address": .text("\(path)\(separator)bahasa=\(other.rawValue)")]
    }

    private func help(_ texts: Texts) -> String {
        let own =
            switch texts.language {
            case .indonesian: branding.help
            case .english: branding.helpInEnglish
            }
        return own ?? texts("help-default")
    }
}
