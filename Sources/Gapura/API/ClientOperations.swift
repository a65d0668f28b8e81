import GapuraDirectory
import GapuraFormats
import GapuraStore

/// OAuth clients of applications.
enum ClientOperations {
    static let all = [add, list, show, update, secret, state, check]

    private static let add = Operation(
        "client.add", ["application", "client_id", "metadata"], .needs(.applicationsChange)
    ) { arguments, context in
        let slug = try arguments.text("application")
        let clientID = try arguments.optionalText("client_id")
        let registry = ClientRegistry(context.services)
        let metadata = try await registry.prepare(arguments.object("metadata"))
        try await SectorCheck(context.services).check(metadata)
        let logo = await LogoFetcher(context.services).fetch(metadata)
        let secret = ClientRegistry.makeSecret()
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            let application = try ApplicationOperations.find(slug, tx)
            let registered = try registry.add(
                metadata, application: application, clientID: clientID, secret: secret, by: actor, in: tx, at: now
            )
            if registered.isNew { try tx.logos.set(logo, of: registered.record.id, at: now) }
            return .object(
                registered.jsonObject.adding("application", .string(slug)).adding("new", .bool(registered.isNew))
            )
        }
    }

    private static let list = Operation("client.list", ["application"], .needs(.applicationsRead)) {
        arguments, context in
        let slug = try arguments.optionalText("application")
        return try await context.store.read { tx in
            let records =
                try slug.map { try tx.clients.list(of: ApplicationOperations.find($0, tx).id) } ?? tx.clients.list()
            return ["clients": .array(try records.map { .object(try ClientJSON.make($0, tx)) })]
        }
    }

    private static let show = Operation(showing: "client.show", ["client_id"], .needs(.applicationsRead)) {
        arguments, _, tx, _ in
        try ClientJSON.make(find(ClientID(arguments.text("client_id")), tx), tx)
    }

    /// Sets the members that are given, and takes away those that are null.
    private static let update = Operation("client.update", ["client_id", "metadata"], .needs(.applicationsChange)) {
        arguments, context in
        let id = ClientID(try arguments.text("client_id"))
        let changes = try arguments.object("metadata")
        let registry = ClientRegistry(context.services)
        let before = try await context.store.read { tx in try find(id, tx) }
        var json = try ClientJSON.settings(before)
        for (key, value) in changes.members { json[key] = value.isNull ? nil : value }
        let metadata = try await registry.prepare(json)
        try await SectorCheck(context.services).check(metadata)
        let logo = await LogoFetcher(context.services).fetch(metadata)
        let secret = ClientRegistry.makeSecret()
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            guard try find(id, tx).settings.isExactly(before.settings) else {
                throw OperationError(
                    .conflict, "The client was changed meanwhile; try again.", id: "Klien baru saja diubah; coba lagi.")
            }
            try tx.logos.set(logo, of: id, at: now)
            return .object(try registry.update(id, metadata, secret: secret, by: actor, in: tx, at: now).jsonObject)
        }
    }

    private static let secret = Operation("client.secret", ["client_id"], .needs(.applicationsChange)) {
        arguments, context in
        let id = ClientID(try arguments.text("client_id"))
        let registry = ClientRegistry(context.services)
        let secret = ClientRegistry.makeSecret()
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            .object(try registry.changeSecret(of: id, to: secret, by: actor, in: tx, at: now).jsonObject)
        }
    }

    private static let state = Operation("client.state", ["client_id", "state"], .needs(.applicationsChange)) {
        arguments, context in
        let id = ClientID(try arguments.text("client_id"))
        guard let state = try ClientRecord.State(rawValue: arguments.text("state")) else {
            throw OperationError(.invalid, "state is active or disabled.", id: "state adalah active atau disabled.")
        }
        let registry = ClientRegistry(context.services)
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            try registry.setState(id, state, by: actor, in: tx, at: now)
            return .object(try ClientJSON.make(find(id, tx), tx))
        }
    }

    private static let check = Operation("client.check", ["client_id"], .needs(.applicationsRead)) {
        arguments, context in
        let id = ClientID(try arguments.text("client_id"))
        let clients = ClientReader(context.services)
        let now = context.now
        let client = try await context.store.read { tx in try clients.client(find(id, tx)) }
        let problem = await clients.keys.problem(of: client)
        let facts = try await context.store.read { tx in
            ClientCheck.Facts(
                client: client, application: try tx.applications.find(client.record.applicationID),
                habits: try tx.tokens.habits(of: id), logouts: try tx.logout.outcomes(of: id),
                lastUsedAt: try tx.applications.lastUse(of: client.record.applicationID), keyProblem: problem, now: now)
        }
        let findings = ClientCheck(facts: facts).findings
        return [
            "client_id": .string(id.text), "grade": .string(ClientCheck.grade(findings)),
            "findings": .array(findings.map(\.json)),
        ]
    }

    private static func find(_ id: ClientID, _ tx: Transaction) throws -> ClientRecord {
        guard let client = try tx.clients.find(id) else {
            throw OperationError(
                .notFound, "No client has that id; see `gapura client list`.",
                id: "Tidak ada klien dengan id itu; lihat `gapura client list`."
            )
        }
        return client
    }
}

/// A client as operators see it: its registration and never its secret.
enum ClientJSON {
    static func make(_ record: ClientRecord, _ tx: Transaction) throws -> JSONObject {
        var json: JSONObject = [
            "client_id": .string(record.id.text),
            "application": .text(try tx.applications.find(record.applicationID)?.slug),
            "state": .string(record.state.rawValue), "has_secret": .bool(record.secretDigest != nil),
            "secret_changed_at": .time(record.secretChangedAt), "created_at": .time(record.createdAt),
            "updated_at": .time(record.updatedAt),
        ]
        for (key, value) in try settings(record).members { json[key] = value }
        return json
    }

    static func settings(_ record: ClientRecord) throws -> JSONObject {
        guard let object = try StrictJSON.parse(Array(record.settings.utf8)).object else {
            throw StoreError(.corrupt, "clients.settings is no object")
        }
        return object
    }
}
