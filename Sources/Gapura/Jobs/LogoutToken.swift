package import GapuraFormats
package import GapuraStore
package import GapuraTokens

/// Makes the signed logout token of one delivery. It knows clients and keys; the job knows neither.
///
/// It throws `UndeliverableLogout` where there is nobody to tell any more; any other error is tried again later.
package typealias LogoutTokenSigner = @Sendable (LogoutDelivery) async throws -> String

/// The client is gone, or wants to hear of sign-outs no more.
package struct UndeliverableLogout: Error, Sendable {
    package let reason: String

    package init(_ reason: String) {
        self.reason = reason
    }
}

/// Logout token, OpenID Connect Back-Channel Logout 1.0 section 2.4.
package enum LogoutToken {
    static let event = "http://schemas.openid.net/event/backchannel-logout"
    /// Seconds; section 2.4 recommends at most two minutes.
    static let lifetime: Int64 = 120

    /// - Parameters:
    ///   - sub: by which the client knows the person.
    ///   - key: as for the client's ID tokens.
    package static func make(
        for delivery: LogoutDelivery, sub: String, issuer: String, key: SigningKey, now: Timestamp
    ) throws -> String {
        let issuer = TokenIssuer(issuer: issuer, key: key)
        return try issuer.issue(claims(for: delivery, sub: sub, now: now), type: .logoutToken, key: key)
    }

    /// Everything but `iss`, which the issuer sets. Never a `nonce`.
    static func claims(for delivery: LogoutDelivery, sub: String, now: Timestamp) -> Claims {
        var claims: Claims = [:]
        claims.aud = [delivery.clientID.text]
        claims.iat = now
        claims.exp = now.adding(seconds: lifetime)
        claims.jti = SecureRandom.text(16)
        claims.sub = sub
        claims.sid = delivery.sid
        claims["events"] = .object([event: .object([:])])
        return claims
    }
}
