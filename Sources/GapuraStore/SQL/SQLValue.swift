package import GapuraFormats

/// A value in the database. The portable subset has two types: TEXT and BIGINT.
package enum SQLValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case text(String)

    /// Text is equal when its bytes are, as in the database, and not as Swift's `String` compares.
    package static func == (left: SQLValue, right: SQLValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.integer(let left), .integer(let right)): left == right
        case (.text(let left), .text(let right)): left.isExactly(right)
        default: false
        }
    }
}

/// The type of a parameter. PostgreSQL wants it even for NULL.
package enum SQLType: Sendable, Hashable {
    case integer
    case text
    /// A bare `SQLValue.null`, whose type PostgreSQL has to find out from the statement.
    case unspecified
}

/// What may stand in a `Statement` as `\(value)`.
package protocol SQLConvertible {
    var sqlValue: SQLValue { get }
    /// Text unless said otherwise.
    static var sqlType: SQLType { get }
}

extension SQLConvertible {
    package static var sqlType: SQLType { .text }
}

extension String: SQLConvertible {
    package var sqlValue: SQLValue { .text(self) }
}

extension ExactText: SQLConvertible {
    package var sqlValue: SQLValue { .text(text) }
}

extension ID: SQLConvertible {
    package var sqlValue: SQLValue { .text(text) }
}

extension Int: SQLConvertible {
    package var sqlValue: SQLValue { .integer(Int64(self)) }
    package static var sqlType: SQLType { .integer }
}

extension Int64: SQLConvertible {
    package var sqlValue: SQLValue { .integer(self) }
    package static var sqlType: SQLType { .integer }
}

/// 0 or 1.
extension Bool: SQLConvertible {
    package var sqlValue: SQLValue { .integer(self ? 1 : 0) }
    package static var sqlType: SQLType { .integer }
}

/// Milliseconds since 1970.
extension Timestamp: SQLConvertible {
    package var sqlValue: SQLValue { .integer(milliseconds) }
    package static var sqlType: SQLType { .integer }
}

extension Optional: SQLConvertible where Wrapped: SQLConvertible {
    package var sqlValue: SQLValue { self?.sqlValue ?? .null }
    package static var sqlType: SQLType { Wrapped.sqlType }
}

extension SQLValue: SQLConvertible {
    package var sqlValue: SQLValue { self }
    package static var sqlType: SQLType { .unspecified }
}

/// An enumeration with raw values needs only to say that it is `SQLConvertible`.
extension SQLConvertible where Self: RawRepresentable, RawValue: SQLConvertible {
    package var sqlValue: SQLValue { rawValue.sqlValue }
    package static var sqlType: SQLType { RawValue.sqlType }
}
