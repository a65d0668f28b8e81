import CPostgres

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// PostgreSQL through libpq, row by row (single-row mode). Apart from `PostgresConnection`, which is made for our own
/// database: that one writes, keeps statements prepared and has its types.
final class ForeignPostgresConnection: ForeignConnection {
    private let handle: OpaquePointer
    private let interrupt: ForeignInterrupt
    private let silenceLimit: UInt64

    init(_ database: ForeignDatabase, password: String?, _ interrupt: ForeignInterrupt) throws {
        var parameters = [
            ("host", database.host ?? database.socket ?? ""), ("user", database.user), ("dbname", database.database),
            ("application_name", "gapura"), ("client_encoding", "UTF8"),
            ("connect_timeout", "\(max(2, database.connectSeconds))"),
            ("tcp_user_timeout", "\(database.readSeconds * 1000)"),
        ]
        if let port = database.port { parameters.append(("port", "\(port)")) }
        if let password { parameters.append(("password", password)) }
        switch database.encryption {
        case .off: parameters.append(("sslmode", "disable"))
        case .unverified: parameters.append(("sslmode", "require"))
        case .verified:
            parameters.append(("sslmode", "verify-full"))
            // Nobody's home folder decides whom we believe.
            parameters.append(
                ("sslrootcert", database.certificates ?? "/etc/ssl/certs/ca-certificates.crt"))
        }
        let names = CStringList(parameters.map(\.0))
        let values = CStringList(parameters.map(\.1))
        // Not expanded: a name with = in it would be taken for more parameters.
        let connected = names.withPointers { names in values.withPointers { PQconnectdbParams(names, $0, 0) } }
        guard let handle = connected else { throw ForeignDatabaseError(.unreachable, "out of memory") }
        guard PQstatus(handle) == CONNECTION_OK else {
            let error = Self.connectionProblem(oneLine(PQerrorMessage(handle)))
            PQfinish(handle)
            throw error
        }
        self.handle = handle
        self.interrupt = interrupt
        silenceLimit = UInt64(database.readSeconds) * 1_000_000_000
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        try interrupt.watch(PQsocket(handle))
        let limit = database.totalSeconds * 1000
        for statement in [
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET DateStyle = ISO",
            "SET standard_conforming_strings = on", "SET statement_timeout = \(limit)",
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        ] {
            try select(statement, isSelect: false) { _ in
                []
            } row: { _ in
            }
        }
    }

    deinit {
        PQfinish(handle)
    }

    func select(_ sql: String, header: ([String]) throws -> [Bool], row: ([ForeignValue?]) throws -> Void) throws {
        try select(sql, isSelect: true, header: header, row: row)
    }

    private func select(
        _ sql: String, isSelect: Bool, header: ([String]) throws -> [Bool], row: ([ForeignValue?]) throws -> Void
    ) throws {
        try interrupt.check()
        // The extended protocol takes one statement, whatever the text holds.
        guard PQsendQueryParams(handle, sql, 0, nil, nil, nil, nil, 0) == 1, PQsetSingleRowMode(handle) == 1 else {
            throw lost()
        }
        var reading: Reading?
        while let result = try next() {
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_SINGLE_TUPLE, PGRES_TUPLES_OK:
                if reading == nil { reading = try Reading(result, header) }
                for index in 0..<PQntuples(result) { try reading?.take(result, index, row) }
            case PGRES_COMMAND_OK where !isSelect: break
            case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY, PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                throw ForeignDatabaseError(.notOneSelect, "the query answers no rows")
            default:
                throw problem(result)
            }
        }
    }

    /// One answer's columns, and which of them are wanted.
    private struct Reading {
        private var values: [ForeignValue?]
        private let places: [(index: Int, isFloat: Bool)]

        init(_ result: OpaquePointer, _ header: ([String]) throws -> [Bool]) throws {
            let count = Int(PQnfields(result))
            let names = (0..<count).map { PQfname(result, CInt($0)).map { String(cString: $0) } ?? "" }
            let wanted = try header(names)
            values = Array(repeating: nil, count: count)
            places = (0..<count).filter { wanted.indices.contains($0) && wanted[$0] }.map { index in
                let type = PQftype(result, CInt(index))
                return (index, type == 700 || type == 701)
            }
        }

        mutating func take(_ result: OpaquePointer, _ row: CInt, _ body: ([ForeignValue?]) throws -> Void) throws {
            for (index, isFloat) in places {
                let column = CInt(index)
                let isNull = PQgetisnull(result, row, column) == 1
                values[index] = try ForeignText.value(
                    isNull ? nil : PQgetvalue(result, row, column).map { UnsafePointer($0) },
                    Int(PQgetlength(result, row, column)), isFloat: isFloat)
            }
            try body(values)
        }
    }

    /// The next part of the answer; nil at its end.
    private func next() throws -> OpaquePointer? {
        while PQisBusy(handle) == 1 {
            var descriptor = pollfd(fd: PQsocket(handle), events: CShort(POLLIN), revents: 0)
            let ready = poll(&descriptor, 1, CInt(clamping: silenceLimit / 1_000_000))
            if ready < 0, errno == EINTR { continue }
            try interrupt.check()
            guard ready != 0 else { throw ForeignDatabaseError(.timedOut, "PostgreSQL does not answer") }
            guard PQconsumeInput(handle) == 1 else { throw lost() }
        }
        return PQgetResult(handle)
    }

    // MARK: What went wrong

    private func lost() -> ForeignDatabaseError {
        ForeignDatabaseError(.lost, oneLine(PQerrorMessage(handle)))
    }

    private func problem(_ result: OpaquePointer) -> ForeignDatabaseError {
        guard let state = PQresultSQLState(result).map({ String(cString: $0) }) else { return lost() }
        let message = oneLine(PQresultPrimaryMessage(result))
        let kind: ForeignDatabaseError.Kind =
            switch state {
            case "42P01", "42703", "3F000", "3D000": .notFound
            case "42501": .notAllowed
            case "25006": .wouldWrite
            case "57014": .timedOut
            case "57P01", "57P02", "57P03", "57P05", "08000", "08003", "08006": .lost
            case "22021", "22P05": .notUTF8
            default: PQstatus(handle) == CONNECTION_OK ? .statement : .lost
            }
        return ForeignDatabaseError(kind, "\(message) (PostgreSQL \(state))")
    }

    /// libpq says why it did not connect in words alone.
    private static func connectionProblem(_ message: String) -> ForeignDatabaseError {
        let marks: [(String, ForeignDatabaseError.Kind)] = [
            ("password authentication failed", .signIn), ("no password supplied", .signIn),
            ("authentication failed", .signIn), ("no pg_hba.conf entry", .signIn), ("certificate", .encryption),
            ("SSL", .encryption), ("timeout expired", .timedOut), ("does not exist", .notFound),
        ]
        return ForeignDatabaseError(marks.first { message.contains($0.0) }?.1 ?? .unreachable, message)
    }
}
