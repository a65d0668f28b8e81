package import GapuraFormats

/// What somebody allowed one application to learn, as it stands now.
package struct Consent: Sendable, Equatable {
    package var clientID: ClientID
    package var applicationName: String
    /// Scopes, and claims that were asked for by name (`claim:nip`), in order.
    package var items: [String]
    /// When the last of them was allowed, and until when the first of them is remembered.
    package var givenAt: Timestamp
    package var expiresAt: Timestamp

    package init(
        clientID: ClientID, applicationName: String, items: [String], givenAt: Timestamp, expiresAt: Timestamp
    ) {
        self.clientID = clientID
        self.applicationName = applicationName
        self.items = items
        self.givenAt = givenAt
        self.expiresAt = expiresAt
    }
}
