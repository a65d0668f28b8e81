/// Why a foreign database gave nothing that can be used. Nothing of it was taken.
package struct ForeignDatabaseError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The reason as a stable word.
    package enum Kind: String, Sendable, CaseIterable {
        /// The address is none.
        case address = "database_address"
        /// There is no password where the profile says.
        case password = "database_password"
        case unreachable = "database_unreachable"
        /// Wrong user or password.
        case signIn = "database_sign_in"
        /// No TLS, or a certificate nobody can vouch for.
        case encryption = "database_encryption"
        /// No such database, table, view or column.
        case notFound = "database_not_found"
        case notAllowed = "database_not_allowed"
        /// More than one statement, or one that is no plain SELECT.
        case notOneSelect = "database_not_one_select"
        /// The statement wants to change something; the transaction does not let it.
        case wouldWrite = "database_would_write"
        case statement = "database_statement"
        case timedOut = "database_timed_out"
        /// The connection broke.
        case lost = "database_connection_lost"
        case noRows = "database_no_rows"
        case notUTF8 = "database_not_utf8"
        case tooLarge = "database_too_large"
    }

    package let kind: Kind
    /// More for the operator, in English; never a password and never contents of a row.
    package let detail: String

    package init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }

    package var description: String { "\(detail) (\(kind.rawValue))" }
}
