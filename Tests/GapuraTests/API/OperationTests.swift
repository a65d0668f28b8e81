import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

/// What operations change and what the audit says of it.
@Suite("Operations")
struct OperationTests {
    @Test("the audit of an application says what changed, and state and owner before and after")
    func applicationAudit() async throws {
        try await withCity { city in
            _ = try await city.operate("application.add", ["slug": "e-uji", "name": "e-Uji", "agency": "UNOR-setda"])
            _ = try await city.operate(
                "application.update",
                ["slug": "e-uji", "name": "e-Uji 2", "contact": "Bidang SI", "agency": "UNOR-dinkes"])
            let updated = try await city.latest(.applicationUpdated)
            #expect(updated["changed"]?.strings == ["name", "owner", "contact"])
            #expect(updated["owner"]?["before"]?.string == city.units["setda"]?.id.text)
            #expect(updated["owner"]?["after"]?.string == city.units["dinkes"]?.id.text)
            #expect(updated["state"] == nil)
            #expect(!updated.encodedText().contains("Bidang"))
            _ = try await city.operate("application.state", ["slug": "e-uji", "state": "aktif"])
            let state = try await city.latest(.applicationUpdated)
            #expect(state == ["changed": ["state"], "state": ["before": "diajukan", "after": "aktif"]])
        }
    }

    @Test("a key is revoked only when that is confirmed, and then its tokens are dead and the audit knows")
    func revokeKey() async throws {
        try await withCity { city in
            let keyring = city.gateway.gateway.services.keyring
            let key = try #require(keyring.list().first { $0.algorithm == .es256 && $0.state == .active })
            let token = try await city.tokens("es")["id_token"]?.string
            #expect(token != nil)
            let warning = try await city.operate("keys.revoke", ["kid": .string(key.kid)])
            #expect(warning["revoked"]?.bool == false)
            #expect(warning["clients"]?.integer == 1)
            #expect(warning["algorithm"]?.string == "ES256")
            #expect(keyring.verificationKey(kid: key.kid) != nil)
            #expect(try await city.count("SELECT COUNT(*) FROM audit_events WHERE event = 'keys.revoked'") == 0)

            let done = try await city.operate("keys.revoke", ["kid": .string(key.kid), "confirmed": true])
            #expect(done["revoked"]?.bool == true)
            #expect(keyring.verificationKey(kid: key.kid) == nil)
            #expect(try keyring.signingKey(for: .es256).kid != key.kid)
            #expect(try await city.latest(.keysRevoked)["kid"]?.string == key.kid)
            #expect(await city.refusal("keys.revoke", ["kid": .string(key.kid), "confirmed": true]) == .notFound)
            #expect(try await city.tokens("es")["id_token"]?.string != nil)
        }
    }

    @Test("a new file takes its name without hard links, never another's, and is whole or not there")
    func newFile() async throws {
        try await withFolder { folder in
            let (draft, path) = (folder + "/b.partial", folder + "/b")
            func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
            try "baru".write(toFile: draft, atomically: false, encoding: .utf8)
            try NewFile(path).finish(with: draft)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "baru")
            #expect(try names() == ["b"])
            #expect { try NewFile.checkFree(path) } throws: { ($0 as? OperationError)?.code == .conflict }
            #expect { _ = try NewFile(path) } throws: { ($0 as? OperationError)?.code == .conflict }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "baru")
            // Without a draft, or unfinished, nothing is left behind.
            #expect(throws: OperationError.self) { try NewFile(folder + "/c").finish(with: folder + "/none") }
            try NewFile(folder + "/d").write("setengah")
            #expect(throws: OperationError.self) { _ = try NewFile(folder + "/none/e") }
            #expect(try names() == ["b"])
            let list = try NewFile(folder + "/f")
            try list.write("satu\r\n")
            try list.write("dua\r\n")
            try list.finish()
            #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/f")) == Data("satu\r\ndua\r\n".utf8))
            let mode = try FileManager.default.attributesOfItem(atPath: folder + "/f")[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }

    @Test("of eight backups to one path at once one is written, and is whole; the others take nothing away")
    func backupsAtOnce() async throws {
        try await withFolder { folder in
            try await withCity { city in
                let path = folder + "/cadangan.db"
                let codes = await outcomes(of: 8, city, path)
                #expect(codes.count { $0 == nil } == 1)
                #expect(codes.count { $0 == .conflict } == 7)
                let names = try FileManager.default.contentsOfDirectory(atPath: folder)
                #expect(names == ["cadangan.db"])
                #expect(try await BackupTrial.run(path).problems.isEmpty)
                #expect(try await city.audit(.backupWritten).count == 1)
            }
        }
    }

    /// Nothing for each that was written.
    private func outcomes(of count: Int, _ city: City, _ path: String) async -> [OperationError.Code?] {
        await withTaskGroup(of: OperationError.Code?.self) { group in
            for _ in 0..<count {
                group.addTask {
                    do {
                        _ = try await city.operate("backup.write", ["file": .string(path)])
                        return nil
                    } catch {
                        return (error as? OperationError)?.code ?? .failed
                    }
                }
            }
            return await group.reduce(into: [OperationError.Code?]()) { $0.append($1) }
        }
    }

    @Test("a backup whose audit row cannot be written is not there, and its name is free for the next try")
    func backupWithoutAudit() async throws {
        try await withFolder { folder in
            try await withCity { city in
                let path = folder + "/cadangan.db"
                try await city.run(
                    """
                    CREATE TRIGGER full_disk BEFORE INSERT ON audit_events WHEN NEW.event = 'backup.written'
                    BEGIN SELECT RAISE(ABORT, 'no room'); END
                    """)
                await #expect(throws: OperationError.self) {
                    try await city.operate("backup.write", ["file": .string(path)])
                }
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
                try await city.run("DROP TRIGGER full_disk")
                _ = try await city.operate("backup.write", ["file": .string(path)])
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["cadangan.db"])
                #expect(try await city.audit(.backupWritten).count == 1)
            }
        }
    }

    @Test("an empty file is told to be an interrupted backup, and nothing is restored from it")
    func interruptedBackup() async throws {
        try await withFolder { folder in
            let file = folder + "/cadangan.db"
            try Data().write(to: URL(fileURLWithPath: file))
            var settings = GatewaySettings()
            settings.dataFolder = folder + "/data"
            settings.database = "sqlite:\(folder)/data/gapura.sqlite"
            let error = await #expect(throws: OperationError.self) {
                try await BackupRestore.run(file, settings, by: .command(user: "root"))
            }
            #expect(error?.code == .refused)
            #expect(error?.message.contains("interrupted") == true)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["cadangan.db"])
        }
    }

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUIDText.version4()).path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }
}
