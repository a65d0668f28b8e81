package import GapuraFormats

/// One row of a result; columns go by their position in the select list.
///
/// A column of another type than asked for is a defect of the query or of the data, and an error, never a guess.
package struct Row: Sendable, Equatable {
    package let values: [SQLValue]

    package func text(_ index: Int) throws -> String {
        guard case .text(let text) = try value(index) else { throw mismatch(index, "text") }
        return text
    }

    package func optionalText(_ index: Int) throws -> String? {
        try value(index) == .null ? nil : text(index)
    }

    package func integer(_ index: Int) throws -> Int64 {
        guard case .integer(let integer) = try value(index) else { throw mismatch(index, "an integer") }
        return integer
    }

    package func optionalInteger(_ index: Int) throws -> Int64? {
        try value(index) == .null ? nil : integer(index)
    }

    /// 0 or 1; another number is an error.
    package func bool(_ index: Int) throws -> Bool {
        switch try integer(index) {
        case 0: false
        case 1: true
        default: throw mismatch(index, "0 or 1")
        }
    }

    package func time(_ index: Int) throws -> Timestamp {
        Timestamp(milliseconds: try integer(index))
    }

    package func optionalTime(_ index: Int) throws -> Timestamp? {
        try optionalInteger(index).map { Timestamp(milliseconds: $0) }
    }

    package func id<Entity>(_ index: Int) throws -> ID<Entity> {
        guard let id = ID<Entity>(try text(index)) else { throw mismatch(index, "an identifier") }
        return id
    }

    package func optionalID<Entity>(_ index: Int) throws -> ID<Entity>? {
        try value(index) == .null ? nil : id(index)
    }

    /// An enumeration stored by its raw value; a value it does not know is an error.
    package func value<Case: RawRepresentable<String>>(_ index: Int, as type: Case.Type = Case.self) throws -> Case {
        guard let known = Case(rawValue: try text(index)) else { throw mismatch(index, "a known \(type)") }
        return known
    }

    private func value(_ index: Int) throws -> SQLValue {
        guard values.indices.contains(index) else {
            throw StoreError(.other, "the result has \(values.count) columns; column \(index) was asked for")
        }
        return values[index]
    }

    private func mismatch(_ index: Int, _ wanted: String) -> StoreError {
        StoreError(.other, "column \(index) of the result is not \(wanted)")
    }
}
