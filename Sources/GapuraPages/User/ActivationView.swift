import Gapura

/// `/akun/aktivasi`.
struct ActivationView: PageView {
    let model: ActivationModel

    func body(_ texts: Texts) -> PageBody {
        let isWrong = model.problem == .wrong || model.problem == .tooLong
        return PageBody(
            template: "activation",
            title: texts("activation-title"),
            layout: .door,
            values: [
                "problem": .group(model.problem.map { Self.problem($0, texts).values }),
                "fields-are-wrong": .flag(isWrong),
                "code-is-wrong": .flag(isWrong || model.problem == .malformed),
                "user-name": .text(model.name),
                "name-is-next": .flag(model.name.isEmpty),
            ]
        )
    }

    private static func problem(_ problem: ActivationModel.Problem, _ texts: Texts) -> ProblemText {
        func text(_ key: String) -> ProblemText { ProblemText(what: texts(key), advice: texts(key + "-do")) }
        return switch problem {
        case .wrong: text("problem-code-wrong")
        case .malformed: text("problem-code-malformed")
        case .wait(let seconds):
            ProblemText(
                what: texts("problem-wait", ["time": WaitText.text(seconds, texts)]),
                advice: texts("problem-code-wait-do"))
        case .stale: text("problem-stale")
        case .tooLong: text("problem-too-long")
        }
    }
}
