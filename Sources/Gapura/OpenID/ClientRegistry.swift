package import GapuraDirectory
package import GapuraFormats
package import GapuraStore
import GapuraTokens

/// Registers and changes clients, each step one audited part of the caller's transaction.
package struct ClientRegistry: Sendable {
    /// A client, and its secret where one was just made: it is told this once.
    package struct Registered: Sendable {
        package let record: ClientRecord
        package let metadata: ClientMetadata
        package let secret: String?
        package let isNew: Bool

        /// The answer of RFC 7591 section 3.2.1.
        package var jsonObject: JSONObject {
            var json: JSONObject = ["client_id": .string(record.id.text)]
            json["client_id_issued_at"] = .integer(record.createdAt.seconds)
            if let secret {
                json["client_secret"] = .string(secret)
                json["client_secret_expires_at"] = 0
            }
            for member in metadata.jsonObject.members { json[member.key] = member.value }
            json["state"] = .string(record.state.rawValue)
            return json
        }
    }

    private let keyring: SigningKeyring
    private let secrets: SecretKeys
    private let settings: GatewaySettings

    package init(_ services: Services) {
        keyring = services.keyring
        secrets = services.secrets
        settings = services.settings
    }

    /// Reads a registration and makes sure a key for its algorithms exists, which may take a while.
    package func prepare(_ json: JSONObject) async throws -> ClientMetadata {
        let metadata = try ClientMetadata(json, settings: settings)
        try Self.checkFrontChannel(metadata)
        let algorithms = [metadata.idTokenAlgorithm, metadata.accessTokenAlgorithm, metadata.userinfoAlgorithm]
        for case let algorithm? in algorithms where !algorithm.isSymmetric { try await keyring.ensure(algorithm) }
        return metadata
    }

    /// OpenID Connect Front-Channel Logout section 2: a page of ours frames it, with the session's `sid`.
    private static func checkFrontChannel(_ metadata: ClientMetadata) throws(OAuthError) {
        guard let origin = metadata.frontchannelLogoutURI.flatMap(ClientReader.origin) else { return }
        guard metadata.redirectURIs.contains(where: { ClientReader.origin(of: $0.text)?.isExactly(origin) ?? false })
        else {
            throw ClientMetadata.invalid(
                "frontchannel_logout_uri has to have scheme, host and port of one of the redirect_uris.")
        }
    }

    /// A secret of 512 random bits: as long as the longest hash it may have to compute with.
    package static func makeSecret() -> String { SecureRandom.text(64) }

    /// Adds a client, or answers the one that is there with the same registration.
    /// - Parameters:
    ///   - clientID: chosen by the admin, else the application's slug.
    ///   - secret: a fresh one from `makeSecret()`, used if the client is new and has one.
    /// - Throws: `DirectoryError` where the application is unknown or the id belongs to a client that is registered
    ///   otherwise.
    package func add(
        _ metadata: ClientMetadata, application: ApplicationRecord, clientID: String?, secret: String, by actor: Actor,
        in tx: Transaction,
        at now: Timestamp, detail: JSONObject = JSONObject()
    ) throws -> Registered {
        let id = ClientID(clientID ?? application.slug)
        guard ClientReader.isClientID(id.text) else {
            throw DirectoryError(
                .invalid, "A client id has 1 to 128 visible ASCII characters without ':'.",
                id: "Id klien terdiri dari 1 sampai 128 karakter ASCII tanpa ':'."
            )
        }
        let text = JSONValue.object(metadata.jsonObject).encodedText()
        if let known = try tx.clients.find(id) {
            // As it is understood, not as it was written: an earlier version wrote fewer members.
            guard known.applicationID == application.id, try understood(known) == metadata else {
                throw DirectoryError(
                    .conflict,
                    "The client \(id.text) is registered with other settings; use 'gapura client update', or another --client-id.",
                    id:
                        "Klien \(id.text) sudah terdaftar dengan pengaturan lain; gunakan 'gapura client update' atau --client-id lain."
                )
            }
            return Registered(record: known, metadata: metadata, secret: nil, isNew: false)
        }
        var record = ClientRecord(
            id: id, applicationID: application.id, state: .active, secretDigest: nil, sealedSecret: nil,
            secretChangedAt: nil, settings: text,
            backchannelLogoutURI: metadata.backchannelLogoutURI, createdAt: now, updatedAt: now
        )
        let made = try setSecret(secret, of: &record, metadata, at: now)
        try tx.clients.insert(record)
        try tx.record(
            .clientAdded, by: actor, subject: application.id.text, clientID: id, detail: detail, at: now)
        return Registered(record: record, metadata: metadata, secret: made, isNew: true)
    }

    /// Replaces the registration; the secret stays unless the client had none and now needs one.
    package func update(
        _ id: ClientID, _ metadata: ClientMetadata, secret: String, by actor: Actor, in tx: Transaction,
        at now: Timestamp
    ) throws -> Registered {
        var record = try get(id, in: tx)
        let changed = Self.changedMembers(from: record.settings, to: metadata.jsonObject)
        record.settings = JSONValue.object(metadata.jsonObject).encodedText()
        record.backchannelLogoutURI = metadata.backchannelLogoutURI
        record.updatedAt = now
        var made: String?
        let needsSealed = metadata.needsSealedSecret && record.sealedSecret == nil
        if !metadata.tokenEndpointAuthMethod.hasSecret {
            record.secretDigest = nil
            record.sealedSecret = nil
        } else if record.secretDigest == nil || needsSealed {
            made = try setSecret(secret, of: &record, metadata, at: now)
        }
        try tx.clients.update(record)
        try tx.record(
            .clientUpdated, by: actor, subject: record.applicationID.text, clientID: id,
            detail: ["changed": .array(changed.map(JSONValue.string))], at: now
        )
        return Registered(record: record, metadata: metadata, secret: made, isNew: false)
    }

    /// Names of the members that differ between what is stored and what comes; the audit says which, not what.
    private static func changedMembers(from stored: String, to new: JSONObject) -> [String] {
        let old = (try? StrictJSON.parse(Array(stored.utf8)))?.object ?? JSONObject()
        let names = old.keys + new.keys.filter { !old.contains($0) }
        return names.filter { old[$0] != new[$0] }
    }

    /// Gives the client another secret; the old one is dead at once.
    package func changeSecret(
        of id: ClientID, to secret: String, by actor: Actor, in tx: Transaction, at now: Timestamp
    ) throws -> Registered {
        var record = try get(id, in: tx)
        let metadata = try understood(record)
        guard let made = try setSecret(secret, of: &record, metadata, at: now) else {
            throw DirectoryError(
                .refused, "This client has no secret: it is public, or signs with its own key.",
                id: "Klien ini tidak memiliki kunci rahasia: klien publik, atau memakai kuncinya sendiri.")
        }
        record.updatedAt = now
        try tx.clients.update(record)
        try tx.record(.clientSecretChanged, by: actor, subject: record.applicationID.text, clientID: id, at: now)
        return Registered(record: record, metadata: metadata, secret: made, isNew: false)
    }

    package func setState(
        _ id: ClientID, _ state: ClientRecord.State, by actor: Actor, in tx: Transaction, at now: Timestamp
    ) throws {
        var record = try get(id, in: tx)
        guard record.state != state else { return }
        record.state = state
        record.updatedAt = now
        try tx.clients.update(record)
        try tx.record(
            .clientUpdated, by: actor, subject: record.applicationID.text, clientID: id,
            detail: ["state": .string(state.rawValue)], at: now
        )
    }

    private func understood(_ record: ClientRecord) throws -> ClientMetadata {
        guard let json = try StrictJSON.parse(Array(record.settings.utf8)).object else {
            throw StoreError(.corrupt, "clients.settings is no object")
        }
        return try ClientMetadata(json, settings: settings)
    }

    private func get(_ id: ClientID, in tx: Transaction) throws -> ClientRecord {
        guard let record = try tx.clients.find(id) else {
            throw DirectoryError(
                .notFound, "No client has the id \(id.text); see 'gapura client list'.",
                id: "Tidak ada klien dengan id \(id.text).")
        }
        return record
    }

    private func setSecret(
        _ secret: String, of record: inout ClientRecord, _ metadata: ClientMetadata, at now: Timestamp
    ) throws -> String? {
        guard metadata.tokenEndpointAuthMethod.hasSecret else { return nil }
        record.secretDigest = StoredSecret.digest(secret, of: .clientSecret)
        record.sealedSecret =
            metadata.needsSealedSecret ? try secrets.seal(secret, for: record.id.text) : nil
        record.secretChangedAt = now
        return secret
    }
}
