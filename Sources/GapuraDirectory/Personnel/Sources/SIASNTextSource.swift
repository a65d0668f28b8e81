package import GapuraFormats

/// SIASN's personnel export as delimited text: the same columns as the workbook.
package struct SIASNTextSource: PersonnelSource {
    private let makeBytes: () -> ByteSource
    private let limits: TabularLimits

    package let name = "siasn-csv"

    package init(_ bytes: [UInt8], limits: TabularLimits = TabularLimits()) {
        self.init(limits: limits) { ByteSource(bytes) }
    }

    /// `makeBytes` begins the file anew.
    package init(limits: TabularLimits = TabularLimits(), _ makeBytes: @escaping () -> ByteSource) {
        self.limits = limits
        self.makeBytes = makeBytes
    }

    package func read(_ take: (PersonnelRow) throws -> Void) throws {
        try readTable(CSVReader(makeBytes(), limits: limits), columns: PersonnelColumn.self) { number, cells in
            try take(PersonnelRow(number: number, cells: cells))
        }
    }
}
