import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// Rights to register clients, given to whoever builds an application.
enum RegistrationOperations {
    static let all = [add, list, end]

    private static let days: ClosedRange<Int64> = 1...365
    private static let uses: ClosedRange<Int64> = 1...1000

    private static let add = Operation(
        "registration.add", ["application", "hosts", "scope", "profile", "trusted", "days", "uses"],
        .needs(.applicationsChange)
    ) { arguments, context in
        let slug = try arguments.text("application")
        var asked: JSONObject = [
            "hosts": .array(try arguments.texts("hosts").map(JSONValue.string)),
            "trusted": .bool(try arguments.flag("trusted")),
        ]
        for name in ["scope", "profile"] { asked[name] = try arguments.optionalText(name).map(JSONValue.string) }
        let right = try RegistrationRight(asked)
        let days = try arguments.optionalInteger("days", days) ?? 7
        let uses = try arguments.optionalInteger("uses", uses) ?? 1
        let token = SecureRandom.text(32)
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            let application = try ApplicationOperations.find(slug, tx)
            let registration = Registration(
                id: .make(now: now), digest: StoredSecret.digest(token, of: .registration),
                applicationID: application.id, settings: JSONValue.object(right.jsonObject).encodedText(),
                usesLeft: uses, createdBy: actor.text, createdAt: now, expiresAt: now.adding(seconds: days * 86_400))
            try tx.registrations.insert(registration)
            try tx.record(
                .registrationOpened, by: actor, subject: application.id.text,
                detail: ["registration": .string(registration.id.text)], at: now)
            return .object(try json(registration, tx, at: now).adding("initial_access_token", .string(token)))
        }
    }

    private static let list = Operation("registration.list", [], .needs(.applicationsRead)) { _, context in
        let now = context.now
        return try await context.store.read { tx in
            ["registrations": .array(try tx.registrations.list().map { .object(try json($0, tx, at: now)) })]
        }
    }

    private static let end = Operation("registration.end", ["id"], .needs(.applicationsChange)) { arguments, context in
        let text = try arguments.text("id")
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            guard let id = RegistrationID(text), let found = try tx.registrations.find(id) else {
                throw OperationError(
                    .notFound, "No registration has that id; see `gapura registration list`.",
                    id: "Tidak ada pendaftaran dengan id itu; lihat `gapura registration list`.")
            }
            if try tx.registrations.end(id, at: now) {
                try tx.record(
                    .registrationClosed, by: actor, subject: found.applicationID.text,
                    detail: ["registration": .string(id.text)], at: now)
            }
            let left = try tx.registrations.find(id) ?? found
            return .object(try json(left, tx, at: now))
        }
    }

    /// As operators see it: never the token.
    private static func json(_ registration: Registration, _ tx: Transaction, at now: Timestamp) throws -> JSONObject {
        let isOpen = registration.usesLeft > 0 && registration.endedAt == nil && now < registration.expiresAt
        var json: JSONObject = [
            "id": .string(registration.id.text),
            "application": .text(try tx.applications.find(registration.applicationID)?.slug),
            "open": .bool(isOpen), "uses_left": .integer(registration.usesLeft),
            "created_at": .time(registration.createdAt), "expires_at": .time(registration.expiresAt),
            "ended_at": .time(registration.endedAt),
        ]
        if let settings = try StrictJSON.parse(Array(registration.settings.utf8)).object {
            for (key, value) in settings.members { json[key] = value }
        }
        return json
    }
}
