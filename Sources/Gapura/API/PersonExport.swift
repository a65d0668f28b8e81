import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Everything that is held about somebody as one JSON object: what UU PDP article 6 lets them ask for.
enum PersonExport {
    /// - Parameter showsNIK: all of it, and not only its serial.
    static func make(
        _ subject: HeldSubject, _ vault: IdentityVault, showsNIK: Bool, in tx: Transaction, at now: Timestamp
    ) throws -> JSONObject {
        var json: JSONObject = [
            "format": "gapura-person-1", "exported_at": .time(now),
            "person_id": .text(subject.person?.id.text), "account_id": .text(subject.account?.id.text),
        ]
        let identity = try subject.person.flatMap { try tx.identities.find($0.id) }
        let nik = identity.flatMap { vault.open($0) }
        json["nik"] = .text(showsNIK ? nik?.digits : nik?.masked)
        for table in try tx.heldData.list(subject) {
            json[table.name] = .array(
                table.rows.map { .object(JSONObject($0.map { ($0.column, value($0.column, $0.value)) })) })
        }
        let ids = [subject.account?.id.text, subject.person?.id.text].compactMap { $0 }
        let actor = Actor.account(subject.account?.id.text ?? "").text
        json["audit"] = .array(try tx.audit.list(by: actor, about: ids).map { .object(AuditJSON.make($0)) })
        return json
    }

    /// Moments and truths as such; the tables have numbers for both.
    private static func value(_ column: String, _ value: SQLValue) -> JSONValue {
        switch value {
        case .null: .null
        case .text(let text): .string(text)
        case .integer(let number):
            if isMoment(column) {
                .time(Timestamp(milliseconds: number))
            } else if ["works_here", "needs_review", "email_verified", "offline"].contains(column) {
                .bool(number != 0)
            } else {
                .integer(number)
            }
        }
    }

    private static func isMoment(_ column: String) -> Bool {
        column.utf8.reversed().starts(with: "_at".utf8.reversed())
            || ["valid_from", "valid_to", "letter_to", "post_since", "auth_time", "until"].contains(column)
    }
}
