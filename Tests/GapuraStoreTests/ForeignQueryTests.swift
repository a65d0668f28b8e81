import Testing

@testable import GapuraStore

/// What is sent to somebody else's database, and where.
@Suite("Foreign databases: addresses and queries")
struct ForeignQueryTests {
    private func kind(_ sql: String, _ engine: ForeignDatabase.Engine) -> ForeignDatabaseError.Kind? {
        do {
            _ = try ForeignQuery(statement: sql, for: engine)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test(
        "one SELECT is sent, whatever stands in its texts, names and comments",
        arguments: [
            "SELECT a FROM b", "select a from b;",
            " \n-- update\nSELECT 'delete; drop' AS \"insert\" FROM b /* into */ ;  -- end",
            "WITH x AS (SELECT 1) SELECT * FROM x", "(SELECT 1) UNION (SELECT 2)", "SELECT 'it''s; drop'",
            "SELECT updated_at, deleted, created_by FROM b", "SELECT replace(a, 'x', 'y') FROM b",
        ])
    func accepted(_ sql: String) {
        #expect(kind(sql, .mysql) == nil)
        #expect(kind(sql, .postgres) == nil)
    }

    @Test(
        "attack 331: anything else is refused before it is sent",
        arguments: [
            "", ";", "-- SELECT 1", "DELETE FROM b", "SELECT 1; DROP TABLE b", "SELECT 1;;",
            "SELECT a INTO OUTFILE '/tmp/x' FROM b",
            "SELECT a INTO b FROM c", "SELECT a FROM b FOR UPDATE", "SELECT a FROM b LOCK IN SHARE MODE",
            "WITH x AS (DELETE FROM b RETURNING a) SELECT * FROM x", "'SELECT 1'", "SET sql_mode = ''", "SELECT 'a",
            "SELECT 1 /* ", "CALL p()", "EXPLAIN SELECT 1", "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE b",
            "SELECT '\\'; DROP TABLE b; -- '; DELETE FROM b", "SELECT 1\0",
        ])
    func refused(_ sql: String) {
        #expect(kind(sql, .mysql) == .notOneSelect)
        #expect(kind(sql, .postgres) == .notOneSelect)
    }

    @Test("each language has its own ways to hide a statement")
    func dialects() {
        #expect(kind("SELECT 1 /*! INTO OUTFILE '/tmp/x' */", .mysql) == .notOneSelect)
        #expect(kind("SELECT 1 /*M! INTO OUTFILE '/tmp/x' */", .mysql) == .notOneSelect)
        #expect(kind("SELECT 1 --1; DROP TABLE b", .mysql) == .notOneSelect)
        #expect(kind("SELECT 1 # ; DROP TABLE b", .mysql) == nil)
        #expect(kind("SELECT 1 # ; DROP TABLE b", .postgres) == .notOneSelect)
        #expect(kind("SELECT '\\'; DROP TABLE b'", .mysql) == nil)
        #expect(kind("SELECT '\\'; DROP TABLE b", .postgres) == .notOneSelect)
        #expect(kind("SELECT $$ ; $$", .postgres) == .notOneSelect)
        #expect(kind("SELECT /* /* */ ; DROP TABLE b */ 1", .postgres) == nil)
        #expect(kind("SELECT /* /* */ ; DROP TABLE b */ 1", .mysql) == .notOneSelect)
        #expect(kind("SELECT `a``;` FROM b", .mysql) == nil)
    }

    @Test("a view has letters, digits and one dot", arguments: ["v_pegawai", "kepegawaian.v_pegawai"])
    func views(_ name: String) throws {
        #expect(try ForeignQuery(view: name).kind == .view(name.split(separator: ".").map(String.init)))
    }

    @Test("and nothing else", arguments: ["", "a.b.c", "a b", "a;b", "a`", "\"a\"", ".a", "a.", "é"])
    func noViews(_ name: String) {
        #expect(throws: ForeignDatabaseError.self) { try ForeignQuery(view: name) }
    }

    @Test("an address has user, host and database, and never a password")
    func addresses() throws {
        let plain = try ForeignDatabase(url: "mysql://gapura@simpeg.contoh.invalid/simpeg")
        #expect(plain.host == "simpeg.contoh.invalid" && plain.port == nil && plain.user == "gapura")
        #expect(plain.encryption == .verified)
        #expect(plain.label == "mysql://simpeg.contoh.invalid/simpeg")
        let socket = try ForeignDatabase(url: "mariadb://a%40b@localhost/x%20y?socket=/run/mysqld/s")
        #expect(socket.user == "a@b" && socket.database == "x y" && socket.socket == "/run/mysqld/s")
        #expect(socket.host == nil && socket.encryption == .off)
        let six = try ForeignDatabase(url: "postgresql://a@[2001:db8::1]:5433/b")
        #expect(six.host == "2001:db8::1" && six.port == 5433 && six.engine == .postgres)
        for wrong in [
            "mysql://a:secret@h/b", "mysql://h/b", "mysql://a@h", "mysql://a@/b", "http://a@h/b", "mysql://a@h:0/b",
            "mysql://a@h/b?ssl=0", "postgres://a@h,i/b", "mysql://a@h/%zz", "mysql://a@h/b\n", "mysql://a@h/b%00",
            "mysql://a@h/b?socket=/s",
        ] {
            let error = #expect(throws: ForeignDatabaseError.self) { try ForeignDatabase(url: wrong) }
            #expect(error?.kind == .address, "\(wrong)")
            #expect(error?.description.contains("secret") == false)
        }
    }
}
