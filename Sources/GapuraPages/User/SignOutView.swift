import Gapura

/// `/keluar`, and the confirmation of a sign-out that an application started.
struct SignOutView: PageView {
    let model: SignOutModel

    func body(_ texts: Texts) throws -> PageBody {
        guard let action = SafeLink.ownPath(model.action) else { throw PagesError.unsafeAddress }
        let application = model.applicationName?.forDisplay(limit: 120)
        return PageBody(
            template: "sign-out",
            title: texts("sign-out-title"),
            layout: .door,
            values: [
                "asked": .text(application.map { texts("sign-out-asked", ["application": $0]) }),
                "action": .text(action),
                "fields": .list(hiddenFields(model.fields)),
            ]
        )
    }
}
