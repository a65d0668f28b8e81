import Gapura

/// `/izin`.
struct ConsentView: PageView {
    let model: ConsentModel

    func body(_ texts: Texts) -> PageBody {
        PageBody(
            template: "consent",
            title: texts("consent-title", ["application": model.application.name.forDisplay(limit: 120)]),
            layout: .door, values: values(texts))
    }

    /// What is asked; the page for devices asks it too.
    func values(_ texts: Texts) -> Values {
        let application = model.application.name.forDisplay(limit: 120)
        let policy = model.application.policyURI.flatMap(SafeLink.web)
        let terms = model.application.termsURI.flatMap(SafeLink.web)
        return [
            "logo": .text(model.application.logo.flatMap(SafeLink.ownPath)),
            "logo-label": .text(texts("application-logo", ["application": application])),
            "heading": .text(texts("consent-title", ["application": application])),
            "agency": .text(
                model.agency.map { texts("consent-agency", ["agency": $0.forDisplay(limit: 120)]) }),
            "stale": .flag(model.isStale),
            "kinds": .list(ClaimKinds.texts(model.items, texts).map { ["kind": .text($0)] }),
            "flow": .text(model.flow),
            "shown": .text(model.items.text),
            "has-links": .flag(policy != nil || terms != nil),
            "policy-address": .text(policy),
            "policy-label": .text(texts("sign-in-policy", ["application": application])),
            "terms-address": .text(terms),
            "terms-label": .text(texts("sign-in-terms", ["application": application])),
        ]
    }
}

/// Claims by what a person calls them, not by their names: each of these stands for those that come with it.
enum ClaimKinds {
    private static let kinds: [(text: String, claims: [String])] = [
        ("disclosed-id", ["sub"]),
        ("disclosed-name", ["name", "preferred_username", "local_id", "zoneinfo", "locale", "updated_at"]),
        ("disclosed-email", ["email", "email_verified"]),
        ("disclosed-phone", ["phone_number", "phone_number_verified"]),
        ("disclosed-employment", ["nip", "employee_kind", "unor", "opd", "position", "acting", "manager_sub"]),
        ("disclosed-roles", ["roles"]), ("disclosed-nik", ["nik"]),
    ]

    /// All that an application asks for: what it learns, what it may do, where, and for how long.
    static func texts(_ items: ConsentItems, _ texts: Texts) -> [String] {
        self.texts(items.claims, texts)
            + items.powers.map { power in
                power == Scope.admin.rawValue
                    ? texts("consent-admin") : texts("consent-power", ["scope": power.forDisplay(limit: 80)])
            } + items.resources.map { texts("consent-resource", ["resource": $0.forDisplay(limit: 120)]) }
            + (items.isOffline ? [texts("consent-offline")] : [])
    }

    static func texts(_ claims: [String], _ texts: Texts) -> [String] {
        kinds.filter { kind in claims.contains { kind.claims.contains($0) } }.map { texts($0.text) }
    }
}
