import CMariaDB

/// MySQL or MariaDB through libmariadb. Rows come one by one (`mysql_use_result`), so an answer of any length needs the
/// memory of one row.
final class MariaDBConnection: ForeignConnection {
    private let handle: UnsafeMutablePointer<MYSQL>
    private let interrupt: ForeignInterrupt
    private let silenceLimit: UInt64
    private var lastWord = monotonicNanoseconds()

    /// A malicious server may ask a client to use a way of signing in that hands over the password as it is.
    private static let signInWays = "mysql_native_password,client_ed25519,caching_sha2_password"
    private static let maximumPacket = 16 << 20
    /// Once in a process, before the first thread.
    private static let isReady: Bool = mysql_server_init(0, nil, nil) == 0

    init(_ database: ForeignDatabase, password: String?, _ interrupt: ForeignInterrupt) throws {
        guard Self.isReady, let handle = mysql_init(nil) else {
            throw ForeignDatabaseError(.unreachable, "out of memory")
        }
        self.handle = handle
        self.interrupt = interrupt
        silenceLimit = UInt64(database.readSeconds) * 1_000_000_000
        setOptions(database)
        // No flag: one statement at a time, and no file of ours for a server that asks for one.
        let connected = mysql_real_connect(
            handle, database.host, database.user, password, database.database, UInt32(database.port ?? 0),
            database.socket, 0)
        guard connected != nil else { throw problem(isConnecting: true) }
        try interrupt.watch(mysql_get_socket(handle))
        guard database.encryption == .off || mysql_get_ssl_cipher(handle) != nil else {
            throw ForeignDatabaseError(.encryption, "the server offers no TLS")
        }
        try prepareSession(database)
    }

    deinit {
        mysql_close(handle)
    }

    private func setOptions(_ database: ForeignDatabase) {
        func set(_ option: mysql_option, _ value: Int) {
            var number = UInt32(clamping: value)
            mysql_options(handle, option, &number)
        }
        func set(_ option: mysql_option, _ isOn: Bool) {
            var flag: CChar = isOn ? 1 : 0
            mysql_options(handle, option, &flag)
        }
        set(MYSQL_OPT_CONNECT_TIMEOUT, database.connectSeconds)
        set(MYSQL_OPT_READ_TIMEOUT, database.readSeconds)
        set(MYSQL_OPT_WRITE_TIMEOUT, database.readSeconds)
        set(MYSQL_OPT_LOCAL_INFILE, 0)
        var packet = UInt(Self.maximumPacket)
        mysql_options(handle, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet)
        mysql_options(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4")
        mysql_options(handle, MARIADB_OPT_RESTRICTED_AUTH, Self.signInWays)
        guard database.encryption != .off else { return }
        set(MYSQL_OPT_SSL_ENFORCE, true)
        set(MYSQL_OPT_SSL_VERIFY_SERVER_CERT, database.encryption == .verified)
        if let certificates = database.certificates { mysql_options(handle, MYSQL_OPT_SSL_CA, certificates) }
    }

    private func prepareSession(_ database: ForeignDatabase) throws {
        try run("SET SESSION TRANSACTION READ ONLY")
        // The statement was looked at by these rules: a backslash escapes, double quotes are strings.
        try run("SET SESSION sql_mode = ''")
        let isMariaDB = String(cString: mysql_get_server_info(handle)).contains("MariaDB")
        try run(
            isMariaDB
                ? "SET SESSION max_statement_time = \(database.totalSeconds)"
                : "SET SESSION max_execution_time = \(database.totalSeconds * 1000)")
        try run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    }

    private func run(_ sql: String) throws {
        try send(sql)
        if let result = mysql_use_result(handle) { mysql_free_result(result) }
    }

    private func send(_ sql: String) throws {
        try interrupt.check()
        lastWord = monotonicNanoseconds()
        guard mysql_real_query(handle, sql, UInt(sql.utf8.count)) == 0 else { throw problem() }
    }

    // MARK: Rows

    func select(_ sql: String, header: ([String]) throws -> [Bool], row: ([ForeignValue?]) throws -> Void) throws {
        try send(sql)
        guard let result = mysql_use_result(handle) else {
            if mysql_errno(handle) != 0 { throw problem() }
            throw ForeignDatabaseError(.notOneSelect, "the query answers no rows")
        }
        var isRead = false
        defer {
            if !isRead { interrupt.cut() }
            mysql_free_result(result)
        }
        let fields = UnsafeBufferPointer(start: mysql_fetch_fields(result), count: Int(mysql_num_fields(result)))
        let wanted = try header(fields.map { $0.name.map { String(cString: $0) } ?? "" })
        let isFloat = fields.map { $0.type == MYSQL_TYPE_FLOAT || $0.type == MYSQL_TYPE_DOUBLE }
        let places = fields.indices.filter { wanted.indices.contains($0) && wanted[$0] }
        var values = [ForeignValue?](repeating: nil, count: fields.count)
        while true {
            lastWord = monotonicNanoseconds()
            guard let cells = mysql_fetch_row(result) else { break }
            guard let lengths = mysql_fetch_lengths(result) else { throw problem() }
            for place in places {
                values[place] = try ForeignText.value(cells[place], Int(lengths[place]), isFloat: isFloat[place])
            }
            try row(values)
        }
        // The end of the rows and a broken line look the same here.
        guard mysql_errno(handle) == 0 else { throw problem() }
        isRead = true
    }

    // MARK: What went wrong

    private func problem(isConnecting: Bool = false) -> ForeignDatabaseError {
        let number = mysql_errno(handle)
        let message = oneLine(mysql_error(handle))
        let silence = monotonicNanoseconds() - lastWord
        let kind: ForeignDatabaseError.Kind =
            switch number {
            case 1045, 1251, 1698, 1524, 2059: .signIn
            case 2026: .encryption
            case 1049, 1054, 1146, 1356: .notFound
            case 1044, 1142, 1143, 1227, 1370: .notAllowed
            case 1290, 1792: .wouldWrite
            case 1969, 3024: .timedOut
            case 2002, 2003, 2005: .unreachable
            // The library has one number for a broken line and a silent one.
            case 2006, 2013, 2055, 1159, 1161:
                if silence + 500_000_000 >= silenceLimit { .timedOut } else { isConnecting ? .unreachable : .lost }
            case 1153, 2020: .tooLarge
            default: isConnecting ? .unreachable : .statement
            }
        return ForeignDatabaseError(kind, "\(message) (MySQL \(number))")
    }
}

/// Text as a client library hands it out.
enum ForeignText {
    private static let maximumBytes = 64 * 1024

    static func value(
        _ start: UnsafePointer<CChar>?, _ count: Int, isFloat: Bool
    ) throws(ForeignDatabaseError) -> ForeignValue {
        guard let start else { return .null }
        guard count <= maximumBytes else { throw ForeignDatabaseError(.tooLarge, "a value has \(count) bytes") }
        let bytes = UnsafeRawBufferPointer(start: start, count: count)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ForeignDatabaseError(.notUTF8, "a value is not UTF-8 text")
        }
        return isFloat ? .float(text) : .text(text)
    }
}
