package import GapuraTabular

/// The columns of SIASN's `ref-unor` that make the organisation tree.
enum UnitColumn: String, Sendable, CaseIterable {
    case id = "Id"
    case governmentID = "InstansiId"
    case parentID = "DiatasanId"
    case echelon = "EselonId"
    case name = "NamaUnor"
    case postName = "NamaJabatan"
    case headPNSID = "PemimpinPnsId"
    case kind = "JenisUnorId"
}

/// One unit as the file has it.
package struct UnitRow: Sendable, Equatable {
    package var row: Int
    package var sourceID: String?
    package var governmentID: String?
    package var parentID: String?
    package var name: String?
    package var postName: String?
    package var kind: String?
    package var echelon: String?
    package var headPNSID: String?

    package init(
        row: Int, sourceID: String?, governmentID: String?, parentID: String?, name: String?, postName: String? = nil,
        kind: String? = nil, echelon: String? = nil, headPNSID: String? = nil
    ) {
        self.row = row
        self.sourceID = sourceID
        self.governmentID = governmentID
        self.parentID = parentID
        self.name = name
        self.postName = postName
        self.kind = kind
        self.echelon = echelon
        self.headPNSID = headPNSID
    }
}

/// The organisation tree in the shape of SIASN's `ref-unor`, as delimited text or a workbook.
package struct UnitFileSource {
    private let reader: any TabularReader
    private let profile: PersonnelProfile

    package init(_ reader: any TabularReader, profile: PersonnelProfile = .siasnText) {
        self.reader = reader
        self.profile = profile
    }

    package func read() throws -> [UnitRow] {
        var rows: [UnitRow] = []
        let mapping = profile.unitMapping
        try readTable(
            reader, columns: UnitColumn.self, spellings: profile.units.spellings, optional: profile.units.optional,
            without: Set(profile.units.constants.keys)
        ) { number, cells in
            let cells = mapping.map(cells)
            func id(_ column: UnitColumn) -> String? { cells[column].flatMap { CellText.identifier($0) } }
            func name(_ column: UnitColumn) -> String? { cells[column].flatMap { CellText.name($0) } }
            guard cells.values.contains(where: { !$0.isBlank }) else { return }
            rows.append(
                UnitRow(
                    row: number, sourceID: id(.id), governmentID: id(.governmentID), parentID: id(.parentID),
                    name: name(.name),
                    postName: name(.postName), kind: id(.kind), echelon: id(.echelon), headPNSID: id(.headPNSID)
                )
            )
        }
        return rows
    }
}
