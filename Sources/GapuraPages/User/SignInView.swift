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
                "logo": .text(model.application?.logo.flatMap(SafeLink.ownPath)),
                "logo-label": .text(application.map { texts("application-logo", ["application": $0]) }),
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
        case .wait(let seconds): text("problem-wait", ["time": WaitText.text(seconds, texts)])
        case .busy: text("problem-busy")
        case .stale: text("problem-stale")
        case .mayNotSignIn: text("problem-may-not")
        case .tooLong: text("problem-too-long")
        }
    }
}
