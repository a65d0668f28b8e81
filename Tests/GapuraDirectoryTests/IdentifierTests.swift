import GapuraFormats
import GapuraStore
import Testing

@testable import GapuraDirectory

@Suite("Identifiers")
struct IdentifierTests {
    func problem(_ text: String, fixtures: Bool = true) -> IdentifierProblem? {
        do throws(IdentifierProblem) {
            _ = try NIP.parse(text, allowsFixtureYears: fixtures)
            return nil
        } catch {
            return error
        }
    }

    @Test("an NIP is read as people and spreadsheets write it")
    func forms() throws {
        for text in [
            "189607111918111001", "'189607111918111001", " 18960711 191811 1 001 ", "18960711.191811.1.001",
            "18960711-191811-1-001",
            "\u{2019}189607111918111001",
        ] {
            let nip = try NIP.parse(text, allowsFixtureYears: true)
            #expect(nip.digits == "189607111918111001")
            #expect(nip.layout == .pns)
            #expect(nip.birthDate == CalendarDate(year: 1896, month: 7, day: 11))
            #expect(nip.sexDigit == 1)
        }
    }

    @Test("digits 13 and 14 tell the layout")
    func layouts() throws {
        func layout(_ pair: String) throws -> NIP.Layout {
            try NIP.parse("189607111918\(pair)1001", allowsFixtureYears: true).layout
        }
        for pair in ["01", "12"] { #expect(try layout(pair) == .pns) }
        for pair in ["21", "29"] { #expect(try layout(pair) == .pppk) }
        for pair in ["00", "13", "20", "30", "47", "99"] { #expect(try layout(pair) == .unknown) }
    }

    @Test("attack 272: each way in which an NIP is none has its own reason")
    func problems() throws {
        #expect(problem("") == .missing)
        #expect(problem("null") == .missing)
        #expect(problem("'NULL ") == .missing)
        #expect(problem("'") == .missing)
        #expect(problem("18960711191811100") == .length)
        #expect(problem("1896071119181110011") == .length)
        #expect(problem("18960711191811100A") == .length)
        #expect(problem(String(repeating: "1", count: 100_000)) == .length)
        #expect(problem("1.87011121902031e+17") == .numeric)
        #expect(problem("1,87E+17") == .numeric)
        #expect(problem("189602301918111001") == .birthDate)
        #expect(problem("189613011918111001") == .birthDate)
        #expect(problem("000000001918111001") == .birthDate)
        #expect(problem("190002291918111001") == .birthDate)
        #expect(problem("189607111918113001") == .sexDigit)
        #expect(problem("189607111918110001") == .sexDigit)
        #expect(problem("189607111918111000") == .serialZero)
    }

    @Test("people born 18xx exist only where test data is allowed")
    func fixtureYears() {
        #expect(problem("189607111918111001", fixtures: false) == .birthDate)
        #expect(problem("179907111918111001") == .birthDate)
        #expect(problem("210007111918111001") == .birthDate)
        #expect(problem("190001011918111001", fixtures: false) == nil)
    }

    @Test(
        "attack 277: invisible characters and digits of other scripts make no identifier",
        arguments: [
            "\u{200b}", "\u{200d}", "\u{202e}", "\u{feff}", "\u{00a0}", "\u{00ad}", "\u{2060}", "\u{7f}", "\u{3164}",
            "\u{e0001}",
        ])
    func invisible(character: String) throws {
        #expect(problem("18960711\(character)1918111001") == .invisible)
        #expect(problem("189607111918111001\(character)") == .invisible)
        #expect(throws: IdentifierProblem.invisible) { try PNSID.parse("C0F6\(character)ED7F") }
    }

    @Test("attack 277: digits of other scripts are no digits")
    func otherDigits() {
        #expect(problem("\u{0661}89607111918111001") == .length)
        #expect(problem("\u{ff11}89607111918111001") == .length)
    }

    @Test("a description of an NIP has no digit of it")
    func description() throws {
        #expect("\(try NIP.parse("189607111918111001", allowsFixtureYears: true))" == "NIP(pns)")
    }

    @Test("SIASN ids: printable, short, freed of the apostrophe")
    func pnsIDs() throws {
        #expect(try PNSID.parse("'C0F6ED7F5DE75EA70DB415A811098C7C")?.text == "C0F6ED7F5DE75EA70DB415A811098C7C")
        #expect(try PNSID.parse("null") == nil)
        #expect(try PNSID.parse("=cmd|' /C calc'!A0") == nil)
        #expect(try PNSID.parse(String(repeating: "A", count: 65)) == nil)
        #expect(throws: IdentifierProblem.numeric) { try PNSID.parse("1.2E+30") }
        // Hexadecimal ids whose only letter is an E are no floats.
        #expect(try PNSID.parse("0000001000000000000000000001E240") != nil)
        #expect(try PNSID.parse("1E240000000000000000000000000000") != nil)
    }

    @Test("days: SIASN's form, ISO's form, Excel's numbers; days that no calendar has")
    func dates() {
        let day = CalendarDate(year: 1896, month: 7, day: 11)
        #expect(CalendarDate("11-07-1896") == day)
        #expect(CalendarDate("11/07/1896") == day)
        #expect(CalendarDate("1896-07-11") == day)
        #expect(CalendarDate(excelDay: 45_658) == CalendarDate(year: 2025, month: 1, day: 1))
        #expect(CalendarDate(year: 1970, month: 1, day: 1)?.midnight.milliseconds == 0)
        #expect(CalendarDate(year: 2024, month: 2, day: 29)?.midnight.seconds == 1_709_164_800)
        #expect(CalendarDate(year: 1899, month: 12, day: 31)?.midnight.seconds == -2_209_075_200)
        for text in ["", "-", "31-02-2020", "1-1", "1-1-20", "--", "99999-1-1", "11-07-1896-1", "a-b-c"] {
            #expect(CalendarDate(text) == nil)
        }
        for number in [Int.min, -1, 0, 60, Int.max] { #expect(CalendarDate(excelDay: number) == nil) }
    }

    @Test("employment follows the code, then the layout, then status_cpns_pns")
    func kinds() {
        #expect(EmployeeKind(statusCode: "01", cpnsOrPNS: "P", layout: .pns) == .pns)
        #expect(EmployeeKind(statusCode: "01", cpnsOrPNS: "C", layout: .pns) == .cpns)
        #expect(EmployeeKind(statusCode: "51", cpnsOrPNS: nil, layout: .pns) == .cpns)
        #expect(EmployeeKind(statusCode: "71", cpnsOrPNS: "P", layout: .pppk) == .pppk)
        #expect(EmployeeKind(statusCode: "101", cpnsOrPNS: "P", layout: .pppk) == .pppkPartTime)
        #expect(EmployeeKind(statusCode: "99", cpnsOrPNS: "P", layout: .pppk) == .pppk)
        #expect(EmployeeKind(statusCode: nil, cpnsOrPNS: nil, layout: nil) == .nonASN)
    }

    @Test("the default table of account states; unknown codes never activate and never take anything away")
    func states() throws {
        let table = AccountStateTable()
        func state(_ code: String?, _ current: AccountState? = nil, here: Bool = true) -> AccountState {
            table.state(for: code, current: current, worksHere: here)
        }
        #expect(state("01") == .aktif)
        #expect(state("101") == .aktif)
        #expect(state("51") == .menunggu)
        #expect(state("03") == .terbatas)
        #expect(state("04", .aktif) == .ditangguhkan)
        #expect(state("88", .aktif) == .nonaktif)
        #expect(state("72") == .menunggu)
        #expect(state("72", .aktif) == .aktif)
        #expect(state("42") == .menunggu)
        #expect(state("42", .aktif) == .aktif)
        #expect(state("42", .nonaktif) == .nonaktif)
        #expect(state(nil) == .menunggu)
        #expect(state("1") == .menunggu)
        #expect(state("01", .aktif, here: false) == .menunggu)
        #expect(state("88", .aktif, here: false) == .nonaktif)
        let own = try AccountStateTable(overrides: ["42": "terbatas", "01": "keep"])
        #expect(own.state(for: "42", current: nil, worksHere: true) == .terbatas)
        #expect(own.state(for: "01", current: .nonaktif, worksHere: true) == .nonaktif)
        #expect(throws: AccountStateTable.Problem(code: "01", value: "active")) {
            try AccountStateTable(overrides: ["01": "active"])
        }
    }
}
