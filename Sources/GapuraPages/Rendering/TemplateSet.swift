import Mustache

/// All templates, parsed once at the start.
struct TemplateSet: Sendable {
    private let library: MustacheLibrary

    init() throws {
        MustacheContentTypes.register(HTMLText(), named: HTMLText.name)
        var library = MustacheLibrary()
        for (name, bytes) in Self.files {
            let text = String(decoding: bytes, as: UTF8.self)
            guard !Self.printsUnescaped(text) else { throw PagesError.unescapedOutput(template: name) }
            try library.register("{{% CONTENT_TYPE: \(HTMLText.name)}}\n" + text, named: name)
        }
        self.library = library
    }

    /// The text of `name` with these values.
    func render(_ name: String, _ values: Values) throws -> String {
        guard let html = library.render(values, withTemplate: name) else { throw PagesError.unknownTemplate(name) }
        return html
    }

    /// Whether a template asks for output that is not escaped: `{{{name}}}`, `{{&name}}`, or a content type of its own.
    static func printsUnescaped(_ template: String) -> Bool {
        template.contains("{{{") || template.contains("{{&") || template.contains("{{%") || template.contains("{{=")
    }

    /// Name and text of each file in `Templates/`. A new template is one more line.
    static let files: [(name: String, bytes: [UInt8])] = [
        ("layout", PackageResources.layout_mustache),
        ("person", PackageResources.person_mustache),
        ("sign-in", PackageResources.sign_in_mustache),
        ("activation", PackageResources.activation_mustache),
        ("set-password", PackageResources.set_password_mustache),
        ("notice", PackageResources.notice_mustache),
        ("sign-out", PackageResources.sign_out_mustache),
        ("consent", PackageResources.consent_mustache),
        ("device", PackageResources.device_mustache),
        ("leaving", PackageResources.leaving_mustache),
        ("form-post", PackageResources.form_post_mustache),
        ("error", PackageResources.error_mustache),
        ("portal", PackageResources.portal_mustache),
        ("account", PackageResources.account_mustache),
    ]
}

/// What can be wrong with pages: mistakes of ours, found by the tests.
package enum PagesError: Error, Equatable {
    case unknownTemplate(String)
    case unescapedOutput(template: String)
    /// A form was to post to an address that is neither `http`, `https` nor an own path.
    case unsafeAddress
}
