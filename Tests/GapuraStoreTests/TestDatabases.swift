import Foundation
import PostgresTesting
import Testing

@testable import GapuraStore

/// The engines every storage test runs on.
let engines: [Engine] = [.sqlite, .postgres]

/// A schema of our own, so that these tests do not change with the product's.
let testMigrations: [Migration] = [
    Migration(version: 1, name: "first") { tx in
        try tx.run("CREATE TABLE units (id TEXT PRIMARY KEY, parent TEXT REFERENCES units (id), name TEXT NOT NULL)")
        try tx.run(
            """
            CREATE TABLE codes (
                id TEXT PRIMARY KEY, unit TEXT REFERENCES units (id), used_at BIGINT, note TEXT,
                amount BIGINT CHECK (amount >= 0)
            )
            """
        )
        try tx.run("INSERT INTO units (id, name) VALUES ('root', 'Pemerintah Kota')")
    },
    Migration(version: 2, name: "second") { tx in
        try tx.run("CREATE TABLE heads (id BIGINT PRIMARY KEY, seq BIGINT NOT NULL)")
        try tx.run("INSERT INTO heads (id, seq) VALUES (1, 0)")
    },
]

/// A folder that is gone after the test.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/gapura-test-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    var database: String { path + "/gapura.db" }
}

/// A place for a database that does not exist yet (SQLite) or is empty (PostgreSQL).
func newLocation(_ engine: Engine, _ folder: TemporaryFolder) throws -> DatabaseLocation {
    switch engine {
    case .sqlite: .sqlite(path: folder.path + "/\(UUID().uuidString).db")
    case .postgres: .postgres(url: try PostgresCluster.shared().makeDatabase())
    }
}

/// An open store in a world of its own.
func withStore(
    _ engine: Engine, options: StoreOptions? = nil, _ body: (Store) async throws -> Void
) async throws {
    let location: DatabaseLocation =
        engine == .sqlite ? .sqliteMemory : .postgres(url: try PostgresCluster.shared().makeDatabase())
    let store = try await Store.open(location, migrations: testMigrations, options: options)
    do { try await body(store) } catch {
        await store.close()
        throw error
    }
    await store.close()
}

/// The error of something that has to fail.
func storeError(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> StoreError? {
    do {
        try await body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
        return nil
    } catch let error as StoreError {
        return error
    } catch {
        Issue.record("\(error)", sourceLocation: sourceLocation)
        return nil
    }
}

/// Something has to fail, of that kind if one is given.
func expectFailure(
    _ kind: StoreError.Kind? = nil, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
    let error = await storeError(sourceLocation: sourceLocation, body)
    if let kind { #expect(error?.kind == kind, "\(error?.message ?? "")", sourceLocation: sourceLocation) }
}

extension Store {
    func count(_ statement: Statement) async throws -> Int64 {
        try await read { try $0.first(statement)?.integer(0) ?? -1 }
    }
}
