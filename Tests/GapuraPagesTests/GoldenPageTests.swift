import Foundation
import Gapura
import Testing

@Suite("Golden pages")
struct GoldenPageTests {
    /// `GAPURA_RECORD=1` writes the files anew; look at the difference before you commit it.
    @Test("each page in each language is byte for byte what was agreed", arguments: Samples.ordinary, Language.allCases)
    func golden(sample: Sample, language: Language) throws {
        let html = withoutVersions(try sample.html(language, Samples.pages()))
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")
        let file = folder.appending(path: "\(sample.name).\(language.rawValue).html")
        if ProcessInfo.processInfo.environment["GAPURA_RECORD"] == "1" {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(html.utf8).write(to: file)
        }
        let agreed = try Data(contentsOf: file)
        #expect(Data(html.utf8) == agreed, "\(file.lastPathComponent) differs; GAPURA_RECORD=1 rewrites it")
    }

    /// The hash in `?v=…` changes with every edit of a static file; the pages do not.
    private func withoutVersions(_ html: String) -> String {
        html.replacing(#/\?v=[0-9a-f]{16}/#, with: "?v=…")
    }
}
