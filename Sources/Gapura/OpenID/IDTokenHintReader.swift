import GapuraFormats
import GapuraStore
import GapuraTokens

/// Reads `id_token_hint`: an ID token of ours, which may be past its end. It never authenticates anybody.
package struct IDTokenHintReader: Sendable {
    /// What a good hint says.
    package struct Known: Sendable {
        package let sub: String
        package let sid: String?
        package let client: Client
    }

    private let issuer: String
    private let store: Store
    private let keyring: SigningKeyring
    private let clients: ClientReader
    private let signer: ClientSigner

    package init(_ services: Services, clients: ClientReader) {
        issuer = services.settings.issuer
        store = services.store
        keyring = services.keyring
        self.clients = clients
        signer = ClientSigner(services)
    }

    func hint(_ token: String?) async throws -> AuthorizationRequest.Hint {
        guard let token else { return .none }
        return try await read(token).map { .subject($0.sub, sector: $0.client.metadata.sector) } ?? .unusable
    }

    /// The client is named by `aud` and looked up before the signature, because an HS token is signed with that
    /// client's secret; what is said is believed only if the signature is that client's or the gateway's.
    package func read(_ token: String) async throws -> Known? {
        guard let jws = try? JWS(token), jws.type == nil || jws.type == .jwt,
            let payload = try? jws.unverifiedPayload(), let unverified = try? Claims(json: payload),
            let audience = unverified.aud.first, unverified.aud.count == 1,
            unverified["azp"].map({ $0.string?.isExactly(audience) == true }) ?? true
        else { return nil }
        guard let client = try await store.lookUp({ [clients] in try clients.findAny(ClientID(audience), in: $0) }),
            let key = try key(for: jws, client), (try? jws.verify(with: key)) != nil,
            unverified.iss?.isExactly(issuer) == true, let sub = unverified.sub
        else { return nil }
        return Known(sub: sub, sid: unverified.sid, client: client)
    }

    private func key(for jws: JWS, _ client: Client) throws -> VerificationKey? {
        guard jws.algorithm == client.metadata.idTokenAlgorithm else { return nil }
        // Without a secret that opens, nothing proves the hint, as if somebody else had signed it.
        if jws.algorithm.isSymmetric { return try? signer.idTokenKey(for: client).verificationKey }
        return jws.kid.flatMap { keyring.verificationKey(kid: $0) }
    }
}
