package import GapuraFormats

/// One row of the audit: opaque ids only, chained to the row before by its hash.
package struct AuditRecord: Sendable, Equatable {
    /// Counts from 1 without gaps.
    package var seq: Int64
    package var at: Timestamp
    /// From the catalogue of events: `session.started`.
    package var event: String
    /// `account:…`, `client:…`, `command` or `system`.
    package var actor: String
    package var subject: String?
    package var clientID: String?
    /// JSON object.
    package var detail: String
    package var previous: String
    package var hash: String

    package init(
        seq: Int64, at: Timestamp, event: String, actor: String, subject: String?, clientID: String?, detail: String,
        previous: String,
        hash: String
    ) {
        self.seq = seq
        self.at = at
        self.event = event
        self.actor = actor
        self.subject = subject
        self.clientID = clientID
        self.detail = detail
        self.previous = previous
        self.hash = hash
    }
}
