internal import GapuraTabular

/// What a cell says, once it is neither an identifier nor a date. `null`, `-` and white space say nothing.
enum CellText {
    /// An id or code: freed of the apostrophe. A small whole number that the spreadsheet stored as one is taken as its
    /// digits.
    static func identifier(_ cell: TabularCell) -> String? {
        switch cell {
        case .text(let text): IdentifierText.cleaned(text)
        case .number(let raw): IdentifierText.isFloat(raw) ? nil : IdentifierText.cleaned(raw)
        case .empty, .formula, .bool, .error: nil
        }
    }

    /// A name or title. A formula is kept as the text it is.
    static func name(_ cell: TabularCell) -> String? {
        switch cell {
        case .text(let text), .formula(let text): IdentifierText.cleanedName(text)
        case .number(let raw): IdentifierText.cleanedName(raw)
        case .empty, .bool, .error: nil
        }
    }

    /// A day, as text or as Excel's number of it.
    static func date(_ cell: TabularCell) -> CalendarDate? {
        switch cell {
        case .text(let text): IdentifierText.cleaned(text).flatMap { CalendarDate($0) }
        case .number(let raw): Int(raw).flatMap { CalendarDate(excelDay: $0) }
        case .empty, .formula, .bool, .error: nil
        }
    }

    /// Whether a spreadsheet program would compute the cell: a formula, or a text that looks like one and is more than
    /// a dash.
    static func isFormula(_ cell: TabularCell) -> Bool {
        switch cell {
        case .formula: true
        case .text(let text): text.utf8.count > 1 && CSVWriter.isFormulaLike(text)
        case .empty, .number, .bool, .error: false
        }
    }
}
