import Gapura

/// A page that tells something good, with at most one way on.
struct NoticeView: PageView {
    let model: NoticeModel

    func body(_ texts: Texts) -> PageBody {
        let key = "notice-\(model.kind.rawValue)"
        return PageBody(
            template: "notice",
            title: texts("\(key)-title"),
            layout: .door,
            values: [
                "text": .text(texts("\(key)-text")),
                "next-address": .text(model.next.flatMap(SafeLink.ownPath)),
                "next-label": .text(texts("\(key)-next")),
            ]
        )
    }
}
