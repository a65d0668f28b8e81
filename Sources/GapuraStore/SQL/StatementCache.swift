/// The prepared statements of one connection, at most so many; the least recently used goes first.
struct StatementCache<Prepared> {
    struct Key: Hashable {
        let text: String
        let types: [SQLType]
    }

    /// In use from `take` to the end of its execution, so that a nested use of the same text gets a statement of its
    /// own.
    final class Entry {
        let prepared: Prepared
        var isInUse = true
        fileprivate var usedAt: UInt64

        fileprivate init(_ prepared: Prepared, _ usedAt: UInt64) {
            self.prepared = prepared
            self.usedAt = usedAt
        }
    }

    enum Lookup {
        case found(Entry)
        case inUse
        case missing
    }

    private var entries: [Key: Entry] = [:]
    private var clock: UInt64 = 0
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    mutating func take(_ key: Key) -> Lookup {
        guard let entry = entries[key] else { return .missing }
        guard !entry.isInUse else { return .inUse }
        clock += 1
        entry.usedAt = clock
        entry.isInUse = true
        return .found(entry)
    }

    /// Keeps a new statement; returns it and one that has to be freed for it.
    mutating func keep(_ prepared: Prepared, for key: Key) -> (entry: Entry, evicted: Prepared?) {
        clock += 1
        let entry = Entry(prepared, clock)
        var evicted: Prepared?
        if entries.count >= limit {
            let idle = entries.lazy.filter { !$0.value.isInUse }
            if let oldest = idle.min(by: { $0.value.usedAt < $1.value.usedAt }) {
                evicted = entries.removeValue(forKey: oldest.key)?.prepared
            }
        }
        entries[key] = entry
        return (entry, evicted)
    }

    mutating func removeAll() -> [Prepared] {
        defer { entries = [:] }
        return entries.values.map(\.prepared)
    }
}
