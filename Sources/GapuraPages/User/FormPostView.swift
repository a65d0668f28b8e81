import Gapura

/// A form that carries an answer on to an application (OAuth 2.0 Form Post Response Mode). It holds no `csrf`: that is
/// ours, and the form goes elsewhere.
struct FormPostView: PageView {
    let model: FormPostModel

    func body(_ texts: Texts) throws -> PageBody {
        guard let action = SafeLink.web(model.action) else { throw PagesError.unsafeAddress }
        return PageBody(
            template: "form-post",
            title: texts("form-post-title"),
            layout: .door,
            values: ["action": .text(action), "fields": .list(hiddenFields(model.fields))]
        )
    }
}
