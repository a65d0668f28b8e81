package import GapuraFormats

package typealias DeliveryID = ID<LogoutDelivery>

/// One line of the sign-out ledger: a client that has to be told that a session ended.
package struct LogoutDelivery: Sendable, Equatable {
    package enum State: String, Sendable {
        /// Not told yet, or to be told again.
        case waiting
        /// Answered 200 or 204.
        case answered
        /// Given up, or refused by the client.
        case failed
    }

    package var id: DeliveryID
    package var sessionID: SessionID
    package var accountSub: String
    package var clientID: ClientID
    package var sid: String
    package var uri: String
    package var createdAt: Timestamp
    package var nextTryAt: Timestamp?
    package var tries: Int64
    package var state: State
    package var answeredAt: Timestamp?
    /// HTTP status of the last answer.
    package var status: Int64?
    package var problem: String?

    package init(
        id: DeliveryID, sessionID: SessionID, accountSub: String, clientID: ClientID, sid: String, uri: String,
        createdAt: Timestamp,
        nextTryAt: Timestamp?, tries: Int64 = 0, state: State = .waiting, answeredAt: Timestamp? = nil,
        status: Int64? = nil,
        problem: String? = nil
    ) {
        self.id = id
        self.sessionID = sessionID
        self.accountSub = accountSub
        self.clientID = clientID
        self.sid = sid
        self.uri = uri
        self.createdAt = createdAt
        self.nextTryAt = nextTryAt
        self.tries = tries
        self.state = state
        self.answeredAt = answeredAt
        self.status = status
        self.problem = problem
    }
}

/// What became of some notices of sign-outs.
package struct LogoutOutcomes: Sendable, Equatable {
    package var answered: Int
    package var failed: Int
}
