package import GapuraFormats

/// An OAuth client identifier; compared as bytes.
package struct ClientID: Hashable, Sendable, CustomStringConvertible, SQLConvertible {
    package let exact: ExactText

    package init(_ text: String) {
        exact = ExactText(text)
    }

    package var text: String { exact.text }
    package var description: String { exact.text }
    package var sqlValue: SQLValue { .text(exact.text) }
}

/// A client as it is stored: the metadata is one JSON object, which `Gapura` reads as RFC 7591.
package struct ClientRecord: Sendable, Equatable {
    package enum State: String, Sendable {
        case active
        case disabled
    }

    package var id: ClientID
    package var applicationID: ApplicationID
    package var state: State
    /// SHA-256 of the secret, base64url.
    package var secretDigest: String?
    /// The secret itself under AES-256-GCM, only where it must compute (HS tokens).
    package var sealedSecret: String?
    package var secretChangedAt: Timestamp?
    /// RFC 7591 members and ours, one JSON object.
    package var settings: String
    /// `backchannel_logout_uri` of the settings, where ending a session finds it.
    package var backchannelLogoutURI: String?
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    package init(
        id: ClientID, applicationID: ApplicationID, state: State, secretDigest: String?, sealedSecret: String?,
        secretChangedAt: Timestamp?,
        settings: String, backchannelLogoutURI: String?, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.applicationID = applicationID
        self.state = state
        self.secretDigest = secretDigest
        self.sealedSecret = sealedSecret
        self.secretChangedAt = secretChangedAt
        self.settings = settings
        self.backchannelLogoutURI = backchannelLogoutURI
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
