/// Where the data is: `sqlite:PATH`, `sqlite::memory:` or `postgres://user@host/database`.
package enum DatabaseLocation: Sendable, Equatable, CustomStringConvertible {
    case sqlite(path: String)
    /// A database of its own in a temporary folder, gone when the store is closed: what tests use. Same driver, same
    /// behaviour.
    case sqliteMemory
    case postgres(url: String)

    package init(_ text: String) throws {
        if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") {
            self = .postgres(url: text)
        } else if text == "sqlite::memory:" {
            self = .sqliteMemory
        } else if text.hasPrefix("sqlite:"), text.utf8.count > 7 {
            self = .sqlite(path: String(text.dropFirst(7)))
        } else {
            throw StoreError(.configuration, "the database is named as sqlite:PATH or postgres://USER@HOST/DATABASE")
        }
        guard !text.utf8.contains(0) else { throw StoreError(.configuration, "the name of the database holds a NUL") }
    }

    package var engine: Engine {
        if case .postgres = self { .postgres } else { .sqlite }
    }

    /// For logs: user, password and parameters of a URL are left out, since any of them may hold a secret.
    package var description: String {
        switch self {
        case .sqlite(let path): return "sqlite:\(path)"
        case .sqliteMemory: return "sqlite::memory:"
        case .postgres(let url):
            var rest = url[...]
            if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
            if let parameters = rest.firstIndex(of: "?") { rest = rest[..<parameters] }
            if let user = rest.lastIndex(of: "@") { rest = rest[rest.index(after: user)...] }
            return "postgres://\(rest)"
        }
    }
}
