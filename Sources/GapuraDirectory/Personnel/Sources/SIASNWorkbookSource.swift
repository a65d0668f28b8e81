package import GapuraTabular

/// SIASN's personnel export as a workbook: the columns of the domain notes, section 2.8, in any order, among others
/// that nobody needs.
package struct SIASNWorkbookSource: PersonnelSource {
    private let reader: XLSXReader

    package let name = "siasn-xlsx"

    package init(_ bytes: RandomAccessBytes, limits: TabularLimits = TabularLimits()) {
        reader = XLSXReader(bytes, limits: limits)
    }

    package func read(_ take: (PersonnelRow) throws -> Void) throws {
        try readTable(reader, columns: PersonnelColumn.self) { number, cells in
            try take(PersonnelRow(number: number, cells: cells))
        }
    }
}
