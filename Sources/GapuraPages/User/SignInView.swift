import Gapura

/// `/masuk`.
struct SignInView: PageView {
    let model: SignInModel

    func body(_ texts: Texts) -> PageBody {
        let application = model.application?.name.forDisplay(limit: 120)
        let fieldsAreWrong = model.problem == .wrongCredentials || model.problem == .tooLong
        return PageBody(
            template: "sign-in",
            title: texts("sign-in-title"),
            layout: .door,
            values: [
                "lead": .text(lead(texts, application)),
                "problem": .group(model.problem.map { Self.problem($0, texts).values }),
                "fields-are-wrong": .flag(fieldsAreWrong),
                "user-name": .text(model.name),
                "flow": .text(model.flow),
                "name-is-next": .flag(model.name.isEmpty),
                "application": .group(application.map { links(of: $0, texts) }),
            ]
        )
    }

    private func lead(_ texts: Texts, _ application: String?) -> String {
        if model.again { return texts("sign-in-again") }
        return application.map { texts("sign-in-for", ["application": $0]) } ?? texts("sign-in-lead")
    }

    private func links(of application: String, _ texts: Texts) -> Values {
        let policy = model.application?.policyURI.flatMap(SafeLink.web)
        let terms = model.application?.termsURI.flatMap(SafeLink.web)
        return [
            "has-links": .flag(policy != nil || terms != nil),
            "policy-address": .text(policy),
            "policy-label": .text(texts("sign-in-policy", ["application": application])),
            "terms-address": .text(terms),
            "terms-label": .text(texts("sign-in-terms", ["application": application])),
        ]
    }

    private static func problem(_ problem: SignInModel.Problem, _ texts: Texts) -> ProblemText {
        func text(_ key: String, _ arguments: [String: String] = [:]) -> ProblemText {
            ProblemText(what: texts(key, arguments), advice: texts(key + "-do"))
        }
        return switch problem {
        case .wrongCredentials: text("problem-wrong")
        case .wait(let seconds): text("problem-wait", ["time": duration(seconds, texts)])
        case .busy: text("problem-busy")
        case .stale: text("problem-stale")
        case .mayNotSignIn: text("problem-may-not")
        case .tooLong: text("problem-too-long")
        }
    }

    /// Seconds below a minute, else minutes rounded up: never a time after which one would be refused again.
    private static func duration(_ seconds: Int, _ texts: Texts) -> String {
        let seconds = max(1, seconds)
        let (unit, number) = seconds < 60 ? ("second", seconds) : ("minute", seconds / 60 + (seconds % 60 == 0 ? 0 : 1))
        return number == 1 ? texts("\(unit)-one") : texts("\(unit)-other", ["n": String(number)])
    }
}
