import Foundation
import GapuraFormats
import GapuraStore
import GapuraTokens
import Testing

@testable import GapuraServer

/// The built program, as an operator runs it.
@Suite("Program", .serialized)
struct ProgramTests {
    private func ready() async throws -> GapuraProgram {
        let gapura = try GapuraProgram()
        try await gapura.succeed("setup")
        return gapura
    }

    private let clientFlags = [
        "client", "add", "--application", "e-absensi", "--client-name", "e-Absensi", "--redirect-uri",
        "https://absensi.contoh/cb", "--json",
    ]

    @Test("an operator's first day, without a running gateway")
    func firstDay() async throws {
        let gapura = try GapuraProgram()
        let setup = try await gapura.succeed("setup", "--json").json
        #expect(setup["new"]?.bool == true)
        #expect(setup["link"]?.string?.hasPrefix("http://\(gapura.host)/akun/tautan?kode=") == true)
        #expect(try await gapura.succeed("setup", "--json").json["new"]?.bool == false)

        let files = try SmallCity.write(to: gapura.folder)
        let preview = try await gapura.succeed("personnel", "load", files.people, "--units", files.units)
        #expect(preview.output.contains("rows: 3"))
        #expect(preview.output.contains("baris 4: NIP tidak terdiri dari 18 digit."))
        #expect(preview.output.contains("row 4: The NIP is not 18 digits."))
        #expect(preview.output.contains("--apply"))
        #expect(
            try await gapura.succeed("account", "list", "--search", "ujang", "--json").json["accounts"]?.array?.isEmpty
                == true)
        let applied = try await gapura.succeed(
            "personnel", "load", files.people, "--units", files.units, "--apply", "--json"
        ).json
        #expect(applied["applied"]?.bool == true)
        #expect(applied["counts"]?["accepted"]?.integer == 2)
        #expect(try await gapura.succeed("personnel", "list", "--json").json["loads"]?.array?.count == 1)
        #expect(try await gapura.succeed("personnel", "show", "--json").json["findings"]?.array?.count ?? 0 >= 1)

        let account = try await gapura.succeed("account", "show", SmallCity.nip, "--json").json
        #expect(account["state"]?.string == "aktif")
        #expect(account["unit"]?.string == "Sekretariat Daerah")
        #expect(
            try await gapura.succeed("account", "link", SmallCity.nip).output.hasPrefix(
                "http://\(gapura.host)/akun/tautan?kode="))

        let admin = [
            "account", "add", "--user-name", "rina.admin", "--name", "Rina Admin", "--role", "superadmin", "--json",
        ]
        #expect(try await gapura.run(admin).json["new"]?.bool == true)
        let again = try await gapura.run(admin)
        #expect(again.code == 0)
        #expect(try again.json["new"]?.bool == false)
        let fromInput = try await gapura.run(
            ["account", "add", "--json-input", "-", "--json"],
            input: #"{"user_name":"vendor.budi","name":"Budi","sponsor":"rina.admin","ends_at":"2030-12-31"}"#
        )
        #expect(try fromInput.json["ends_at"]?.string == "2030-12-31T17:00:00.000Z")
        #expect(
            try await gapura.succeed("account", "email", "vendor.budi", "budi@contoh.id", "--verified", "--json").json[
                "email_verified"]?.bool == true)
        #expect(
            try await gapura.succeed("account", "show", "Budi@contoh.id", "--json").json["user_name"]?.string
                == "vendor.budi")
        #expect(
            try await gapura.succeed("account", "state", "vendor.budi", "ditangguhkan", "--json").json["state"]?.string
                == "ditangguhkan")
        #expect(
            try await gapura.succeed("account", "role", "vendor.budi", "superadmin", "--json").json["role"]?.string
                == "superadmin")
        #expect(
            try await gapura.succeed("account", "end-sessions", SmallCity.nip, "--json").json["ended"]?.integer == 0)

        try await gapura.succeed(
            "application", "add", "--slug", "e-absensi", "--name", "e-Absensi", "--agency", "sekretariat daerah",
            "--contact", "Bidang SI", "--url",
            "https://absensi.contoh", "--state", "aktif"
        )
        let access = try await gapura.succeed(
            "application", "access", "e-absensi", "--agency", "Dinas Kesehatan", "--kind", "PNS", "--json"
        ).json
        #expect(access["access"]?.array?.count == 2)
        try await gapura.succeed("application", "access", "e-absensi", "--everyone")
        #expect(try await gapura.succeed("application", "list", "--json").json["applications"]?.array?.count == 1)

        let client = try await gapura.run(clientFlags).json
        #expect(client["client_id"]?.string == "e-absensi")
        #expect(client["client_secret"]?.string?.utf8.count ?? 0 >= 43)
        let same = try await gapura.run(clientFlags).json
        #expect(same["new"]?.bool == false)
        #expect(same["client_secret"] == nil)
        let secret = try await gapura.succeed("client", "secret", "e-absensi", "--json").json["client_secret"]?.string
        #expect(secret != nil && secret != client["client_secret"]?.string)
        try await gapura.succeed("client", "update", "e-absensi", "--scope", "openid asn")
        try await gapura.succeed("client", "disable", "e-absensi")
        let list = try await gapura.succeed("client", "list", "--json").json
        #expect(list["clients"]?.array?.first?["state"]?.string == "disabled")
        #expect(list["clients"]?.array?.first?["scope"]?.string == "openid asn")
        #expect(!list.encodedText().contains("client_secret\""))
        try await gapura.succeed("client", "enable", "e-absensi")

        let keys = try await gapura.succeed("keys", "list", "--json").json["keys"]?.array ?? []
        try gapura.ageKeys()
        try await gapura.succeed("keys", "rotate", "--algorithm", "ES256")
        #expect(try await gapura.succeed("keys", "list", "--json").json["keys"]?.array?.count == keys.count + 1)
        #expect(keys.allSatisfy { $0["clients"]?.array != nil })
        #expect(
            try await gapura.succeed("audit", "list", "--event", "keys.rotated", "--json").json["events"]?.array?.count
                == 1)
        let kid = try #require(keys.first { $0["state"]?.string == "active" }?["kid"]?.string)
        #expect(try await gapura.succeed("keys", "revoke", kid).output.contains("add --yes"))
        #expect(try await gapura.succeed("keys", "revoke", kid, "--yes").output.contains("Revoked."))
        #expect(try await gapura.run(["keys", "revoke", kid, "--yes"]).code == Failure.notFound)
        #expect(try await gapura.succeed("audit", "verify", "--json").json["whole"]?.bool == true)
        try await gapura.succeed("logout", "list")
        let doctor = try await gapura.run(["doctor", "--json"])
        #expect(doctor.code == 0, "\(doctor.output)")
    }

    @Test("commands reach the running gateway; it is backed up while it runs, restored elsewhere and started")
    func whileRunning() async throws {
        let gapura = try await ready()
        let running = try await gapura.serve()
        #expect(try await running.get("/livez").status == 200)
        let socket = try FileManager.default.attributesOfItem(atPath: gapura.folder.path("data/gapura.sock"))
        #expect(socket[.posixPermissions] as? Int == 0o600)

        let files = try SmallCity.write(to: gapura.folder)
        try await gapura.succeed("personnel", "load", files.people, "--units", files.units, "--apply")
        try await gapura.succeed("application", "add", "--slug", "e-absensi", "--name", "e-Absensi", "--state", "aktif")
        let client = try await gapura.run(clientFlags + ["--id-token-alg", "HS256"])
        #expect(client.code == 0, "\(client.errors)")
        let secret = try #require(try client.json["client_secret"]?.string)
        #expect(running.log.contains(#""operation":"client.add""#))
        #expect(!running.log.contains(secret))
        let refused = try await gapura.run(["account", "show", "nobody.here"])
        #expect(refused.code == Failure.notFound)
        let link = try await gapura.succeed("account", "link", SmallCity.nip).output

        let backup = gapura.folder.path("cadangan.db")
        try await gapura.succeed("backup", backup)
        #expect(try FileManager.default.attributesOfItem(atPath: backup)[.posixPermissions] as? Int == 0o600)
        #expect(try await gapura.run(["backup", backup]).code == Failure.refused)
        #expect(try await gapura.run(["restore", backup]).errors.contains("stop it first"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: gapura.folder.path).sorted() == [
                "cadangan.db", "data", "keys", "siasn.csv", "unor.csv",
            ])
        #expect(running.stop() == 0)
        #expect(!FileManager.default.fileExists(atPath: gapura.folder.path("data/gapura.sock")))
        #expect(try await gapura.run(["restore", backup]).errors.contains("never overwrites"))

        let other = try GapuraProgram()
        try FileManager.default.copyItem(atPath: gapura.folder.path("keys"), toPath: other.folder.path("keys"))
        let restored = try await other.succeed("restore", backup, "--json").json
        #expect(restored["problems"]?.array?.isEmpty == true)
        #expect(restored["clients_without_secret"]?.array?.isEmpty == true)
        let second = try await other.serve()
        #expect(try await second.get("/livez").status == 200)
        #expect(try await other.succeed("audit", "verify", "--json").json["whole"]?.bool == true)
        #expect(try await other.succeed("client", "list", "--json").json["clients"]?.array?.count == 1)
        let address = try #require(link.split(separator: "?").last)
        #expect(try await second.get("/akun/tautan?\(address.dropLast())").body.contains("link_unusable"))
        #expect(second.stop() == 0)
    }

    @Test("attack 340: after a restore nothing that was open lives")
    func restoreEndsEverything() async throws {
        let gapura = try await ready()
        try await gapura.succeed("backup", gapura.folder.path("b.db"))
        let other = try GapuraProgram()
        let restored = try await other.succeed("restore", gapura.folder.path("b.db"), "--json").json
        #expect(restored["keys_found"]?.bool == false)
        let store = try await Store.open(.sqlite(path: other.database))
        let open = try await store.read {
            try $0.first("SELECT COUNT(*) FROM one_time_links WHERE used_at IS NULL")?.integer(0)
        }
        await store.close()
        #expect(open == 0)
        let serve = try await other.run(["serve"])
        #expect(serve.code == Failure.refused)
        #expect(serve.errors.contains("setup --new-keys"))
        try await other.succeed("setup", "--new-keys")
        try await other.succeed("keys", "list")
    }

    @Test("attack 340: a database whose restore was interrupted serves nobody, until it is restored")
    func interruptedRestore() async throws {
        let gapura = try await ready()
        try await gapura.succeed("backup", gapura.folder.path("b.db"))
        let store = try await Store.open(.sqlite(path: gapura.database))
        try await store.write { tx in _ = try tx.run("CREATE TABLE restore_pending (since BIGINT)") }
        await store.close()
        for command in [["serve"], ["account", "list"], ["setup"]] {
            expectFailure(try await gapura.run(command), 1, "restore into this database was interrupted")
        }
        try await gapura.succeed("restore", gapura.folder.path("b.db"))
        try await gapura.succeed("account", "list")
        expectFailure(try await gapura.run(["restore", gapura.folder.path("b.db")]), 1, "never overwrites")
        try await gapura.succeed("account", "list")
    }

    @Test("a restore that finds problems says so by its exit code")
    func restoredProblems() async throws {
        let gapura = try await ready()
        let store = try await Store.open(.sqlite(path: gapura.database))
        try await store.write { tx in _ = try tx.run("UPDATE audit_events SET actor = 'nobody' WHERE seq = 1") }
        try await store.backup(to: gapura.folder.path("b.db"))
        await store.close()
        let other = try GapuraProgram()
        let restored = try await other.run(["restore", gapura.folder.path("b.db"), "--json"])
        #expect(restored.code == Failure.refused)
        #expect(try restored.json["problems"]?.strings == ["the audit chain is broken at 1"])
    }

    @Test("attack 164: set-up is done once, whatever becomes of the admins")
    func setUpOnce() async throws {
        let gapura = try await ready()
        let store = try await Store.open(.sqlite(path: gapura.database))
        try await store.write { tx in
            try tx.run("DELETE FROM one_time_links")
            try tx.run("DELETE FROM accounts")
        }
        await store.close()
        let again = try await gapura.succeed("setup", "--json").json
        #expect(again["new"]?.bool == false && again["link"] == nil)
        #expect(try await gapura.succeed("account", "list", "--json").json["matching"]?.integer == 0)
    }

    @Test("an address that is taken is named")
    func addressTaken() async throws {
        let gapura = try await ready()
        let running = try await gapura.serve()
        let other = try GapuraProgram(["GAPURA_LISTEN": "127.0.0.1:\(running.port)"])
        try await other.succeed("setup")
        expectFailure(try await other.run(["serve"]), 4, "cannot listen")
        #expect(running.stop() == 0)
    }

    @Test("two set-ups at once make one admin")
    func setUpRace() async throws {
        let gapura = try GapuraProgram()
        async let first = gapura.run(["setup", "--json"])
        async let second = gapura.run(["setup", "--json"])
        let answers = try await [first, second]
        #expect(answers.allSatisfy { $0.code == 0 }, "\(answers.map(\.errors))")
        #expect(try answers.filter { try $0.json["new"]?.bool == true }.count == 1)
    }

    @Test("a second gateway on one data folder is refused")
    func twoGateways() async throws {
        let gapura = try await ready()
        let running = try await gapura.serve()
        let second = try await gapura.run(["serve"])
        #expect(second.code == Failure.unavailable)
        #expect(bilingual(second))
        #expect(running.stop() == 0)
    }

    // MARK: Bad input

    private func bilingual(_ answer: GapuraProgram.Answer) -> Bool {
        let lines = answer.errors.split(separator: "\n").filter { !$0.hasPrefix("{") }
        return lines.count == 2 && lines.first?.hasPrefix("Galat: ") == true && lines.last?.hasPrefix("Error: ") == true
    }

    private func expectFailure(
        _ answer: GapuraProgram.Answer, _ code: Int32, _ text: String, location: SourceLocation = #_sourceLocation
    ) {
        #expect(answer.code == code, "\(answer.errors)", sourceLocation: location)
        #expect(answer.errors.contains(text), "\(answer.errors)", sourceLocation: location)
        #expect(bilingual(answer), "\(answer.errors)", sourceLocation: location)
    }

    @Test("a cut-off workbook, a broken CSV and a missing file change nothing")
    func badFiles() async throws {
        let gapura = try await ready()
        let files = try SmallCity.write(to: gapura.folder)
        let workbook = gapura.folder.path("rusak.xlsx")
        try Data([0x50, 0x4b, 3, 4] + [UInt8](repeating: 7, count: 500)).write(to: URL(fileURLWithPath: workbook))
        expectFailure(
            try await gapura.run(["personnel", "load", workbook, "--units", files.units, "--apply"]), 1,
            "cut off or damaged")
        let csv = gapura.folder.path("rusak.csv")
        try SmallCity.people(broken: true).write(toFile: csv, atomically: true, encoding: .utf8)
        expectFailure(
            try await gapura.run(["personnel", "load", csv, "--units", files.units, "--apply"]), 1,
            "Berkas tidak dapat dibaca")
        expectFailure(try await gapura.run(["personnel", "load", "/nowhere.xlsx", "--apply"]), 1, "/nowhere.xlsx")
        #expect(try await gapura.succeed("personnel", "list", "--json").json["loads"]?.array?.isEmpty == true)
    }

    @Test("an unreachable PostgreSQL is unavailable, and its password is not printed")
    func noPostgres() async throws {
        let gapura = try GapuraProgram(["GAPURA_DATABASE": "postgres://gapura:s3kr1t@127.0.0.1:1/gapura"])
        let answer = try await gapura.run(["account", "list"])
        expectFailure(answer, 4, "cannot be reached")
        #expect(!answer.errors.contains("s3kr1t"))
    }

    @Test("attack 308: a key that others can read, and a key that is missing, stop every command and the start")
    func badKeys() async throws {
        let gapura = try await ready()
        let keys = gapura.folder.path("keys")
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: keys).first { $0.hasSuffix(".pem") })
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(keys)/\(name)")
        expectFailure(try await gapura.run(["client", "list"]), 1, "600")
        expectFailure(try await gapura.run(["serve"]), 1, "600")
        try FileManager.default.removeItem(atPath: "\(keys)/\(name)")
        expectFailure(try await gapura.run(["serve"]), 1, "backup")
        try FileManager.default.removeItem(atPath: keys)
        expectFailure(try await gapura.run(["serve"]), 1, "keys of this gateway are missing")
        expectFailure(try await gapura.run(["setup"]), 1, "keys of this gateway are missing")
        #expect(try await gapura.run(["doctor"]).code == 1)
    }

    @Test(
        "attack 335: no database, a foreign file, a damaged one and a newer schema are told apart, and nothing is made over them"
    )
    func badDatabases() async throws {
        let gapura = try GapuraProgram()
        expectFailure(try await gapura.run(["serve"]), 4, "gapura setup")
        expectFailure(try await gapura.run(["account", "list"]), 4, "gapura setup")
        try await gapura.succeed("setup")

        let store = try await Store.open(
            .sqlite(path: gapura.database),
            migrations: Migrations.all + [Migration(version: 9999, name: "from-the-future", up: { _ in })]
        )
        await store.close()
        expectFailure(try await gapura.run(["account", "list"]), 1, "newer version")

        let original = try Data(contentsOf: URL(fileURLWithPath: gapura.database))
        try Data("not a database, but something dear".utf8).write(to: URL(fileURLWithPath: gapura.database))
        expectFailure(try await gapura.run(["serve"]), 1, "no database of gapura")
        #expect(try String(contentsOfFile: gapura.database, encoding: .utf8) == "not a database, but something dear")
        try original.write(to: URL(fileURLWithPath: gapura.database))
    }

    @Test("a database that another process holds is waited for, then reported")
    func locked() async throws {
        let gapura = try await ready()
        let lock = try DataLock(gapura.database + ".lock")
        expectFailure(try await gapura.run(["account", "list"]), 4, "Another process has the database open")
        withExtendedLifetime(lock) {}
    }

    @Test("reliability R19: a data folder that others may write to is refused with the wanted mode")
    func openFolder() async throws {
        let gapura = try await ready()
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: gapura.folder.path("data"))
        expectFailure(try await gapura.run(["account", "list"]), 1, "chmod 700")
    }

    @Test("reliability R65: settings errors stop the start in both languages")
    func badSettings() async throws {
        let gapura = try GapuraProgram(["GAPURA_DATABSE": "x"])
        expectFailure(try await gapura.run(["serve"]), 1, "GAPURA_DATABASE")
        #expect(try await gapura.run(["doctor"]).output.contains("FAIL settings"))
        let long = try GapuraProgram(["GAPURA_DATA_FOLDER": "/tmp/" + String(repeating: "x", count: 100)])
        expectFailure(try await long.run(["account", "list"]), 1, "too long for a socket")
    }

    /// Whether the system lets us have mounts of our own.
    private static let canMount: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs none /mnt"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    @Test("a full disk and a read-only one are unavailable, and nothing is half done")
    func disks() async throws {
        try #require(
            Self.canMount,
            "`unshare -rm` may not mount here: run the tests as root, or set kernel.unprivileged_userns_clone=1")
        let gapura = try await ready()
        let files = try SmallCity.write(to: gapura.folder)
        let data = gapura.folder.path("data")
        let readOnly = [
            "unshare", "-rm", "sh", "-c",
            "mount --bind \(data) \(data) && mount -o remount,bind,ro \(data) && exec \"$@\"", "sh",
        ]
        let answer = try await gapura.run(["account", "link", "admin"], through: readOnly)
        #expect(answer.code != 0 && bilingual(answer), "\(answer.errors)")

        // A small file system with a copy of the data, and the rest of it filled.
        let full = [
            "unshare", "-rm", "sh", "-c",
            "mkdir \(data)2 && mv \(data)/gapura.sqlite \(data)2/ && mount -t tmpfs -o size=2m,mode=700 none \(data) && cp \(data)2/gapura.sqlite \(data)/ && chmod 600 \(data)/gapura.sqlite; dd if=/dev/zero of=\(data)/filler bs=1k >/dev/null 2>&1; \"$@\"; code=$?; mv \(data)2/gapura.sqlite \(gapura.folder.path("kept")); exit $code",
            "sh",
        ]
        let second = try await gapura.run(
            ["personnel", "load", files.people, "--units", files.units, "--apply"], through: full)
        #expect(second.code == Failure.unavailable && bilingual(second), "\(second.errors)")
        try FileManager.default.moveItem(atPath: gapura.folder.path("kept"), toPath: gapura.database)
        #expect(try await gapura.succeed("personnel", "list", "--json").json["loads"]?.array?.isEmpty == true)
    }

    // MARK: Tokens

    @Test("a token is inspected without being believed, and verified against a key set")
    func tokens() async throws {
        let gapura = try GapuraProgram()
        // RFC 7515 appendix A.1.
        let token =
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        let inspected = try await gapura.run(["token", "inspect", "-", "--json"], input: token + "\n")
        #expect(inspected.code == 0)
        #expect(try inspected.json["claims"]?["iss"]?.string == "joe")
        #expect(try inspected.json["verified"]?.bool == false)
        expectFailure(try await gapura.run(["token", "inspect", "-"], input: "x.y"), 1, "not a signed token")
        let set = gapura.folder.path("jwks.json")
        try #"{"keys":[]}"#.write(toFile: set, atomically: true, encoding: .utf8)
        expectFailure(try await gapura.run(["token", "verify", "-", "--jwks", set], input: token), 1, "not accepted")

        let key = try SigningKey.generate(.es256)
        let expiry = Timestamp.now().adding(seconds: 60).seconds
        let claims: JSONObject = ["iss": "https://masuk.contoh", "aud": "arsip", "sub": "x", "exp": .integer(expiry)]
        let issued = try JWS.sign(claims.encoded(), with: key)
        try Data(JSONWebKeySet([key.verificationKey]).encoded()).write(to: URL(fileURLWithPath: set))
        let flags = ["--jwks", set, "--issuer", "https://masuk.contoh"]
        let verified = try await gapura.run(
            ["token", "verify", "-", "--audience", "arsip", "--json"] + flags, input: issued)
        #expect(verified.code == 0, "\(verified.errors)")
        #expect(try verified.json["unchecked"]?.strings == ["typ"])
        expectFailure(
            try await gapura.run(["token", "verify", "-", "--audience", "surat"] + flags, input: issued), 1, "audience")
        expectFailure(
            try await gapura.run(["token", "verify", "-", "--issuer", "http://127.0.0.1:1"], input: token), 4,
            "keys cannot be had")
    }
}
