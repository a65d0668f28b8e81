import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

/// Accounts as operators manage them.
@Suite("Operations: accounts")
struct AccountOperationTests {
    @Test("an email that an operator has verified signs in, and one that is only noted does not")
    func email() async throws {
        try await withCity { city in
            func signsIn() async throws -> Bool {
                try await city.gateway.browser().signIn("Ujang.Maruf@Contoh.invalid", City.password).location
                    == "/portal"
            }
            let arguments: JSONObject = ["name": .string(city.nip("ujang")), "email": "ujang.maruf@contoh.invalid"]
            #expect(try await city.operate("account.email", arguments)["email_verified"]?.bool == false)
            #expect(try await !signsIn())
            var verified = arguments
            verified["verified"] = true
            #expect(try await city.operate("account.email", verified)["email_verified"]?.bool == true)
            #expect(try await signsIn())
            let audit = try await city.latest(.accountUpdated)
            #expect(audit["changed"]?.strings == ["email_verified"])
            #expect(!audit.encodedText().contains("maruf"))

            // The same again changes nothing, and another account cannot have it.
            let count = try await city.auditCount()
            _ = try await city.operate("account.email", verified)
            #expect(try await city.auditCount() == count)
            verified["name"] = "siti"
            verified["email"] = "UJANG.MARUF@contoh.invalid"
            #expect(await city.refusal("account.email", verified) == .conflict)
            #expect(try await signsIn())
            _ = try await city.operate("account.email", arguments)
            #expect(try await !signsIn())
            _ = try await city.operate("account.email", verified)
        }
    }

    @Test(
        "what is no address is refused",
        arguments: ["ujang", "a@b", "a@@contoh.id", "a b@contoh.id", "é@contoh.id", "@contoh.id", "a@.id", "a@contoh."])
    func noEmail(_ text: String) async throws {
        try await withCity { city in
            #expect(await city.refusal("account.email", ["name": "ujang", "email": .string(text)]) == .invalid)
        }
    }

    @Test(
        "decision 11: an account without an NIP has a sponsor and an end, at the end of that day in the city's zone",
        arguments: [
            ("Asia/Jakarta", "2026-12-31T17:00:00.000Z"), ("Asia/Makassar", "2026-12-31T16:00:00.000Z"),
            ("Asia/Jayapura", "2026-12-31T15:00:00.000Z"),
        ])
    func sponsor(_ zone: String, _ end: String) async throws {
        let city = try await City.small { $0.timeZone = zone }
        var arguments: JSONObject = ["user_name": "vendor.budi", "name": "Budi", "ends_at": "2026-12-31"]
        #expect(await city.refusal("account.add", arguments) == .invalid)
        arguments["sponsor"] = "rina"
        #expect(await city.refusal("account.add", arguments) == .refused)
        arguments["sponsor"] = .string(city.nip("siti"))
        let added = try await city.operate("account.add", arguments)
        #expect(added["ends_at"]?.string == end)
        #expect(added["sponsor"]?.string == city.people["siti"]?.id.text)
        #expect(try await city.operate("account.add", arguments)["new"]?.bool == false)
        for (member, value) in [
            ("email", "budi@contoh.id"), ("ends_at", "2027-01-01"), ("sponsor", "ujang"), ("name", "Budi B"),
        ] {
            var other = arguments
            other[member] = .string(value)
            #expect(await city.refusal("account.add", other) == .conflict, "\(member)")
        }
        arguments["ends_at"] = nil
        arguments["user_name"] = "vendor.lain"
        #expect(await city.refusal("account.add", arguments) == .invalid)
        _ = try await city.operate("account.add", ["user_name": "rina.admin", "name": "Rina", "role": "superadmin"])
        await city.close()
    }

    @Test("attack 200: no role is taken from the last superadmin who can sign in")
    func lastSuperadmin() async throws {
        try await withCity { city in
            for name in ["satu", "dua"] {
                _ = try await city.operate(
                    "account.add", ["user_name": .string(name), "name": "Admin", "role": "superadmin"])
            }
            _ = try await city.operate("account.state", ["name": "dua", "state": "ditangguhkan"])
            #expect(await city.refusal("account.role", ["name": "satu", "role": "none"]) == .refused)
            #expect(await city.refusal("account.state", ["name": "satu", "state": "nonaktif"]) == .refused)
            _ = try await city.operate("account.state", ["name": "dua", "state": "aktif"])
            _ = try await city.operate("account.role", ["name": "satu", "role": "none"])
            #expect(await city.refusal("account.role", ["name": "dua", "role": "none"]) == .refused)
        }
    }
}
