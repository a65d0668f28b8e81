package import GapuraFormats

/// An authorization request that a client sent beforehand (RFC 9126), of whose handle only the digest is stored.
package struct PushedRequest: Sendable, Equatable {
    package var digest: String
    package var clientID: ClientID
    /// Whence it came, of a client that anybody can pretend to be; else empty.
    package var network: String
    /// What was pushed, form-urlencoded; what was in a signed request object is in it as parameters.
    package var request: String
    package var createdAt: Timestamp
    /// Until when a browser may come with it; who began before may end later.
    package var expiresAt: Timestamp
    package var usedAt: Timestamp?

    package init(
        digest: String, clientID: ClientID, network: String, request: String, createdAt: Timestamp,
        expiresAt: Timestamp, usedAt: Timestamp? = nil
    ) {
        self.digest = digest
        self.clientID = clientID
        self.network = network
        self.request = request
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.usedAt = usedAt
    }
}
