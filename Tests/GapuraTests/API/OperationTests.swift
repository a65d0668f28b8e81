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

    @Test("a backup takes its name without hard links, and never another file's")
    func publish() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUIDText.version4()).path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (draft, path) = (folder + "/b.partial", folder + "/b")
        try "baru".write(toFile: draft, atomically: false, encoding: .utf8)
        try BackupFile.publish(draft, as: path)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "baru")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["b"])

        try "lain".write(toFile: draft, atomically: false, encoding: .utf8)
        #expect { try BackupFile.publish(draft, as: path) } throws: { ($0 as? OperationError)?.code == .conflict }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "baru")
        // Without a draft no empty file is left behind.
        #expect(throws: OperationError.self) { try BackupFile.publish(folder + "/none", as: folder + "/c") }
        #expect(!FileManager.default.fileExists(atPath: folder + "/c"))
    }
}
