package import GapuraTabular

/// SIASN's personnel export as delimited text: the same columns as the workbook.
package struct SIASNTextSource: PersonnelSource {
    private let bytes: ByteSource
    private let limits: TabularLimits

    package let name = "siasn-csv"

    package init(_ bytes: ByteSource, limits: TabularLimits = TabularLimits()) {
        self.bytes = bytes
        self.limits = limits
    }

    package func read(_ take: (PersonnelRow) throws -> Void) throws {
        try readTable(CSVReader(bytes, limits: limits), columns: PersonnelColumn.self) { number, cells in
            try take(PersonnelRow(number: number, cells: cells))
        }
    }
}
