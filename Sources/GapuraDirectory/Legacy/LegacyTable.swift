import GapuraFormats
import GapuraTabular

/// The columns of an old application's user table. `salt` may be missing; other columns are not read.
enum LegacyColumn: String, CaseIterable, Sendable {
    case username
    case nip
    case localID = "local_id"
    case scheme
    case hash
    case email
}

/// A row of an old application's user table, as the file has it. It holds an old hash, and nothing that can be turned
/// back into a password.
struct LegacyRow: Sendable {
    /// As the sheet counts: the header is row 1.
    let number: Int
    let userName: String?
    let nip: String?
    /// Whether NIP or local id went through Excel as numbers and lost digits.
    let isNumeric: Bool
    let localID: String?
    let email: String?
    let hash: Result<LegacyHash, LegacyReason>?
}

/// Reads such a table, from CSV or a workbook.
enum LegacyTable {
    /// How many rows one import may have; they are kept in memory while they are compared, about 500 bytes each.
    static let maximumRows = 300_000
    private static let longestLocalID = 200

    /// - Returns: the SHA-256 of the file, base64url.
    /// - Throws: `PersonnelSourceError`
    static func read(_ file: PersonnelFile, _ take: (LegacyRow) throws -> Void) throws -> String {
        var count = 0
        return try file.readAsTable { reader in
            var reader = reader
            var positions: [LegacyColumn: Int] = [:]
            var saltPosition: Int?
            do {
                try reader.read { header in
                    let table = try TableHeader<LegacyColumn>(header)
                    positions = Dictionary(uniqueKeysWithValues: table.positions.map { ($0.column, $0.index) })
                    saltPosition = header.cells.firstIndex { cell in
                        guard case .text(let text) = cell else { return false }
                        return TableHeader<LegacyColumn>.key(text).isExactly("salt")
                    }
                    return ColumnSelection(Array(positions.values) + [saltPosition].compactMap { $0 })
                } row: { row in
                    guard !row.isBlank else { return }
                    count += 1
                    guard count <= maximumRows else {
                        throw TabularError(.tooManyRows, row: row.number, "more than \(maximumRows) rows")
                    }
                    func cell(_ column: LegacyColumn) -> TabularCell { positions[column].map { row[$0] } ?? .empty }
                    try take(make(row.number, cell, salt: saltPosition.map { row[$0] } ?? .empty))
                }
            } catch let error as TabularError {
                throw PersonnelSourceError.table(error)
            }
        }
    }

    private static func make(_ number: Int, _ cell: (LegacyColumn) -> TabularCell, salt: TabularCell) -> LegacyRow {
        let localID = CellText.identifier(cell(.localID))
        // Not trimmed of apostrophes: what stands here was computed, or is somebody's password.
        let scheme = text(cell(.scheme)) ?? ""
        let stored = text(cell(.hash))
        var hash: Result<LegacyHash, LegacyReason>?
        if LegacyScheme.isReversible(scheme) {
            hash = .failure(.reversible)
        } else if let stored {
            hash = parse(scheme, stored, salt: text(salt), localID: localID ?? "")
        }
        return LegacyRow(
            number: number, userName: short(CellText.identifier(cell(.username))),
            nip: short(CellText.identifier(cell(.nip))),
            isNumeric: isNumeric(cell(.nip), numberIsDamaged: true)
                || isNumeric(cell(.localID), numberIsDamaged: false),
            localID: localID, email: short(CellText.identifier(cell(.email))), hash: hash
        )
    }

    private static func parse(
        _ scheme: String, _ stored: String, salt: String?, localID: String
    ) -> Result<LegacyHash, LegacyReason> {
        guard let scheme = LegacyScheme(word: scheme) else { return .failure(.schemeUnknown) }
        do {
            return .success(try LegacyHash(scheme, stored, salt: salt, localID: localID))
        } catch {
            return .failure(error)
        }
    }

    /// Whether a local id can be kept and handed out in a claim.
    static func isUsable(_ localID: String) -> Bool {
        localID.utf8.count <= longestLocalID && !IdentifierText.hasInvisible(localID)
    }

    /// A name that is longer than any is none.
    private static func short(_ text: String?) -> String? {
        guard let text, text.utf8.count <= 254, !IdentifierText.hasInvisible(text) else { return nil }
        return text
    }

    private static func isNumeric(_ cell: TabularCell, numberIsDamaged: Bool) -> Bool {
        switch cell {
        case .number(let raw): numberIsDamaged || IdentifierText.isFloat(raw)
        case .text(let text): IdentifierText.cleaned(text).map(IdentifierText.isFloat) ?? false
        case .empty, .formula, .bool, .error: false
        }
    }

    private static func text(_ cell: TabularCell) -> String? {
        switch cell {
        case .text(let text), .formula(let text): IdentifierText.cleanedName(text)
        case .number(let raw): raw
        case .empty, .bool, .error: nil
        }
    }
}
