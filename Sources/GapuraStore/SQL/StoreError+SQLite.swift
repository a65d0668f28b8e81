import GRDB
import GRDBSQLite

extension StoreError {
    static let nul = StoreError(.invalidText, "text for the database holds a NUL")

    /// From an extended result code, <https://www.sqlite.org/rescode.html>.
    static func sqlite(code: CInt, message: String) -> StoreError {
        let kind: Kind =
            switch code & 0xff {
            case SQLITE_FULL: .full
            case SQLITE_READONLY, SQLITE_PERM: .readOnly
            case SQLITE_BUSY, SQLITE_LOCKED: .busy
            case SQLITE_CORRUPT: .corrupt
            case SQLITE_NOTADB: .foreign
            case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_NOMEM: .unavailable
            case SQLITE_CONSTRAINT: .constraint(constraint(code))
            default: .other
            }
        return StoreError(kind, "SQLite: \(message) (code \(code))", isFailedSync(code) ? .stop : .none)
    }

    /// What GRDB throws, and whatever else.
    static func opening(_ error: any Error) -> StoreError {
        switch error {
        case let error as StoreError: error
        case let error as DatabaseError:
            sqlite(code: error.extendedResultCode.rawValue, message: error.message ?? "\(error.resultCode)")
        default: StoreError(.unavailable, "SQLite: \(error)")
        }
    }

    /// A sync to disk that failed. What the system still has in memory is unknown then, so nothing more may be
    /// acknowledged.
    private static func isFailedSync(_ code: CInt) -> Bool {
        [1034, 1290].contains(code)  // SQLITE_IOERR_FSYNC, SQLITE_IOERR_DIR_FSYNC: function-like macros
    }

    private static func constraint(_ code: CInt) -> Constraint {
        switch code >> 8 {
        case 6, 8, 10: .unique  // PRIMARYKEY, UNIQUE, ROWID
        case 3: .foreignKey
        case 5: .notNull
        case 1: .check
        default: .other
        }
    }
}
