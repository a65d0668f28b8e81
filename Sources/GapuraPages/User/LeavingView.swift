import Gapura

/// The page between a sign-out and what comes after it, which tells applications through the browser.
struct LeavingView: PageView {
    let model: LeavingModel

    func body(_ texts: Texts) throws -> PageBody {
        guard let next = SafeLink.registered(model.next) else { throw PagesError.unsafeAddress }
        return PageBody(
            template: "leaving",
            title: texts("leaving-title"),
            layout: .door,
            values: [
                "frames": .list(model.frames.compactMap(SafeLink.web).map { ["frame-address": .text($0)] }),
                "next": .text(next),
            ]
        )
    }
}
