import GapuraFormats
import GapuraStore

/// The ledger of sign-outs: which application was told, answered, or failed.
enum LogoutOperations {
    static let all = [list]

    private static let list = Operation("logout.list", ["session", "limit"], .needs(.auditRead)) { arguments, context in
        let session = try arguments.optionalText("session")
        let limit = try arguments.optionalInteger("limit", 1...100_000) ?? 50
        return try await context.store.read { tx in
            let deliveries: [LogoutDelivery]
            if let session {
                guard let id = SessionID(session) else {
                    throw OperationError(
                        .invalid, "session must be the id of a session.", id: "session harus id sebuah sesi.")
                }
                deliveries = try tx.logout.list(of: id)
            } else {
                deliveries = try tx.logout.list(limit: limit)
            }
            return ["deliveries": .array(deliveries.map { .object(make($0)) })]
        }
    }

    private static func make(_ delivery: LogoutDelivery) -> JSONObject {
        [
            "id": .string(delivery.id.text), "created_at": .time(delivery.createdAt),
            "client_id": .string(delivery.clientID.text),
            "state": .string(delivery.state.rawValue), "tries": .integer(delivery.tries),
            "status": delivery.status.map { .integer($0) } ?? .null,
            "problem": .text(delivery.problem), "answered_at": .time(delivery.answeredAt),
            "next_try_at": .time(delivery.nextTryAt),
            "session": .string(delivery.sessionID.text), "sid": .string(delivery.sid), "uri": .string(delivery.uri),
        ]
    }
}
