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
                "has-consents": .flag(!model.consents.isEmpty),
                "consents": .list(model.consents.map { consent($0, texts, dates) }),
                "has-disclosures": .flag(!model.disclosures.isEmpty),
                "disclosures": .list(model.disclosures.map { disclosure($0, texts, dates) }),
            ]
        )
    }

    private func consent(_ line: AccountModel.ConsentLine, _ texts: Texts, _ dates: DateText) -> Values {
        [
            "client-id": .text(line.clientID),
            "application": .text(line.application.forDisplay(limit: 100)),
            "kinds": .text(ClaimKinds.texts(line.items, texts).joined(separator: "; ")),
            "given": .text(dates.text(line.givenAt)),
            "given-machine": .text(dates.machine(line.givenAt)),
            "until": .text(dates.text(line.expiresAt)),
            "until-machine": .text(dates.machine(line.expiresAt)),
        ]
    }

    private func disclosure(_ line: AccountModel.DisclosureLine, _ texts: Texts, _ dates: DateText) -> Values {
        [
            "application": .text(line.application.forDisplay(limit: 100)),
            "kinds": .text(ClaimKinds.texts(line.claims, texts).joined(separator: "; ")),
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
