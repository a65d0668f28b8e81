import Gapura

/// Any error: what happened, what to do, and what to tell whoever helps.
struct ErrorView: PageView {
    let model: ErrorModel

    func body(_ texts: Texts) -> PageBody {
        let key = "error-\(model.kind.rawValue)"
        return PageBody(
            template: "error",
            title: texts("\(key)-title"),
            layout: .door,
            values: [
                "what": .text(texts("\(key)-what")),
                "advice": .text(texts("\(key)-do")),
                "code": .text(model.code),
                "request": .text(model.requestID),
                "hint": .text(model.developerHint),
                "application-name": .text(model.applicationName?.forDisplay(limit: 120)),
                "diagnosis": .group(model.diagnosis.map { Self.diagnosis($0, texts) }),
                // Under a wrong host name, every own path is as wrong.
                "has-next": .flag(model.kind != .misdirected),
            ]
        )
    }

    private static func diagnosis(_ diagnosis: RequestDiagnosis, _ texts: Texts) -> Values {
        [
            "parameter": .text(diagnosis.parameter),
            "sent": .text(diagnosis.sent?.forDisplay(limit: 400) ?? texts("diagnosis-nothing")),
            "registered": .list(diagnosis.registered.prefix(20).map { ["value": .text($0.forDisplay(limit: 400))] }),
        ]
    }
}
