import CSQLite

/// What the whole SQLite library does in this process.
enum SQLiteMemory {
    /// SQLite adds up the bytes that it holds, for a question that we never ask, and takes one lock for all connections
    /// each time: look-ups of two threads wait for each other there. To be touched before the first connection; later it
    /// changes nothing, and does no harm.
    static let countNothing: Void = { _ = gapura_sqlite_count_memory(0) }()
}
