import GapuraFormats
import Mustache

/// How templates escape: every `{{name}}` of every template goes through `HTMLEscape`, because swift-mustache's own
/// escaping compares `Character`s.
struct HTMLText: MustacheContentType {
    /// Name of this content type in a template's pragma; `TemplateSet` puts the pragma into each.
    static let name = "GAPURA-HTML"

    func escapeText(_ text: String) -> String {
        Self.escape(text)
    }

    static func escape(_ text: String) -> String {
        HTMLEscape.text(text)
    }
}
