package import GapuraFormats

package typealias LoadID = ID<Load>

/// One run of a personnel source that was applied, or one that took another back.
package struct Load: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case load
        /// Took another load back: `undoes` names it.
        case undo
    }

    package var id: LoadID
    package var fileName: String
    /// SHA-256 of the file, base64url; empty for an undo.
    package var fileDigest: String
    package var unitsDigest: String?
    package var appliedAt: Timestamp
    package var actor: String
    /// JSON object of counts.
    package var counts: String
    package var kind: Kind
    package var undoes: LoadID?
    package var undoneBy: LoadID?
    /// Of a load of some people, how many accounts it took the sign-in from; -1 where somebody confirmed the number.
    package var lost: Int64

    package init(
        id: LoadID, fileName: String, fileDigest: String, unitsDigest: String?, appliedAt: Timestamp, actor: String,
        counts: String, kind: Kind = .load, undoes: LoadID? = nil, undoneBy: LoadID? = nil, lost: Int64 = 0
    ) {
        self.id = id
        self.fileName = fileName
        self.fileDigest = fileDigest
        self.unitsDigest = unitsDigest
        self.appliedAt = appliedAt
        self.actor = actor
        self.counts = counts
        self.kind = kind
        self.undoes = undoes
        self.undoneBy = undoneBy
        self.lost = lost
    }
}

/// A row of a source that was refused, or accepted with a warning; of an undo, something it left as it is.
package struct LoadFinding: Sendable, Equatable {
    package enum Outcome: String, Sendable {
        case rejected
        case warning
        /// An undo left it.
        case left
    }

    package var loadID: LoadID
    /// As in the sheet: the header is row 1. Of an undo, a running number.
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

/// One row of the directory that a load changed or made.
package struct LoadChange: Sendable, Equatable {
    package enum Entity: String, Sendable {
        case unit
        case person
        case alias
        case account
        case schedule
    }

    package var entity: Entity
    package var entityID: String
    /// JSON object of the columns that changed, as they were; nil for a row that was made.
    package var before: String?
    /// The same columns as they became.
    package var after: String

    package init(entity: Entity, entityID: String, before: String?, after: String) {
        self.entity = entity
        self.entityID = entityID
        self.before = before
        self.after = after
    }
}

/// Somebody asked for a load that a second admin has to confirm.
package struct LoadRequest: Sendable, Equatable {
    package var id: ID<LoadRequest>
    package var fileDigest: String
    package var unitsDigest: String?
    /// The last load when it was asked for: after another one it is asked for anew.
    package var baseLoadID: LoadID?
    /// The number to repeat.
    package var accounts: Int64
    package var actor: String
    package var askedAt: Timestamp

    package init(
        id: ID<LoadRequest>, fileDigest: String, unitsDigest: String?, baseLoadID: LoadID?, accounts: Int64,
        actor: String, askedAt: Timestamp
    ) {
        self.id = id
        self.fileDigest = fileDigest
        self.unitsDigest = unitsDigest
        self.baseLoadID = baseLoadID
        self.accounts = accounts
        self.actor = actor
        self.askedAt = askedAt
    }
}
