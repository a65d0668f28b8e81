package import GapuraFormats

package typealias RegistrationID = ID<Registration>

/// A right to register clients of one application (an initial access token, RFC 7591 section 3), of which only the digest
/// is stored.
package struct Registration: Sendable, Equatable {
    package var id: RegistrationID
    package var digest: String
    package var applicationID: ApplicationID
    /// What its clients may be, one JSON object.
    package var settings: String
    package var usesLeft: Int64
    package var createdBy: String
    package var createdAt: Timestamp
    package var expiresAt: Timestamp
    package var endedAt: Timestamp?

    package init(
        id: RegistrationID, digest: String, applicationID: ApplicationID, settings: String, usesLeft: Int64,
        createdBy: String, createdAt: Timestamp, expiresAt: Timestamp, endedAt: Timestamp? = nil
    ) {
        self.id = id
        self.digest = digest
        self.applicationID = applicationID
        self.settings = settings
        self.usesLeft = usesLeft
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.endedAt = endedAt
    }
}
