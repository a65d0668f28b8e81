package import GapuraFormats

package typealias LoadID = ID<Load>

/// One run of a personnel source that was applied.
package struct Load: Sendable, Equatable {
    package var id: LoadID
    package var fileName: String
    /// SHA-256 of the file, base64url.
    package var fileDigest: String
    package var unitsDigest: String?
    package var appliedAt: Timestamp
    package var actor: String
    /// JSON object of counts.
    package var counts: String

    package init(
        id: LoadID, fileName: String, fileDigest: String, unitsDigest: String?, appliedAt: Timestamp, actor: String,
        counts: String
    ) {
        self.id = id
        self.fileName = fileName
        self.fileDigest = fileDigest
        self.unitsDigest = unitsDigest
        self.appliedAt = appliedAt
        self.actor = actor
        self.counts = counts
    }
}

/// A row of a source that was refused, or accepted with a warning.
package struct LoadFinding: Sendable, Equatable {
    package enum Outcome: String, Sendable {
        case rejected
        case warning
    }

    package var loadID: LoadID
    /// As in the sheet: the header is row 1.
    package var rowNumber: Int64
    package var outcome: Outcome
    package var reason: String
    package var pnsID: String?

    package init(loadID: LoadID, rowNumber: Int64, outcome: Outcome, reason: String, pnsID: String?) {
        self.loadID = loadID
        self.rowNumber = rowNumber
        self.outcome = outcome
        self.reason = reason
        self.pnsID = pnsID
    }
}
