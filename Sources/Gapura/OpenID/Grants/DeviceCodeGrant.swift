import GapuraDirectory
import GapuraFormats
import GapuraStore

/// `device_code`: RFC 8628 sections 3.4 and 3.5. The device asks until somebody has decided, not too often.
struct DeviceCodeGrant: Grant {
    static let name = "urn:ietf:params:oauth:grant-type:device_code"
    /// Seconds that a device waits more for each time that it asked too early.
    private static let penalty: Int64 = 5
    /// Seconds that clocks and lines may make of the pause.
    private static let tolerance: Int64 = 1

    let type = Self.name

    private let tokens: FamilyTokens

    init(_ services: Services, clients: ClientReader) {
        tokens = FamilyTokens(services, clients: clients)
    }

    private enum Outcome: Sendable {
        case granted(FamilyTokens.Granted)
        case refused(OAuthError)
    }

    func exchange(_ asked: TokenRequest) async throws -> TokenAnswer {
        guard let code = asked.form["device_code"] else {
            throw OAuthError.invalidRequest("device_code is missing.")
        }
        let digest = StoredSecret.digest(code, of: .deviceCode)
        let resources = try ResourceIndicators.read(asked.form)
        let (client, now, tokens) = (asked.client, asked.now, tokens)
        let outcome: Outcome = try await asked.ledger.write { tx in
            guard let waiting = try tx.deviceRequests.find(digest: digest), waiting.clientID == client.id else {
                return .refused(.invalidGrant(reason: "unknown or another client's device code"))
            }
            switch waiting.state {
            case .used: return .refused(.invalidGrant(reason: "the device code was used before"))
            case .denied: return .refused(OAuthError(.accessDenied, "The person did not allow it."))
            case .waiting, .allowed: break
            }
            guard now < waiting.expiresAt else {
                return .refused(OAuthError(.expiredToken, "The device code is too old; begin again."))
            }
            guard waiting.state == .allowed, let family = waiting.familyID else {
                return .refused(try Self.pending(waiting, in: tx, at: now))
            }
            guard try tx.deviceRequests.use(digest) else {
                return .refused(.invalidGrant(reason: "the device code was used before"))
            }
            switch try tokens.issue(family, asked, resources, grant: "device_code", in: tx) {
            case .granted(let granted): return .granted(granted)
            case .refused(let reason): return .refused(.invalidGrant(reason: reason))
            case .failed(let error): return .refused(error)
            }
        }
        switch outcome {
        case .refused(let error): throw error
        case .granted(let granted): return try tokens.sign(granted, for: client, at: now)
        }
    }

    private static func pending(_ waiting: DeviceRequest, in tx: Transaction, at now: Timestamp) throws -> OAuthError {
        let isTooEarly =
            waiting.polledAt.map { now < $0.adding(seconds: waiting.pause - tolerance) } ?? false
        let pause = isTooEarly ? min(waiting.pause + penalty, 60) : waiting.pause
        try tx.deviceRequests.notePoll(waiting.digest, at: now, pause: pause)
        return isTooEarly
            ? OAuthError(.slowDown, "Ask less often.")
            : OAuthError(.authorizationPending, "Nobody has decided yet.")
    }
}
