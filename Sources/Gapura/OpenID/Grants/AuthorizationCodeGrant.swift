import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// `authorization_code`: RFC 6749 section 4.1.3, RFC 7636 section 4.6, OpenID Connect Core section 3.1.3.
struct AuthorizationCodeGrant: Grant {
    let type = "authorization_code"

    private let tokens: FamilyTokens

    init(_ services: Services, clients: ClientReader) {
        tokens = FamilyTokens(services, clients: clients)
    }

    func exchange(_ asked: TokenRequest) async throws -> TokenAnswer {
        let (form, client, jkt) = (asked.form, asked.client, asked.proof?.jkt)
        guard let code = form["code"] else { throw OAuthError.invalidRequest("code is missing.") }
        let redirectURI = form["redirect_uri"]
        let verifier = form["code_verifier"]
        let digest = StoredSecret.digest(code, of: .code)
        let resources = try ResourceIndicators.read(form)
        let (tokens, now) = (tokens, asked.now)

        let outcome: FamilyTokens.Outcome = try await asked.ledger.write { tx in
            guard let stored = try tx.tokens.findCode(digest: digest) else { return .refused("unknown code") }
            guard stored.clientID == client.id else { return .refused("another client's code") }
            guard try tx.tokens.consumeCode(digest: digest, at: now) else {
                return .refused(try Self.reused(stored, by: client, in: tx, at: now))
            }
            // From here the code is spent, whatever is wrong with the rest.
            guard now < stored.expiresAt else { return .refused("expired") }
            guard redirectURI?.isExactly(stored.redirectURI) == true else { return .refused("another redirect_uri") }
            guard Self.proves(verifier, stored.challenge) else { return .refused("PKCE") }
            // A code may be bound to a key before anybody proves it (RFC 9449 section 10).
            guard stored.jkt.map({ jkt?.isExactly($0) ?? false }) ?? true else { return .refused("another key") }
            return try tokens.issue(
                stored.familyID, asked, resources, nonce: stored.nonce, grant: "authorization_code", in: tx)
        }
        switch outcome {
        case .refused(let reason): throw OAuthError.invalidGrant(reason: reason)
        case .failed(let error): throw error
        case .granted(let granted): return try tokens.sign(granted, for: client, at: now)
        }
    }

    /// A second use revokes everything the first one gave (RFC 6749 section 4.1.2; attack 86).
    private static func reused(_ code: AuthorizationCode, by client: Client, in tx: Transaction, at now: Timestamp)
        throws -> String
    {
        if try tx.tokens.revoke(code.familyID, reason: "code_reused", at: now) {
            try tx.record(
                .codeReused, by: .client(client.id.text), clientID: client.id,
                detail: ["family": .string(code.familyID.text)], at: now
            )
        }
        return "used before"
    }

    /// A verifier without a challenge is as wrong as a challenge without a verifier (attacks 82, 83).
    static func proves(_ verifier: String?, _ challenge: String?) -> Bool {
        switch (verifier, challenge) {
        case (nil, nil):
            return true
        case (let verifier?, let challenge?):
            let bytes = Array(verifier.utf8)
            guard (43...128).contains(bytes.count) else { return false }
            return constantTimeEquals(Array(Base64URL.encode(SHA256.hash(bytes)).utf8), Array(challenge.utf8))
        default:
            return false
        }
    }
}
