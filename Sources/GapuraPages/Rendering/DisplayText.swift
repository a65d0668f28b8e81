extension String {
    /// Text of others as it may stand inside a sentence of ours: without control characters, and without the marks that
    /// turn the direction of writing (U+202E and its kin), which could make the rest of the line read backwards. Never
    /// for values that a form sends on.
    var forDisplay: String {
        var scalars = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            switch scalar.value {
            case 0x00...0x1f, 0x7f...0x9f, 0x2028, 0x2029: scalars.append(" ")
            case 0x200e, 0x200f, 0x061c, 0x202a...0x202e, 0x2066...0x2069: continue
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }

    /// The same, shortened to `limit` scalars with an ellipsis.
    func forDisplay(limit: Int) -> String {
        let text = forDisplay
        guard text.unicodeScalars.count > limit else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit))) + "…"
    }
}
