/// One SQL statement with its parameters, built by string interpolation, so that a value becomes a parameter and
/// never text:
///
///     "SELECT name FROM people WHERE id = \(id) AND state IN \(list: states)"
///
/// Placeholders are printed as `$1`, `$2`, … in order. To PostgreSQL these are positions; to SQLite they are names
/// that it numbers by first
/// appearance, which comes to the same. So one text serves both engines, nothing is rewritten, and both find it in
/// their statement caches.
package struct Statement: ExpressibleByStringInterpolation, Sendable {
    /// The text both engines get.
    let text: String
    /// The parameters in the order of their placeholders.
    let bindings: [Binding]
    /// Where in `text.utf8` each placeholder starts, for splicing.
    private let marks: [Int]

    struct Binding: Sendable {
        let value: SQLValue
        let type: SQLType

        init(value: SQLValue, type: SQLType) {
            self.value = value
            self.type = type
        }
    }

    package init(stringLiteral text: String) {
        self.init(trusted: text)
    }

    package init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
        bindings = stringInterpolation.bindings
        marks = stringInterpolation.marks
    }

    /// Text that this target made itself (names of tables from the catalogue, quoted). Nothing foreign comes here.
    init(trusted text: String) {
        self.text = text
        bindings = []
        marks = []
    }

    /// Text with parameters in a given order, for `INSERT` with many rows. `text` holds `$1` … `$n` itself.
    init(trusted text: String, bindings: [Binding]) {
        self.text = text
        self.bindings = bindings
        marks = []
    }

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""
        fileprivate var bindings: [Binding] = []
        fileprivate var marks: [Int] = []

        package init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + 3 * interpolationCount)
            bindings.reserveCapacity(interpolationCount)
            marks.reserveCapacity(interpolationCount)
        }

        package mutating func appendLiteral(_ literal: String) {
            text += literal
        }

        /// A value, or NULL: it becomes a parameter. One method for both, or the compiler warns of optionals that
        /// might be printed.
        package mutating func appendInterpolation<Value: SQLConvertible>(_ value: Value?) {
            bind(Binding(value: value?.sqlValue ?? .null, type: Value.sqlType))
        }

        /// Values in parentheses, for `IN`. An empty list is an empty subselect, so that `IN` is false and `NOT IN`
        /// is true on both engines.
        package mutating func appendInterpolation<Value: SQLConvertible>(list values: some Collection<Value>) {
            guard !values.isEmpty else {
                text += "(SELECT CAST(NULL AS \(Value.sqlType == .integer ? "BIGINT" : "TEXT")) WHERE 1 = 0)"
                return
            }
            var separator = "("
            for value in values {
                text += separator
                bind(Binding(value: value.sqlValue, type: Value.sqlType))
                separator = ", "
            }
            text += ")"
        }

        /// A piece of SQL that stands in our source code; the compiler refuses anything else.
        package mutating func appendInterpolation(raw: StaticString) {
            text += raw.description
        }

        /// Another statement with its parameters, renumbered.
        package mutating func appendInterpolation(fragment: Statement) {
            let bytes = fragment.text.utf8
            var position = bytes.startIndex
            var offset = 0
            for (mark, binding) in zip(fragment.marks, fragment.bindings) {
                let start = bytes.index(position, offsetBy: mark - offset)
                text += fragment.text[position..<start]
                bind(binding)
                position = bytes.index(after: start)
                while position < bytes.endIndex, bytes[position] >= UInt8(ascii: "0"),
                    bytes[position] <= UInt8(ascii: "9")
                {
                    position = bytes.index(after: position)
                }
                offset = bytes.distance(from: bytes.startIndex, to: position)
            }
            text += fragment.text[position...]
        }

        private mutating func bind(_ binding: Binding) {
            marks.append(text.utf8.count)
            bindings.append(binding)
            text += "$"
            text += String(bindings.count)
        }
    }
}
