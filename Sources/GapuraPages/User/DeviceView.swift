import Gapura

/// `/perangkat`.
struct DeviceView: PageView {
    let model: DeviceModel

    func body(_ texts: Texts) -> PageBody {
        var values: Values = [
            "problem": .group(model.problem.map { Self.problem($0, texts).values }),
            "fields-are-wrong": .flag(model.problem == .wrong),
            "code": .text(model.code),
            "asks-for-code": .flag(model.question == nil && model.outcome == nil),
            "asks": .flag(model.question != nil),
            "outcome": .text(model.outcome.map { texts($0 == .allowed ? "device-allowed" : "device-denied") }),
        ]
        if let question = model.question { values = values.adding(ConsentView(model: question).values(texts)) }
        return PageBody(template: "device", title: texts("device-title"), layout: .door, values: values)
    }

    private static func problem(_ problem: DeviceModel.Problem, _ texts: Texts) -> ProblemText {
        func text(_ key: String) -> ProblemText { ProblemText(what: texts(key), advice: texts(key + "-do")) }
        return switch problem {
        case .wrong: text("problem-device-code")
        case .stale: text("problem-stale")
        case .wait(let seconds):
            ProblemText(
                what: texts("problem-wait", ["time": WaitText.text(seconds, texts)]),
                advice: texts("problem-device-code-do"))
        }
    }
}
