import Foundation
import Gapura
import GapuraPages
import Testing

@Suite("Preview")
struct PreviewTests {
    /// Not a check: with `GAPURA_PREVIEW=FOLDER` all pages and their files are written there, to be looked at and
    /// examined by axe-core.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["GAPURA_PREVIEW"] != nil))
    func write() throws {
        let environment = ProcessInfo.processInfo.environment
        let folder = URL(filePath: environment["GAPURA_PREVIEW"] ?? "")
        let pages = try Samples.pages(
            Branding(
                cityName: "Kota Nusa Contoh", colour: environment["GAPURA_PREVIEW_COLOUR"],
                contact: "(0000) 123 456, Senin–Jumat 07.30–16.00")
        )
        let assets = folder.appending(path: "aset")
        try FileManager.default.createDirectory(at: assets, withIntermediateDirectories: true)
        for name in ["gapura.css", "gapura.js", "kota.css", "menara.svg", "logo"] {
            try Data(pages.asset(name)?.bytes ?? []).write(to: assets.appending(path: name))
        }
        for sample in Samples.all {
            for language in Language.allCases {
                try Data(sample.html(language, pages).utf8).write(
                    to: folder.appending(path: "\(sample.name).\(language.rawValue).html"))
            }
        }
    }
}
