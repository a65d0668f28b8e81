import Gapura

/// `/akun/kata-sandi`, reached by a one-time link.
struct SetPasswordView: PageView {
    let model: SetPasswordModel

    func body(_ texts: Texts) -> PageBody {
        let problem = model.problem.map { Self.problem($0, texts) }
        return PageBody(
            template: "set-password",
            title: texts("set-password-title"),
            layout: .door,
            values: [
                "lead": .text(texts("set-password-lead", ["name": model.personName.forDisplay(limit: 120)])),
                "problem": .group(problem?.values),
                "fields-are-wrong": .flag(problem != nil && model.problem != .stale),
                "user-name": .text(model.userName),
            ]
        )
    }

    private static func problem(_ problem: SetPasswordModel.Problem, _ texts: Texts) -> ProblemText {
        func text(_ key: String, _ arguments: [String: String] = [:]) -> ProblemText {
            ProblemText(what: texts(key), advice: texts(key + "-do", arguments))
        }
        return switch problem {
        case .tooShort(let minimum): text("problem-too-short", ["minimum": String(minimum)])
        case .tooLong: text("problem-too-long")
        case .notEqual: text("problem-not-equal")
        case .guessable: text("problem-guessable")
        case .stale: text("problem-stale")
        }
    }
}
