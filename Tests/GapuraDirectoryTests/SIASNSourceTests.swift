import GapuraFormats
import GapuraStore
import GapuraTabular
import GapuraTesting
import Testing

@testable import GapuraDirectory

/// What SIASN's web service answers, read leniently, and its answers as a source like any other.
@Suite("Personnel: SIASN")
struct SIASNSourceTests {
    /// A table as the service would answer it: an envelope for each row.
    private func origin(_ table: PersonnelTable) throws -> PersonnelObjectsOrigin {
        .siasn(
            try table.rows.map { row in
                var text = "{\"code\":1,\"data\":{"
                text += zip(table.columns, row).map { column, cell in
                    JSONValue.string(column).encodedText() + ":"
                        + (cell.map { JSONValue.string($0) } ?? .null).encodedText()
                }.joined(separator: ",")
                guard
                    case .person(let person) = try SIASNAnswer(
                        status: 200, body: Array((text + "}}").utf8), withNIK: true)
                else { throw SIASNFault.meaningless }
                return person
            })
    }

    // A member that stands twice is refused before, by the strict reader of JSON.
    @Test(
        "the shared suite of sources, for rows that an application pushes",
        arguments: PersonnelSourceCheck.allCases.filter { $0 != .repeatedColumn })
    func pushed(_ check: PersonnelSourceCheck) throws {
        try check.run { table in
            let rows = table.rows.map { row in
                JSONObject(
                    zip(table.columns, row).compactMap { column, cell in cell.map { (column, JSONValue.string($0)) } })
            }
            // A column that no row has is there all the same in a table; in objects it has to be said once.
            let blank = JSONObject(table.columns.map { ($0, JSONValue.null) })
            return PersonnelObjectsOrigin(
                rows.isEmpty ? [] : [rows[0].adding(missing: blank)] + rows.dropFirst(), name: "push",
                profile: .siasnText)
        }
    }

    @Test("the shared suite of sources", arguments: PersonnelSourceCheck.allCases)
    func suite(_ check: PersonnelSourceCheck) throws {
        try check.run { try origin($0) }
    }

    private static let data = """
        {"id":"A8ACA7D1000000000000000000000001","nipBaru":"187908221911022001","nama":"UJANG CONTOH","gelarDepan":"",
        "gelarBelakang":"S.H.","tglLahir":"22-08-1879","agama":"SECRETRELIGION","email":"SECRETMAIL","emailGov":"ujang@contoh.invalid",
        "nik":"9999990101600001","alamat":"SECRETSTREET","noHp":"000012345678","kedudukanPnsId":1,"kedudukanPnsNama":"Aktif",
        "jenisKelamin":"F","tmtPns":"01-03-1912","tmtCpns":"01-02-1911","tmtPensiun":null,"instansiKerjaId":"7299",
        "unorId":"A0","jenisJabatanId":"4","jabatanNama":"Pengelola","jabatanStrukturalId":null,"jabatanFungsionalId":"",
        "jabatanFungsionalUmumId":"J7","tmtJabatan":"01-04-1920","golRuangAkhir":"III/a","validNik":true,"path":{"a":{"b":1}}}
        """

    private func answer(_ status: Int, _ body: String) throws -> SIASNAnswer {
        try SIASNAnswer(status: status, body: Array(body.utf8))
    }

    @Test("members of data-utama become what the export calls them; what nobody needs is not kept")
    func members() throws {
        guard case .person(let person) = try answer(200, "{\"code\":1,\"data\":\(Self.data)}") else {
            throw SIASNFault.meaningless
        }
        let kept = JSONValue.object(person.members).encodedText()
        for word in ["SECRET", "9999990101600001", "path", "validNik"] { #expect(!kept.contains(word)) }
        #expect(person.number == "187908221911022001")
        #expect(person.pnsID == "A8ACA7D1000000000000000000000001")

        var intake = PersonnelIntake(allowsFixtureYears: true)
        _ = try PersonnelObjectsOrigin.siasn([SIASNPerson(kept: person.members)]).readPeople(withNIK: false, NoStop()) {
            #expect($0.name == "siasn-ws")
            try intake.read($0)
        }
        #expect(intake.rejected == [])
        #expect(intake.warnings == [])
        let record = try #require(intake.records.first)
        #expect(record.statusCode == "01")
        #expect(record.statusName == "Aktif")
        #expect(record.employeeKind == .pns)
        #expect(record.frontTitle == nil)
        #expect(record.backTitle == "S.H.")
        #expect(record.grade == "III/a")
        #expect(record.postKind == "4")
        #expect(record.postID == "J7")
        #expect(record.postName == "Pengelola")
        #expect(record.postSince?.iso8601 == "1920-04-01")
        #expect(record.retiresOn == nil)
        #expect(record.unitSourceID == "A0")
        #expect(record.governmentID == "7299")
        #expect(record.email == "ujang@contoh.invalid")
        #expect(record.phone == "000012345678")
    }

    @Test("whoever has no day of becoming PNS is CPNS, and another kind of post has its id elsewhere")
    func derived() throws {
        let data = Self.data.replacing("\"tmtPns\":\"01-03-1912\"", with: "\"tmtPns\":\"null\"")
            .replacing("\"jenisJabatanId\":\"4\"", with: "\"jenisJabatanId\":1")
            .replacing("\"jabatanStrukturalId\":null", with: "\"jabatanStrukturalId\":\"S3\"")
        guard case .person(let person) = try answer(200, "{\"code\":1,\"data\":\(data)}") else {
            throw SIASNFault.meaningless
        }
        #expect(person.members["statusCpnsPns"] == "C")
        #expect(person.members["jabatanId"] == "S3")
    }

    @Test("the envelope: code as number or text, data as object or as a list with one")
    func envelope() throws {
        let plain = try answer(200, "{\"code\":1,\"data\":\(Self.data)}")
        for body in [
            "{\"code\":\"1\",\"data\":\(Self.data)}", "{\"code\":1,\"data\":[\(Self.data)]}",
            "{\"data\":\(Self.data),\"code\":\"1\",\"more\":null}",
        ] {
            #expect(try answer(200, body) == plain)
        }
    }

    @Test(
        "whoever is not there is unknown, and that is no fault",
        arguments: [
            (404, "{\"code\":0,\"data\":\"Data tidak ditemukan\"}"),
            (404, "{\"code\":\"0\",\"data\":\"data TIDAK ditemukan\"}"), (404, "Data tidak ditemukan"),
            (404, "{\"message\":\"Data tidak ditemukan\"}"), (200, "{\"code\":0,\"data\":\"Data tidak ditemukan\"}"),
            (200, "{\"code\":1,\"data\":[]}"),
        ])
    func unknown(_ status: Int, _ body: String) throws {
        #expect(try answer(status, body) == .unknown)
    }

    @Test(
        "everything else is a fault, with the number of the API manager where it has one and nothing of the text",
        arguments: [
            (401, "", SIASNFault.unauthorised),
            (
                401, #"{"fault":{"code":900901,"message":"Invalid Credentials","description":"x"}}"#,
                .unauthorised
            ),
            // A wrong address is a 404 too.
            (404, #"{"code":"404","type":"Status report","message":"Not Found"}"#, .status(404, code: nil)),
            (404, #"{"fault":{"code":900906,"message":"No matching resource"}}"#, .status(404, code: "900906")),
            (404, "<html><body>Not Found</body></html>", .status(404, code: nil)),
            (403, #"{"fault":{"code":"900908","message":"Resource forbidden"}}"#, .status(403, code: "900908")),
            (429, #"{"code":"900802","message":"Message throttled out"}"#, .status(429, code: "900802")),
            (
                503,
                "<ams:fault xmlns:ams=\"http://wso2.org/apimanager/security\"><ams:code>101503</ams:code></ams:fault>",
                .status(503, code: "101503")
            ),
            (500, #"{"Error":true,"Message":"187908221911022001"}"#, .status(500, code: nil)),
            (302, "", .status(302, code: nil)),
            (200, "", .unreadable), (200, "<!DOCTYPE html><title>Login</title>", .unreadable),
            (200, "{\"code\":1,\"data\":{\"nama\":\"A", .unreadable), (200, "[]", .unreadable),
            (200, "{\"code\":1,\"code\":0,\"data\":{}}", .unreadable),
            (200, "{\"code\":1,\"data\":\"x\"}", .meaningless), (200, "{\"code\":1}", .meaningless),
            (200, "{\"code\":2,\"data\":{}}", .meaningless), (200, "{\"data\":{}}", .meaningless),
            (200, "{\"code\":1,\"data\":[{},{}]}", .meaningless), (200, "{\"code\":1,\"data\":[1]}", .meaningless),
            (200, "{\"code\":0,\"data\":\"Token kedaluwarsa\"}", .meaningless),
            (200, #"{"fault":{"code":900800,"message":"x"}}"#, .status(200, code: "900800")),
        ])
    func faults(_ status: Int, _ body: String, _ fault: SIASNFault) {
        #expect(throws: fault) { try answer(status, body) }
    }
}

private struct NoStop: PersonnelStop {
    func check() throws {}
    func onStop(_ body: @escaping @Sendable () -> Void) {}
}

extension JSONObject {
    /// With the members of another that this one does not have.
    fileprivate func adding(missing other: JSONObject) -> JSONObject {
        var all = other
        for (key, value) in members { all[key] = value }
        return all
    }
}
