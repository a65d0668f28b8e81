internal import Dispatch

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A database of somebody else, a city's SIMPEG, of which we only read: where it is and how to sign in.
///
/// The password is no part of the address: whoever lists processes would see it, and so would every log.
package struct ForeignDatabase: Sendable, Equatable {
    /// Whose protocol it speaks.
    package enum Engine: String, Sendable {
        /// MySQL and MariaDB.
        case mysql
        case postgres
    }

    /// What lies between us and it.
    package enum Encryption: String, Sendable, CaseIterable {
        /// TLS, with a certificate for the host's name from an authority that is known.
        case verified
        /// TLS with whatever certificate: nobody can listen, and whoever answers is believed.
        case unverified
        case off
    }

    /// Where the password is.
    package enum Password: Sendable, Equatable {
        case file(String)
        /// The name of an environment variable.
        case variable(String)
    }

    package let engine: Engine
    /// Nil where a socket is named.
    package let host: String?
    package let port: Int?
    /// A socket of this machine; for PostgreSQL its folder.
    package let socket: String?
    package let user: String
    package let database: String
    package var password: Password?
    package var encryption: Encryption
    /// A file of certificates instead of the system's.
    package var certificates: String?
    package var connectSeconds = 10
    /// How long it may be silent.
    package var readSeconds = 60
    /// How long a reading may take altogether.
    package var totalSeconds = 1800

    /// Reads `mysql://user@host:port/database` or `postgres://…`; with `?socket=/path` instead of a host for one on
    /// this machine. `mariadb` and `postgresql` are the same.
    package init(url: String) throws(ForeignDatabaseError) {
        let parts = try AddressParts(url)
        engine = parts.engine
        host = parts.host
        port = parts.port
        socket = parts.socket
        user = parts.user
        database = parts.database
        // Nobody sits between us and this machine.
        encryption = socket != nil || ["localhost", "127.0.0.1", "::1"].contains(host ?? "") ? .off : .verified
    }

    /// For people and the record of a load; without the user.
    package var label: String {
        let place = host.map { host in port.map { "\(host):\($0)" } ?? host } ?? "localhost"
        return "\(engine.rawValue)://\(place)/\(database)"
    }

    /// Reads what a query answers, row by row, in one transaction that can only read. It takes as long as it takes:
    /// call it on a thread of its own.
    ///
    /// - Parameters:
    ///   - interrupt: ends the reading from another thread.
    ///   - header: gets the names of the columns and answers which are wanted. Of a view no other column leaves the
    ///     database.
    ///   - row: gets the values of the wanted columns; the others are nil.
    /// - Throws: `ForeignDatabaseError`, `CancellationError`, and what the closures throw.
    package func read(
        _ query: ForeignQuery, interrupt: ForeignInterrupt, header: ([String]) throws -> [Bool],
        row: ([ForeignValue?]) throws -> Void
    ) throws {
        let secret = try password.map { password throws(ForeignDatabaseError) in try password.read() }
        let deadline = DispatchWorkItem { interrupt.end(.tooSlow) }
        DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(totalSeconds), execute: deadline)
        defer { deadline.cancel() }
        do {
            try interrupt.check()
            let connection: any ForeignConnection =
                switch engine {
                case .mysql: try MariaDBConnection(self, password: secret, interrupt)
                case .postgres: try ForeignPostgresConnection(self, password: secret, interrupt)
                }
            defer { interrupt.forget() }
            switch query.kind {
            case .statement(let sql):
                try connection.select(sql) { names in
                    guard names.count <= ForeignQuery.maximumColumns else {
                        throw ForeignDatabaseError(.tooLarge, "the query has \(names.count) columns")
                    }
                    return try header(names)
                } row: {
                    try row($0)
                }
            case .view(let parts):
                let view = parts.map { engine.quoted($0) }.joined(separator: ".")
                var names: [String] = []
                try connection.select("SELECT * FROM \(view) LIMIT 0") {
                    names = $0
                    return $0.map { _ in false }
                } row: { _ in
                }
                let wanted = try header(names)
                let places = names.indices.filter { wanted.indices.contains($0) && wanted[$0] }
                guard !places.isEmpty else { throw ForeignDatabaseError(.statement, "the view has no needed column") }
                let columns = places.map { engine.quoted(names[$0]) }.joined(separator: ", ")
                try connection.select("SELECT \(columns) FROM \(view)") {
                    $0.map { _ in true }
                } row: { values in
                    var all = [ForeignValue?](repeating: nil, count: names.count)
                    for (place, value) in zip(places, values) { all[place] = value }
                    try row(all)
                }
            }
        } catch let error as ForeignDatabaseError {
            // A line that was cut from our side is no fault of theirs.
            try interrupt.check()
            throw error
        }
    }
}

extension ForeignDatabase.Engine {
    /// A name that may be anything, as an identifier.
    fileprivate func quoted(_ name: String) -> String {
        let mark: Unicode.Scalar = self == .mysql ? "`" : "\""
        var quoted = String.UnicodeScalarView([mark])
        for scalar in name.unicodeScalars {
            if scalar == mark { quoted.append(mark) }
            quoted.append(scalar)
        }
        quoted.append(mark)
        return String(quoted)
    }
}

extension ForeignDatabase.Password {
    private static let maximumBytes = 1024

    /// The password itself; a line end behind it is not part of it.
    fileprivate func read() throws(ForeignDatabaseError) -> String {
        let bytes: [UInt8]
        switch self {
        case .variable(let name):
            guard let value = getenv(name) else {
                throw ForeignDatabaseError(.password, "the environment variable \(name) is not set")
            }
            bytes = Array(String(cString: value).utf8)
        case .file(let path):
            bytes = try Self.contents(path)
        }
        var text = bytes[...]
        while text.last == 0x0a || text.last == 0x0d { text = text.dropLast() }
        guard !text.isEmpty, text.count <= Self.maximumBytes, !text.contains(0),
            let password = String(validating: text, as: UTF8.self)
        else { throw ForeignDatabaseError(.password, "what stands there is no password") }
        return password
    }

    private static func contents(_ path: String) throws(ForeignDatabaseError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw ForeignDatabaseError(.password, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            throw ForeignDatabaseError(.password, "\(path) is not a file")
        }
        guard information.st_mode & 0o007 == 0 else {
            throw ForeignDatabaseError(.password, "everybody may read \(path); chmod 600 it")
        }
        var buffer = [UInt8](repeating: 0, count: maximumBytes + 3)
        let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else {
            throw ForeignDatabaseError(.password, "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        return Array(buffer.prefix(count))
    }
}

/// A value of a foreign row, as text.
package enum ForeignValue: Sendable, Equatable {
    case null
    /// Also whole and decimal numbers, which lose no digit, days and times.
    case text(String)
    /// A floating-point number: an identifier that went through one is damaged.
    case float(String)
}

/// One connection to a foreign database, used by one thread. It ends with the value.
protocol ForeignConnection: AnyObject {
    /// Sends one statement and hands out its rows as they come.
    func select(_ sql: String, header: ([String]) throws -> [Bool], row: ([ForeignValue?]) throws -> Void) throws
}

/// The parts of an address, each taken apart as bytes.
private struct AddressParts {
    let engine: ForeignDatabase.Engine
    var host: String?
    var port: Int?
    var socket: String?
    let user: String
    let database: String

    init(_ url: String) throws(ForeignDatabaseError) {
        func wrong(_ what: String) -> ForeignDatabaseError { ForeignDatabaseError(.address, what) }
        guard url.utf8.count <= 1024, url.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw wrong("it holds a character that no address has")
        }
        guard let mark = url.firstRange(of: "://") else {
            throw wrong("it does not begin with mysql:// or postgres://")
        }
        switch url[..<mark.lowerBound].lowercased() {
        case "mysql", "mariadb": engine = .mysql
        case "postgres", "postgresql": engine = .postgres
        default: throw wrong("it does not begin with mysql:// or postgres://")
        }
        var rest = url[mark.upperBound...]
        if let question = rest.firstIndex(of: "?") {
            for item in rest[rest.index(after: question)...].split(separator: "&") {
                guard item.hasPrefix("socket=/") else { throw wrong("behind ? only socket=/path may stand") }
                socket = try Self.decoded(item.dropFirst("socket=".count))
            }
            rest = rest[..<question]
        }
        guard let slash = rest.firstIndex(of: "/") else { throw wrong("the name of the database is missing") }
        database = try Self.decoded(rest[rest.index(after: slash)...])
        rest = rest[..<slash]
        guard let at = rest.lastIndex(of: "@") else { throw wrong("the user is missing") }
        guard !rest[..<at].contains(":") else {
            throw wrong("a password does not belong here: name a file or a variable in the profile")
        }
        user = try Self.decoded(rest[..<at])
        guard !user.isEmpty, !database.isEmpty else { throw wrong("user or database is missing") }
        try readPlace(rest[rest.index(after: at)...])
    }

    private mutating func readPlace(_ place: Substring) throws(ForeignDatabaseError) {
        var place = place
        if place.hasPrefix("["), let end = place.firstIndex(of: "]") {
            host = String(place[place.index(after: place.startIndex)..<end])
            place = place[place.index(after: end)...]
        } else {
            let end = place.firstIndex(of: ":") ?? place.endIndex
            host = String(place[..<end])
            place = place[end...]
        }
        if place.first == ":" {
            guard let number = Int(place.dropFirst()), (1...65_535).contains(number) else {
                throw ForeignDatabaseError(.address, "the port is none")
            }
            port = number
        } else if !place.isEmpty {
            throw ForeignDatabaseError(.address, "the host is none")
        }
        if socket != nil {
            guard host == "" || host == "localhost", port == nil || engine == .postgres else {
                throw ForeignDatabaseError(.address, "a socket is on this machine, and has no host or port")
            }
            host = nil
        } else {
            // libpq takes a comma for a list of hosts and a slash for a socket.
            guard let host, !host.isEmpty, !host.utf8.contains(where: { ",/%@ ".utf8.contains($0) }) else {
                throw ForeignDatabaseError(.address, "the host is missing or none")
            }
        }
    }

    private static func decoded(_ text: Substring) throws(ForeignDatabaseError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(rest.prefix(2)) ?? "", radix: 16), value >= 0x20 else {
                throw ForeignDatabaseError(.address, "a percent sign without two digits behind it")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw ForeignDatabaseError(.address, "it is not UTF-8")
        }
        return decoded
    }
}
