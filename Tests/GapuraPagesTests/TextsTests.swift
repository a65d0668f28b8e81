import Foundation
import Gapura
import GapuraFormats
import Testing

@testable import GapuraPages

@Suite("Texts")
struct TextsTests {
    @Test("both languages have the same keys, each once")
    func noGaps() {
        let indonesian = Texts.indonesian.map(\.0)
        let english = Texts.english.map(\.0)
        #expect(Set(indonesian) == Set(english))
        #expect(Set(indonesian).count == indonesian.count)
        #expect(Set(english).count == english.count)
    }

    @Test("both languages use the same placeholders, and no text is empty")
    func samePlaceholders() {
        let english = Dictionary(Texts.english) { first, _ in first }
        for (key, text) in Texts.indonesian {
            #expect(!text.isEmpty && english[key]?.isEmpty == false, "\(key)")
            #expect(Set(Texts.placeholders(text)) == Set(Texts.placeholders(english[key] ?? "")), "\(key)")
        }
    }

    @Test("every key that a template names exists, and its text needs no argument")
    func templatesFindTheirTexts() {
        let texts = Dictionary(Texts.indonesian) { first, _ in first }
        for (name, bytes) in TemplateSet.files {
            for key in keys(inTemplate: String(decoding: bytes, as: UTF8.self)) {
                #expect(texts[key] != nil, "\(name): \(key)")
                #expect(Texts.placeholders(texts[key] ?? "").isEmpty, "\(name): \(key)")
            }
        }
    }

    @Test("no key is unused")
    func noneUnused() throws {
        var used: Set<String> = []
        for (_, bytes) in TemplateSet.files { used.formUnion(keys(inTemplate: String(decoding: bytes, as: UTF8.self))) }
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/GapuraPages")
            .standardizedFileURL
            .resolvingSymlinksInPath()
        var literals = ""
        for folder in ["", "User", "Texts"] {
            for file in try FileManager.default.contentsOfDirectory(
                at: sources.appending(path: folder), includingPropertiesForKeys: nil)
            where file.pathExtension == "swift"
                && !["Indonesian.swift", "English.swift"].contains(file.lastPathComponent)
            {
                literals += try String(contentsOf: file, encoding: .utf8)
            }
        }
        for key in Texts.indonesian.map(\.0) {
            #expect(used.contains(key) || isNamed(key, in: literals), "\(key)")
        }
    }

    /// Keys in Swift are whole literals, or made of a beginning and the case of an enum or a fixed ending.
    private func isNamed(_ key: String, in source: String) -> Bool {
        if source.contains("\"\(key)\"") { return true }
        if key.hasSuffix("-do"), source.contains("\"\(key.dropLast(3))\"") { return true }
        if key.hasSuffix("-one") || key.hasSuffix("-other") {
            return source.contains("\"\(key.split(separator: "-")[0])\"")
        }
        let kinds = ErrorModel.Kind.allCases.map { "error-\($0.rawValue)-" }
        if kinds.contains(where: key.hasPrefix) { return ["title", "what", "do"].contains { key.hasSuffix("-\($0)") } }
        let notices = ["notice-signedOut-", "notice-passwordSet-"]
        return notices.contains(where: key.hasPrefix) && ["title", "text", "next"].contains { key.hasSuffix("-\($0)") }
    }

    private func keys(inTemplate template: String) -> [String] {
        template.matches(of: #/\{\{t\.([a-zA-Z-]+)\}\}/#).map { String($0.output.1) }
    }

    @Test("no page of any state shows a key instead of its text", arguments: Samples.all, Language.allCases)
    func noKeysShown(sample: Sample, language: Language) throws {
        let html = try sample.html(language, Samples.pages())
        #expect(html.firstMatch(of: #/\[[a-z]+-[a-zA-Z-]+\]/#) == nil)
        #expect(html.firstMatch(of: #/\{[a-z]+\}/#) == nil)
    }

    @Test("an argument is never read for further placeholders")
    func argumentsAreText() {
        #expect(Texts(.english)("device-on", ["browser": "{system}", "system": "X"]) == "{system} on X")
    }

    @Test("dates stand in the city's zone and in the form of each language")
    func dates() {
        let wib = DateText(zone: (7 * 3600, "WIB"), language: .indonesian)
        #expect(wib.text(Samples.morning) == "22 November 2026 07.30 WIB")
        #expect(wib.machine(Samples.morning) == "2026-11-22T07:30+07:00")
        #expect(
            DateText(zone: (7 * 3600, "WIB"), language: .english).text(Samples.morning) == "22 November 2026, 07:30 WIB"
        )
        #expect(
            DateText(zone: (9 * 3600, "WIT"), language: .indonesian).text(Samples.morning)
                == "22 November 2026 09.30 WIT")
        #expect(DateText(zone: (-12600, "X"), language: .english).machine(Samples.morning) == "2026-11-21T21:00-03:30")
    }

    @Test(
        "the calendar knows leap years and what came before 1970",
        arguments: [
            (951_782_400 as Int64, "29 Februari 2000 00.00 UTC"), (4_107_542_400, "1 Maret 2100 00.00 UTC"),
            (-1, "31 Desember 1969 23.59 UTC"),
            (1_709_251_199, "29 Februari 2024 23.59 UTC"), (-2_208_988_800, "1 Januari 1900 00.00 UTC"),
        ])
    func calendar(seconds: Int64, expected: String) {
        #expect(DateText(zone: (0, "UTC"), language: .indonesian).text(Timestamp(seconds: seconds)) == expected)
    }

    @Test(
        "a moment beyond any calendar is left out and traps nothing",
        arguments: [Int64.min, .max, 253_402_300_800_000, -62_167_219_200_000])
    func extremes(milliseconds: Int64) {
        #expect(DateText(zone: (0, "UTC"), language: .english).text(Timestamp(milliseconds: milliseconds)) == nil)
    }

    @Test(
        "browsers are named as people know them",
        arguments: [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari di iPhone"
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge di Windows"
            ),
            (
                "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36",
                "Samsung Internet di Android"
            ),
            ("curl/8.5.0", "curl/8.5.0"), ("", "Perangkat tidak dikenal"), (" \r\n ", "Perangkat tidak dikenal"),
        ])
    func devices(agent: String, expected: String) {
        #expect(DeviceText.text(agent, Texts(.indonesian)) == expected)
    }

    @Test("a NIP of 18 digits is shown as on papers, anything else as it is")
    func nip() {
        #expect(spacedNIP("189004211914212001") == "18900421 191421 2 001")
        #expect(spacedNIP("18790421190421200x") == "18790421190421200x")
        #expect(spacedNIP("") == "")
    }

    @Test("kinds of employee are named as people know them")
    func kinds() throws {
        func html(_ kind: String) throws -> String {
            let model = AccountModel(
                person: PersonModel(fullName: "x", employeeKind: kind), sessions: [], zone: Samples.wib)
            return try Sample(name: "x", page: .account(model)).html(.indonesian, Samples.pages())
        }
        #expect(try html("PPPK_PW").contains("PPPK paruh waktu"))
        #expect(try html("NON_ASN").contains("Non-ASN"))
        #expect(try html("CPNS").contains("CPNS"))
    }

    @Test(
        "a tile's letter skips the e- with which many names begin",
        arguments: [
            ("e-absensi", "A"), ("E-Surat", "S"), ("Simpeg", "S"), ("e-", "E"), ("<>", "·"), ("", "·"), ("ß", "SS"),
            ("3D kota", "3"),
        ])
    func letters(name: String, expected: String) {
        #expect(PortalView.letter(of: name) == expected)
    }
}
