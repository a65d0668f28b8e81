/// Why the database did not do what was asked. The message is English, for logs and operators, and never for the
/// answer to a browser.
package struct StoreError: Error, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// No connection, or it broke. After a COMMIT on PostgreSQL the outcome is then unknown.
        case unavailable
        /// The disk is full.
        case full
        case readOnly
        /// Too much is waiting, or a lock was not free in time.
        case busy
        /// Another process has the database open; see `DataLock`.
        case locked
        case constraint(Constraint)
        /// A later version of the program wrote this database.
        case newerSchema
        case corrupt
        /// What is there is something else, and is left alone.
        case foreign
        /// A restore into this database was interrupted: what lived when the backup was taken would live again.
        case halfRestored
        /// Text with a NUL, which no database text may have.
        case invalidText
        /// The configuration is wrong: a missing folder, wrong rights, an unknown kind of database.
        case configuration
        case other
    }

    package enum Constraint: Sendable, Equatable {
        case unique
        case foreignKey
        case notNull
        case check
        case other
    }

    package let kind: Kind
    package let message: String
    /// What the driver has to do about it.
    let remedy: Remedy

    enum Remedy: Sendable {
        case none
        /// A serialization failure or a stale plan: the same transaction may succeed when it runs again.
        case runAgain
        /// A sync to disk failed: nothing more may be acknowledged.
        case stop
    }

    package init(_ kind: Kind, _ message: String) {
        self.init(kind, message, .none)
    }

    init(_ kind: Kind, _ message: String, _ remedy: Remedy) {
        self.kind = kind
        self.message = message
        self.remedy = remedy
    }

    /// A column holds something that the program does not know.
    package static func unreadable(_ what: String) -> StoreError {
        StoreError(.corrupt, "the database holds something unknown in \(what)")
    }

    package var description: String { message }

    /// Whether it may pass by itself, so that an answer is 503 with `Retry-After` and not 500.
    package var isTemporary: Bool {
        switch kind {
        case .unavailable, .full, .readOnly, .busy, .locked: true
        default: false
        }
    }

    package var isUniqueViolation: Bool { kind == .constraint(.unique) }
}
