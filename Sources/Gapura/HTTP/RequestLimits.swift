import GapuraFormats
import GapuraStore
package import Hummingbird

/// How much one address and one client may ask of all endpoints together, and how often one sign-in may be refreshed.
/// What is dear has limits of its own besides:
/// passwords and codes (`SignInThrottle`), sign-ins under way (`FlowRoom`), pushed requests, devices, registrations.
///
/// Each process counts for itself; what must hold across two nodes stands in the database.
package struct RequestLimits: Sendable {
    private let addresses: RequestRate?
    private let clients: RequestRate?
    private let refreshes: RequestRate?

    package init(_ settings: GatewaySettings) {
        func rate(_ perSecond: Int64) -> RequestRate? { perSecond > 0 ? RequestRate(perSecond: perSecond) : nil }
        addresses = rate(settings.addressRate)
        clients = rate(settings.clientRate)
        refreshes = settings.refreshRate > 0 ? RequestRate(perMinute: settings.refreshRate) : nil
    }

    /// - Parameter address: of IPv6 its /64 counts.
    /// - Throws: `OAuthError` `too_many_requests`.
    func admit(address: String, at now: Timestamp) throws(OAuthError) {
        guard let seconds = addresses?.seconds(toWait: IPAddress.place(of: address), at: now) else { return }
        throw OAuthError.tooManyRequests(seconds: seconds, reason: "too many requests of one address")
    }

    /// Counts a client that has shown who it is. A public client, which anybody can pretend to be, is one at each
    /// address.
    /// - Throws: `OAuthError` `too_many_requests`.
    func admit(_ client: Client, from address: String, at now: Timestamp) throws(OAuthError) {
        let key = client.isPublic ? "\(client.id.text) \(IPAddress.place(of: address))" : client.id.text
        guard let seconds = clients?.seconds(toWait: key, at: now) else { return }
        throw OAuthError.tooManyRequests(seconds: seconds, reason: "too many requests of one client")
    }

    /// Counts a refresh that would be granted, for one sign-in at one client: where an application asks in a loop, each
    /// would be a write to the disk and a row of the audit.
    /// - Throws: `OAuthError` `too_many_requests`.
    func admit(refreshOf family: FamilyID, at now: Timestamp) throws(OAuthError) {
        guard let seconds = refreshes?.seconds(toWait: family.text, at: now) else { return }
        throw OAuthError.tooManyRequests(seconds: seconds, reason: "too many refreshes of one sign-in")
    }
}

/// Refuses what one address asks beyond its share, before anything is read or looked up for it.
package struct AddressLimit: RouterMiddleware {
    package typealias Context = GapuraContext

    private let limits: RequestLimits

    package init(_ services: Services) { limits = services.limits }

    package func handle(
        _ request: Request, context: GapuraContext, next: (Request, GapuraContext) async throws -> Response
    ) async throws -> Response {
        try limits.admit(address: context.sourceAddress, at: context.now)
        return try await next(request, context)
    }
}
