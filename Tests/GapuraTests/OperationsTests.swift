import GapuraFormats
import GapuraStore
import Hummingbird
import HummingbirdCore
import Logging
import Metrics
import NIOCore
import Testing

@testable import Gapura

@Suite("Operations")
struct OperationsTests {
    private func routers() async throws -> (
        main: Router<OperationsContext>, second: Router<OperationsContext>, health: HealthCheck, store: Store,
        metrics: PrometheusMetrics,
        folder: TestFolder
    ) {
        let folder = try TestFolder()
        let store = try await Store.open(.sqliteMemory)
        let keyring = try await SigningKeyring.open(folder: folder.path, clock: .system, logger: .silent)
        let health = HealthCheck(store: store, keyring: keyring)
        let metrics = PrometheusMetrics()
        let endpoints = OperationsEndpoints(health: health, metrics: metrics)
        let (main, second) = (Router(context: OperationsContext.self), Router(context: OperationsContext.self))
        main.add(middleware: RequestMetrics(metrics: metrics))
        endpoints.addPublicRoutes(to: main)
        endpoints.addPrivateRoutes(to: second)
        main.get("/akun/:id") { _, _ in HTTPResponse.Status.ok }
        main.get("/rusak") { _, _ -> HTTPResponse.Status in throw HTTPError(.conflict) }
        return (main, second, health, store, metrics, folder)
    }

    @Test("attack 307: the main address says ok or unavailable and no more; the second one says why")
    func health() async throws {
        let (main, second, health, store, _, folder) = try await routers()
        do {
            let client = Caller(main)
            for path in ["/livez", "/readyz"] {
                let response = try await client.execute(uri: path, method: .get)
                #expect(response.status == .ok)
                #expect(String(buffer: response.body) == "ok\n")
            }
            #expect(try await client.execute(uri: "/metrics", method: .get).status == .notFound)
        }
        do {
            let client = Caller(second)
            let response = try await client.execute(uri: "/readyz", method: .get)
            let report = try StrictJSON.parse(Array(response.body.readableBytesView))
            #expect(report["status"] == "ok")
            #expect(report["checks"]?["database"] == ["ok": true, "engine": "sqlite"])
            #expect(report["checks"]?["keys"]?["algorithms"] == ["RS256", "ES256", "EdDSA"])
        }
        await store.close()
        do {
            let client = Caller(main)
            let response = try await client.execute(uri: "/readyz", method: .get)
            #expect(response.status == .serviceUnavailable)
            #expect(String(buffer: response.body) == "unavailable\n")
            #expect(try await client.execute(uri: "/livez", method: .get).status == .ok)
        }
        do {
            let client = Caller(second)
            let response = try await client.execute(uri: "/readyz", method: .get)
            #expect(response.status == .serviceUnavailable)
            let report = try StrictJSON.parse(Array(response.body.readableBytesView))
            #expect(report["checks"]?["database"]?["ok"] == false)
            #expect(report["checks"]?["database"]?["problem"]?.string != nil)
            #expect(report["checks"]?["keys"]?["ok"] == true)
        }
        _ = (health, folder)
    }

    @Test("R57: a node that is going down is alive, and not ready")
    func draining() async throws {
        let (main, _, health, _, _, folder) = try await routers()
        health.beginDraining()
        do {
            let client = Caller(main)
            let live = try await client.execute(uri: "/livez", method: .get)
            #expect(live.status == .ok)
            let ready = try await client.execute(uri: "/readyz", method: .get)
            #expect(ready.status == .serviceUnavailable)
        }
        _ = folder
    }

    @Test("attack 304: requests are counted by route pattern, never by what the client wrote")
    func requests() async throws {
        let (main, second, _, _, metrics, folder) = try await routers()
        do {
            let client = Caller(main)
            for id in ["199001012015031001", "rahasia", "lain"] {
                _ = try await client.execute(uri: "/akun/\(id)?token=rahasia", method: .get)
            }
            _ = try await client.execute(uri: "/rusak", method: .get)
            _ = try await client.execute(uri: "/tidak-ada/rahasia", method: .get)
            for number in 0..<50 {
                let method = try #require(HTTPRequest.Method("RAHASIA\(number)"))
                _ = try await client.execute(uri: "/livez", method: method)
            }
        }
        let text = metrics.text()
        #expect(!text.contains("rahasia"))
        #expect(!text.contains("RAHASIA"))
        #expect(!text.contains("1990"))
        #expect(
            text.contains("gapura_http_requests_total{method=\"GET\",route=\"/akun/{id}\",status=\"2xx\"} 3"), "\(text)"
        )
        #expect(text.contains("status=\"4xx\"} 50"))
        #expect(text.contains("gapura_http_requests_total{method=\"GET\",route=\"/rusak\",status=\"4xx\"} 1"))
        #expect(text.contains("gapura_http_request_duration_seconds_count{method=\"GET\",route=\"/akun/{id}\"} 3"))
        #expect(text.contains("gapura_http_requests_in_flight 0\n"))
        do {
            let client = Caller(second)
            let response = try await client.execute(uri: "/metrics", method: .get)
            #expect(response.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
            let body = String(buffer: response.body)
            #expect(body.hasPrefix(text))
            #expect(body.contains("\nprocess_resident_memory_bytes "))
            #expect(body.contains("\nprocess_cpu_seconds_total "))
        }
        _ = folder
    }

    @Test("metrics print as Prometheus reads them")
    func format() {
        let metrics = PrometheusMetrics()
        Counter(label: "a.b-c", dimensions: [("x", "1\"\\\n2")], factory: metrics).increment(by: 3)
        Counter(label: "a.b-c", dimensions: [("x", "1\"\\\n2")], factory: metrics).increment()
        Gauge(label: "g", factory: metrics).record(1.5)
        let timer = Timer(label: "t", factory: metrics)
        timer.recordMilliseconds(3)
        timer.recordSeconds(60)
        let expected = """
            # TYPE a_b_c_total counter
            a_b_c_total{x="1\\"\\\\\\n2"} 4
            # TYPE g gauge
            g 1.5
            # TYPE t_seconds histogram
            t_seconds_bucket{le="0.001"} 0
            t_seconds_bucket{le="0.0025"} 0
            t_seconds_bucket{le="0.005"} 1
            """
        #expect(metrics.text().hasPrefix(expected), "\(metrics.text())")
        #expect(
            metrics.text().hasSuffix(
                "t_seconds_bucket{le=\"10\"} 1\nt_seconds_bucket{le=\"+Inf\"} 2\nt_seconds_sum 60.003\nt_seconds_count 2\n"
            ))
    }

    @Test("the number of series is bounded, and nothing is lost beyond it")
    func bounded() {
        let metrics = PrometheusMetrics()
        for number in 0..<2000 {
            Counter(label: "c", dimensions: [("x", "\(number)")], factory: metrics).increment()
        }
        let lines = metrics.text().split(separator: "\n")
        #expect(lines.count == PrometheusMetrics.seriesLimit + 2)
        #expect(lines.contains("c_total{x=\"other\"} 1500"))
    }

    @Test("a name in two kinds, and text that is no name, trap nobody")
    func strange() {
        let metrics = PrometheusMetrics()
        Counter(label: "x_total", factory: metrics).increment()
        Gauge(label: "x_total", factory: metrics).record(5)
        Meter(label: "", factory: metrics).set(1)
        Meter(label: "9 lives\n", factory: metrics).set(1)
        Recorder(label: "r", factory: metrics).record(7)
        let text = metrics.text()
        #expect(text.contains("x_total 1"))
        #expect(!text.contains("x_total 5"))
        #expect(text.contains("_9_lives_ 1"))
        #expect(text.contains("r_bucket{le=\"10\"} 1"))
    }
}

/// Calls a router without a server.
private struct Caller {
    private let responder: any HTTPResponder<OperationsContext>

    init(_ router: Router<OperationsContext>) {
        responder = router.buildResponder()
    }

    func execute(
        uri: String, method: HTTPRequest.Method
    ) async throws -> (status: HTTPResponse.Status, headers: HTTPFields, body: ByteBuffer) {
        let head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: uri)
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer()))
        do {
            let response = try await responder.respond(
                to: request, context: OperationsContext(source: OperationsSource()))
            let seen = Seen<ByteBuffer>()
            try await response.body.write(SeenWriter(seen: seen))
            return (
                response.status, response.headers, seen.all.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
            )
        } catch let error as any HTTPResponseError {
            return (error.status, [:], ByteBuffer())
        }
    }
}

private struct SeenWriter: ResponseBodyWriter {
    let seen: Seen<ByteBuffer>

    mutating func write(_ buffer: ByteBuffer) async throws {
        seen.append(buffer)
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

struct OperationsSource: RequestContextSource {
    let logger = Logger.silent
}

struct OperationsContext: RequestContext {
    typealias Source = OperationsSource

    var coreContext: CoreRequestContextStorage

    init(source: OperationsSource) {
        coreContext = CoreRequestContextStorage(source: source)
    }
}
