/// The values of rows on their way into a table, one after another.
struct RowValues {
    fileprivate var bindings: [Statement.Binding] = []

    mutating func add<Value: SQLConvertible>(_ value: Value?) {
        bindings.append(Statement.Binding(value: value?.sqlValue ?? .null, type: Value.sqlType))
    }
}

extension Transaction {
    /// How many rows go into one statement of a load: beyond that the rows themselves take nearly all the time, and
    /// the parameters stay far below what either engine allows.
    private static var rowsPerStatement: Int { 50 }

    /// Inserts rows, many to a statement.
    ///
    /// - Parameters:
    ///   - table: with its columns: `aliases (id, person_id)`.
    ///   - conflict: what follows the rows: `ON CONFLICT …`.
    ///   - fill: gives the values of one row, in the order of the columns.
    func insert<Element>(
        into table: Statement, _ elements: [Element], conflict: StaticString = "",
        _ fill: (inout RowValues, Element) -> Void
    ) throws {
        var full: String?
        var position = 0
        while position < elements.count {
            let batch = elements[position..<min(position + Self.rowsPerStatement, elements.count)]
            position += batch.count
            var values = RowValues()
            values.bindings.reserveCapacity(batch.count * 20)
            for element in batch { fill(&values, element) }
            let text: String
            if batch.count == Self.rowsPerStatement, let full {
                text = full
            } else {
                text = Self.text(table, rows: batch.count, columns: values.bindings.count / batch.count, conflict)
                if batch.count == Self.rowsPerStatement { full = text }
            }
            try run(Statement(trusted: text, bindings: values.bindings))
        }
    }

    /// How many keys go into one `IN`.
    private static var keysPerStatement: Int { 100 }

    /// Runs a statement for every hundred of many keys and gathers the rows.
    func portions<Key>(of keys: some Collection<Key>, _ body: ([Key]) throws -> [Row]) throws -> [Row] {
        var rows: [Row] = []
        var rest = Array(keys)[...]
        while !rest.isEmpty {
            rows += try body(Array(rest.prefix(Self.keysPerStatement)))
            rest = rest.dropFirst(Self.keysPerStatement)
        }
        return rows
    }

    private static func text(_ table: Statement, rows: Int, columns: Int, _ conflict: StaticString) -> String {
        var text = "INSERT INTO \(table.text) VALUES "
        for row in 0..<rows {
            text += row == 0 ? "(" : ", ("
            for column in 0..<columns {
                if column > 0 { text += ", " }
                text += "$"
                text += String(row * columns + column + 1)
            }
            text += ")"
        }
        return text + " \(conflict)"
    }
}
