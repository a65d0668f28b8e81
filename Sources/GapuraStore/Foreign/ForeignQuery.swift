/// What is read from a foreign database: a view, or one SELECT that was looked at before it is sent.
///
/// That look is for mistakes, so that they are named in the city's words. What makes a reading a reading is the
/// transaction, which the database keeps READ ONLY.
package struct ForeignQuery: Sendable, Equatable {
    enum Kind: Equatable {
        case view([String])
        case statement(String)
    }

    let kind: Kind

    static let maximumColumns = 100
    private static let maximumBytes = 64 * 1024

    /// A view or table, with its schema if need be: `kepegawaian.v_pegawai`.
    package init(view: String) throws(ForeignDatabaseError) {
        let parts = view.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let isName = parts.allSatisfy { part in
            (1...64).contains(part.utf8.count)
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "$"): true
                    default: false
                    }
                }
        }
        guard (1...2).contains(parts.count), isName else {
            throw ForeignDatabaseError(.address, "a view is named by letters, digits and _, with one dot at most")
        }
        kind = .view(parts)
    }

    /// One SELECT, or WITH … SELECT.
    package init(statement: String, for engine: ForeignDatabase.Engine) throws(ForeignDatabaseError) {
        guard statement.utf8.count <= Self.maximumBytes else {
            throw ForeignDatabaseError(.notOneSelect, "the statement is longer than \(Self.maximumBytes) bytes")
        }
        var scanner = StatementScanner(statement, engine)
        kind = .statement(try scanner.check())
    }
}

/// Walks over a statement word by word, past what is only text: strings, quoted names, comments.
private struct StatementScanner {
    private let text: [UInt8]
    private let engine: ForeignDatabase.Engine
    private var position = 0

    init(_ text: String, _ engine: ForeignDatabase.Engine) {
        self.text = Array(text.utf8)
        self.engine = engine
    }

    /// Words that a plain SELECT does not have outside strings and quoted names.
    private static let foreignWords: Set<String> = [
        "into", "insert", "update", "delete", "merge", "truncate", "drop", "alter", "create", "grant", "revoke", "call",
        "do", "load", "handler", "lock", "share", "copy", "execute", "prepare", "begin", "commit", "rollback",
        "outfile", "dumpfile",
    ]

    /// - Returns: the statement without the semicolon at its end.
    mutating func check() throws(ForeignDatabaseError) -> String {
        guard !text.contains(0) else { throw wrong("it holds a NUL") }
        var isFirst = true
        var end = text.count
        var hasEnded = false
        while position < text.count {
            let byte = text[position]
            let next = position + 1 < text.count ? text[position + 1] : 0
            if byte <= 0x20 {
                position += 1
                continue
            }
            if try skipComment(byte, next) { continue }
            guard !hasEnded else { throw wrong("there is more than one statement") }
            if byte == UInt8(ascii: ";") {
                hasEnded = true
                end = position
                position += 1
            } else if try skipQuoted(byte) {
                if isFirst { throw wrong("it does not begin with SELECT") }
            } else if Self.isWord(byte) {
                let word = takeWord()
                if isFirst, !["select", "with"].contains(word) { throw wrong("it does not begin with SELECT") }
                if Self.foreignWords.contains(word) { throw wrong("it has the word \(word.uppercased())") }
                isFirst = false
            } else {
                if isFirst, byte != UInt8(ascii: "(") { throw wrong("it does not begin with SELECT") }
                position += 1
            }
        }
        guard !isFirst else { throw wrong("it is empty") }
        return String(decoding: text[..<end], as: UTF8.self)
    }

    private mutating func skipComment(_ byte: UInt8, _ next: UInt8) throws(ForeignDatabaseError) -> Bool {
        if byte == UInt8(ascii: "#"), engine == .mysql {
            skipLine()
        } else if byte == UInt8(ascii: "-"), next == UInt8(ascii: "-") {
            // MySQL takes -- for a comment only before white space.
            let third = position + 2 < text.count ? text[position + 2] : 0x0a
            guard engine == .postgres || third <= 0x20 else { throw wrong("two minus signs without a space behind") }
            skipLine()
        } else if byte == UInt8(ascii: "/"), next == UInt8(ascii: "*") {
            let third = position + 2 < text.count ? text[position + 2] : 0
            // MySQL runs what stands in /*! … */ and MariaDB in /*M! … */.
            guard engine == .postgres || ![UInt8(ascii: "!"), UInt8(ascii: "M")].contains(third) else {
                throw wrong("it has a comment that is run")
            }
            try skipBlock()
        } else {
            return false
        }
        return true
    }

    private mutating func skipLine() {
        while position < text.count, text[position] != 0x0a { position += 1 }
    }

    /// PostgreSQL's comments contain comments.
    private mutating func skipBlock() throws(ForeignDatabaseError) {
        var depth = 0
        while position + 1 < text.count {
            if text[position] == UInt8(ascii: "/"), text[position + 1] == UInt8(ascii: "*") {
                if depth == 0 || engine == .postgres { depth += 1 }
                position += 2
            } else if text[position] == UInt8(ascii: "*"), text[position + 1] == UInt8(ascii: "/") {
                depth -= 1
                position += 2
                if depth == 0 { return }
            } else {
                position += 1
            }
        }
        throw wrong("a comment has no end")
    }

    private mutating func skipQuoted(_ byte: UInt8) throws(ForeignDatabaseError) -> Bool {
        switch byte {
        case UInt8(ascii: "'"), UInt8(ascii: "\""):
            // E'…' is the only string of PostgreSQL in which a backslash counts.
            let hasEscapes =
                engine == .mysql
                || (byte == UInt8(ascii: "'") && position > 0 && text[position - 1] | 0x20 == UInt8(ascii: "e"))
            try skip(to: byte, hasEscapes: hasEscapes)
        case UInt8(ascii: "`") where engine == .mysql:
            try skip(to: byte, hasEscapes: false)
        case UInt8(ascii: "$") where engine == .postgres:
            throw wrong("it has a dollar sign: write texts between single quotes")
        default:
            return false
        }
        return true
    }

    /// A doubled mark ends one text and begins the next, which comes to the same.
    private mutating func skip(to mark: UInt8, hasEscapes: Bool) throws(ForeignDatabaseError) {
        position += 1
        while position < text.count {
            if text[position] == UInt8(ascii: "\\"), hasEscapes {
                position += 2
            } else if text[position] == mark {
                position += 1
                return
            } else {
                position += 1
            }
        }
        throw wrong("a quotation has no end")
    }

    private mutating func takeWord() -> String {
        let start = position
        while position < text.count, Self.isWord(text[position]) { position += 1 }
        return String(decoding: text[start..<position], as: UTF8.self).lowercased()
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), 0x80...: true
        default: false
        }
    }

    private func wrong(_ what: String) -> ForeignDatabaseError {
        ForeignDatabaseError(.notOneSelect, "the query must be one SELECT: \(what)")
    }
}
