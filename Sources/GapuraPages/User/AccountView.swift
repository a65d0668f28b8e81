import Gapura

/// `/akun`.
struct AccountView: PageView {
    let model: AccountModel

    func body(_ texts: Texts) -> PageBody {
        let dates = DateText(zone: model.zone, language: texts.language)
        return PageBody(
            template: "account",
            title: texts("account-title"),
            layout: .inside,
            values: [
                "lines": .list(personValues(model.person, texts)),
                "has-sessions": .flag(!model.sessions.isEmpty),
                "sessions": .list(model.sessions.map { session($0, texts, dates) }),
                "has-disclosures": .flag(!model.disclosures.isEmpty),
                "disclosures": .list(model.disclosures.map { disclosure($0, texts, dates) }),
            ]
        )
    }

    /// By what a person calls it, not by the names of claims: each of these claims stands for those that come with it.
    private static let kinds = [
        ("sub", "disclosed-id"), ("name", "disclosed-name"), ("email", "disclosed-email"),
        ("phone_number", "disclosed-phone"), ("nip", "disclosed-employment"), ("roles", "disclosed-roles"),
        ("nik", "disclosed-nik"),
    ]

    private func disclosure(_ line: AccountModel.DisclosureLine, _ texts: Texts, _ dates: DateText) -> Values {
        let kinds = Self.kinds.filter { kind in line.claims.contains { $0 == kind.0 } }
        return [
            "application": .text(line.application.forDisplay(limit: 100)),
            "kinds": .text(kinds.map { texts($0.1) }.joined(separator: "; ")),
            "first": .text(dates.text(line.firstAt)),
            "first-machine": .text(dates.machine(line.firstAt)),
            "last": .text(dates.text(line.lastAt)),
            "last-machine": .text(dates.machine(line.lastAt)),
        ]
    }

    private func session(_ line: AccountModel.SessionLine, _ texts: Texts, _ dates: DateText) -> Values {
        [
            "id": .text(line.id),
            "is-current": .flag(line.isCurrent),
            "device": .text(DeviceText.text(line.userAgent, texts)),
            "ip-address": .text(line.address?.forDisplay(limit: 60)),
            "started": .text(dates.text(line.startedAt)),
            "started-machine": .text(dates.machine(line.startedAt)),
            "seen": .text(dates.text(line.lastSeenAt)),
            "seen-machine": .text(dates.machine(line.lastSeenAt)),
            "end-label": .text(texts(line.isCurrent ? "session-end-current" : "session-end")),
        ]
    }
}
