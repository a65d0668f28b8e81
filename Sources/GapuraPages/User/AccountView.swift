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
            ]
        )
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
