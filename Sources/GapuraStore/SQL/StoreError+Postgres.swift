extension StoreError {
    /// From a SQLSTATE, <https://www.postgresql.org/docs/15/errcodes-appendix.html>.
    static func postgres(state: String, message: String) -> StoreError {
        let kind: Kind =
            switch state {
            case "23505": .constraint(.unique)
            case "23503": .constraint(.foreignKey)
            case "23502": .constraint(.notNull)
            case "23514": .constraint(.check)
            case "40001", "40P01", "55P03", "57014", "53300": .busy
            case "53100": .full
            case "25006": .readOnly
            case "22021", "22P05": .invalidText
            case "XX001", "XX002": .corrupt
            default:
                switch state.prefix(2) {
                case "08", "57", "53", "58", "28", "3D": .unavailable
                case "23": .constraint(.other)
                default: .other
                }
            }
        // 0A000 and 26000: a prepared statement that a migration of another node made stale.
        let again =
            ["40001", "40P01", "26000"].contains(state) || (state == "0A000" && message.contains("cached plan"))
        return StoreError(kind, "PostgreSQL: \(message) (\(state))", again ? .runAgain : .none)
    }

    var isStalePlan: Bool {
        remedy == .runAgain && kind == .other
    }
}

/// libpq's messages have several lines.
func oneLine(_ message: UnsafePointer<CChar>?) -> String {
    guard let message else { return "no message" }
    return String(cString: message).split(whereSeparator: \.isNewline).joined(separator: " ")
}
