/// Turns a typed model into what one template says.
protocol PageView: Sendable {
    func body(_ texts: Texts) throws -> PageBody
}

/// A page without its frame.
struct PageBody {
    /// How a page is laid out: `door` before one is in, with the gate; `inside` for everything behind it.
    enum Layout: String {
        case door
        case inside
    }

    let template: String
    let title: String
    let layout: Layout
    let values: Values
}

/// A red box that says what is wrong and what to do.
struct ProblemText {
    let what: String
    let advice: String

    var values: Values {
        ["what": .text(what), "advice": .text(advice)]
    }
}

/// Hidden inputs of a form.
func hiddenFields(_ fields: [(name: String, value: String)]) -> [Values] {
    fields.map { ["field-name": .text($0.name), "field-value": .text($0.value)] }
}
