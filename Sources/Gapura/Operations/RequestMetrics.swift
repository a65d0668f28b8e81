package import Hummingbird
package import Metrics
import Synchronization

/// Counts requests and their durations by route pattern, method and status class; put it outermost, where errors have
/// become responses.
///
/// The pattern (`/akun/sesi/:id`) and never the path: a path holds ids, and is the client's to choose.
package struct RequestMetrics<Context: RequestContext>: RouterMiddleware {
    private let meters: RequestMeters

    package init(metrics: any MetricsFactory) {
        meters = RequestMeters(metrics)
    }

    package func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        meters.inFlight.increment(by: 1)
        defer { meters.inFlight.decrement(by: 1) }
        do {
            let response = try await next(request, context)
            meters.count(context.endpointPath, request.method, response.status.code, since: start)
            return response
        } catch {
            let status = (error as? any HTTPResponseError)?.status.code ?? 500
            meters.count(context.endpointPath, request.method, status, since: start)
            throw error
        }
    }
}

/// Protects the handlers that were looked up before, so that a request costs one lock and one look-up.
private final class RequestMeters: Sendable {
    private struct Key: Hashable {
        let route: String
        let method: HTTPRequest.Method
        let statusClass: Int
    }

    private struct Meters {
        let requests: any CounterHandler
        let duration: any TimerHandler
    }

    private static let methods: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .patch, .delete, .options]

    let inFlight: any MeterHandler
    private let factory: any MetricsFactory
    private let known = Mutex<[Key: Meters]>([:])

    init(_ factory: any MetricsFactory) {
        self.factory = factory
        inFlight = factory.makeMeter(label: "gapura_http_requests_in_flight", dimensions: [])
    }

    func count(_ route: String?, _ method: HTTPRequest.Method, _ status: Int, since start: ContinuousClock.Instant) {
        let key = Key(route: route ?? "NotFound", method: method, statusClass: status / 100)
        let meters = known.withLock { known in
            if let meters = known[key] { return meters }
            let made = make(key)
            // Methods are the client's to invent: those are counted as `other`, and not remembered one by one.
            if Self.methods.contains(method) { known[key] = made }
            return made
        }
        meters.requests.increment(by: 1)
        let elapsed = (ContinuousClock.now - start).components
        meters.duration.recordNanoseconds(elapsed.seconds &* 1_000_000_000 &+ elapsed.attoseconds / 1_000_000_000)
    }

    private func make(_ key: Key) -> Meters {
        let method = Self.methods.contains(key.method) ? key.method.rawValue : "other"
        let status = (1...5).contains(key.statusClass) ? "\(key.statusClass)xx" : "other"
        let dimensions = [("route", key.route), ("method", method), ("status", status)]
        return Meters(
            requests: factory.makeCounter(label: "gapura_http_requests", dimensions: dimensions),
            duration: factory.makeTimer(
                label: "gapura_http_request_duration", dimensions: [("route", key.route), ("method", method)])
        )
    }
}
