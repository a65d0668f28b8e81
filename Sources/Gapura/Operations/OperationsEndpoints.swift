import GapuraFormats
package import Hummingbird
import NIOCore

/// Health and metrics (design decision 26): a word on the main address, everything on the second one, which is
/// 127.0.0.1 by default.
package struct OperationsEndpoints: Sendable {
    private let health: HealthCheck
    private let metrics: PrometheusMetrics
    private let process = ProcessFigures()

    package init(health: HealthCheck, metrics: PrometheusMetrics) {
        self.health = health
        self.metrics = metrics
    }

    /// For the main address: `/livez` and `/readyz`, which say nothing but `ok` or `unavailable`.
    package func addPublicRoutes<Context: RequestContext>(to router: some RouterMethods<Context>) {
        router.get("/livez") { _, _ in Self.text(.ok, "ok") }
        router.get("/readyz") { _, _ in
            await health.report().isReady ? Self.text(.ok, "ok") : Self.text(.serviceUnavailable, "unavailable")
        }
    }

    /// For the second address: the same paths with reasons, and `/metrics`.
    package func addPrivateRoutes<Context: RequestContext>(to router: some RouterMethods<Context>) {
        router.get("/livez") { _, _ in Self.text(.ok, "ok") }
        router.get("/readyz") { _, _ in
            let report = await health.report()
            let body = ByteBuffer(bytes: report.jsonValue.encoded())
            return Self.answer(report.isReady ? .ok : .serviceUnavailable, "application/json", body)
        }
        router.get("/metrics") { _, _ in
            let text = metrics.text() + process.text()
            return Self.answer(.ok, "text/plain; version=0.0.4; charset=utf-8", ByteBuffer(string: text))
        }
    }

    private static func text(_ status: HTTPResponse.Status, _ word: String) -> Response {
        answer(status, "text/plain; charset=utf-8", ByteBuffer(string: word + "\n"))
    }

    private static func answer(_ status: HTTPResponse.Status, _ type: String, _ body: ByteBuffer) -> Response {
        var headers: HTTPFields = [.contentType: type, .cacheControl: "no-store"]
        if status == .serviceUnavailable { headers[.retryAfter] = "5" }
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }
}
