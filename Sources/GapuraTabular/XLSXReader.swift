internal import GapuraFormats

/// The first worksheet of an XLSX workbook, read as a stream; of the file itself only what is being inflated is in
/// memory.
///
/// Only values are read: no macros (a workbook with any is refused), no external links, no cached results of formulas,
/// no styles. Dates of Excel are numbers like any other and stay so. Office Open XML: ECMA-376 part 1, sections 18.3
/// (sheets), 18.4 (shared strings), part 2 (packages).
package struct XLSXReader: TabularReader {
    private let bytes: RandomAccessBytes
    private let limits: TabularLimits

    package init(_ bytes: RandomAccessBytes, limits: TabularLimits = TabularLimits()) {
        self.bytes = bytes
        self.limits = limits
    }

    package mutating func read(
        header: (TabularRow) throws -> ColumnSelection,
        row: (TabularRow) throws -> Void
    ) throws {
        let container = try ZIPContainer(bytes, limits: limits)
        let workbook = try XLSXWorkbook(container)
        let strings = try XLSXSharedStrings(workbook.sharedStrings, in: container, limits)
        try withoutActuallyEscaping(header) { header in
            let sheet = XLSXSheetHandler(strings, limits, header)
            let stream = try XMLStream(sheet)
            try container.read(workbook.sheet) { chunk in
                let outcome = Result { () throws(TabularError) in try stream.feed(chunk) }
                try sheet.hand(on: row, after: outcome)
            }
            let outcome = Result { () throws(TabularError) in try stream.finish() }
            try sheet.hand(on: row, after: outcome)
            guard sheet.hasHeader else { throw TabularError(.empty, "the worksheet has no rows") }
        }
    }
}

/// Which parts of the package are the first worksheet and its shared strings.
struct XLSXWorkbook {
    let sheet: ZIPContainer.Entry
    let sharedStrings: ZIPContainer.Entry?

    init(_ container: ZIPContainer) throws {
        try Self.refuseMacros(container)
        let package = try Self.relationships(of: "", in: container)
        let workbookName = package.first { $0.kind == "officeDocument" }?.target ?? "xl/workbook.xml"
        guard let workbook = container.entry(workbookName) else {
            throw TabularError(.noWorksheet, "no workbook in the file")
        }
        let sheets = SheetsHandler()
        try XMLStream.parse(container.contents(workbook), sheets)
        let parts = try Self.relationships(of: workbookName, in: container)
        let worksheets = sheets.sheets.compactMap { sheet in
            parts.first { $0.id.isExactly(sheet.relationship) && $0.kind == "worksheet" }
                .map { (target: $0.target, isHidden: sheet.isHidden) }
        }
        guard let chosen = worksheets.first(where: { !$0.isHidden }) ?? worksheets.first,
            let sheet = container.entry(chosen.target)
        else {
            throw TabularError(.noWorksheet, "no worksheet in the workbook")
        }
        self.sheet = sheet
        sharedStrings = parts.first { $0.kind == "sharedStrings" }.flatMap { container.entry($0.target) }
    }

    private static func refuseMacros(_ container: ZIPContainer) throws {
        let refusal = TabularError(.macros, "the workbook contains macros; save it as .xlsx")
        if container.entries.contains(where: { $0.name.lowercased().hasSuffix("vbaproject.bin") }) { throw refusal }
        guard let types = container.entry("[Content_Types].xml") else {
            throw TabularError(.noWorksheet, "not an Office Open XML file")
        }
        let handler = ContentTypesHandler()
        try XMLStream.parse(container.contents(types), handler)
        if handler.hasMacros { throw refusal }
    }

    /// The relationships of a part; `""` is the package itself. External ones are left out: nothing outside is ever
    /// asked for.
    private static func relationships(of part: String, in container: ZIPContainer) throws -> [Relationship] {
        let folders = part.split(separator: "/").dropLast()
        let file = part.split(separator: "/").last ?? ""
        let name = (folders + ["_rels", "\(file).rels"]).joined(separator: "/")
        guard let entry = container.entry(name) else { return [] }
        let handler = RelationshipsHandler(folders: folders.map(String.init))
        try XMLStream.parse(container.contents(entry), handler)
        return handler.relationships
    }
}

private struct Relationship {
    let id: String
    /// The last part of the type's URI; the transitional and the strict form differ only before it.
    let kind: String
    /// The name of the entry.
    let target: String
}

private final class RelationshipsHandler: XMLStreamHandler {
    private(set) var relationships: [Relationship] = []
    private let folders: [String]

    init(folders: [String]) {
        self.folders = folders
    }

    func start(_ name: XMLName, _ attributes: XMLAttributes) {
        guard name == "Relationship", attributes.text("TargetMode") != "External",
            let id = attributes.text("Id"), let type = attributes.text("Type"), let target = attributes.text("Target"),
            let kind = type.split(separator: "/").last
        else { return }
        relationships.append(Relationship(id: id, kind: String(kind), target: resolve(target)))
    }

    func end(_ name: XMLName) {}
    func text(_ bytes: UnsafeBufferPointer<UInt8>) {}

    /// Turns a target into the name of an entry. It is only ever looked up in the list of entries.
    private func resolve(_ target: String) -> String {
        var path = target.utf8.first == UInt8(ascii: "/") ? [] : folders
        for step in target.split(separator: "/") where step != "." {
            if step == ".." { _ = path.popLast() } else { path.append(String(step)) }
        }
        return path.joined(separator: "/")
    }
}

private final class SheetsHandler: XMLStreamHandler {
    private(set) var sheets: [(relationship: String, isHidden: Bool)] = []

    func start(_ name: XMLName, _ attributes: XMLAttributes) {
        guard name == "sheet", let relationship = attributes.text("id") else { return }
        sheets.append((relationship, (attributes.text("state") ?? "visible") != "visible"))
    }

    func end(_ name: XMLName) {}
    func text(_ bytes: UnsafeBufferPointer<UInt8>) {}
}

private final class ContentTypesHandler: XMLStreamHandler {
    private(set) var hasMacros = false

    func start(_ name: XMLName, _ attributes: XMLAttributes) {
        guard let type = attributes.text("ContentType")?.lowercased() else { return }
        if type.contains("macroenabled") || type.contains("vbaproject") { hasMacros = true }
    }

    func end(_ name: XMLName) {}
    func text(_ bytes: UnsafeBufferPointer<UInt8>) {}
}
