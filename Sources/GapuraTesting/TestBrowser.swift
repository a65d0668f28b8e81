import Gapura
import GapuraFormats
package import HTTPTypes
import Synchronization

/// A browser for tests: keeps cookies of the gateway, sends what browsers send, and follows nothing by itself.
package final class TestBrowser: Sendable {
    package let gateway: TestGateway
    private let address: String
    private let jar = Mutex<[(name: String, value: String)]>([])

    init(_ gateway: TestGateway, from address: String) {
        self.gateway = gateway
        self.address = address
    }

    /// The value of a cookie.
    package func cookie(_ name: String) -> String? {
        jar.withLock { $0.first { $0.name == name }?.value }
    }

    package func setCookie(_ name: String, _ value: String?) {
        jar.withLock { jar in
            jar.removeAll { $0.name == name }
            if let value { jar.append((name, value)) }
        }
    }

    package func get(_ path: String, headers: HTTPFields = [:]) async throws -> TestAnswer {
        try await send(.get, path, headers: headers)
    }

    /// Posts a form as a page of ours would: same origin.
    package func post(_ path: String, _ form: [(name: String, value: String)], headers: HTTPFields = [:]) async throws
        -> TestAnswer
    {
        var all = headers
        all[.contentType] = "application/x-www-form-urlencoded"
        if all[.origin] == nil { all[.origin] = TestGateway.issuer }
        return try await send(.post, path, headers: all, body: FormURLEncoded.encode(form))
    }

    /// Follows redirects inside the gateway until a page or another host comes.
    package func follow(_ answer: TestAnswer) async throws -> TestAnswer {
        var answer = answer
        for _ in 0..<10 {
            guard let location = answer.location, location.hasPrefix("/") else { return answer }
            answer = try await get(location)
        }
        return answer
    }

    /// Fills in the sign-in form that a page shows, or the bare one.
    package func signIn(_ name: String, _ password: String, on page: TestAnswer? = nil) async throws -> TestAnswer {
        let form: TestAnswer
        if let page { form = page } else { form = try await get("/masuk") }
        var fields: [(name: String, value: String)] = [
            ("username", name), ("password", password), ("csrf", form.field("csrf") ?? ""),
        ]
        if let flow = form.field("alur") { fields.append(("alur", flow)) }
        return try await post("/masuk", fields)
    }

    private func send(_ method: HTTPRequest.Method, _ path: String, headers: HTTPFields, body: String? = nil)
        async throws -> TestAnswer
    {
        var headers = headers
        let cookies = jar.withLock { $0.map { "\($0.name)=\($0.value)" }.joined(separator: "; ") }
        if !cookies.isEmpty, headers[.cookie] == nil { headers[.cookie] = cookies }
        let answer = try await gateway.send(method, path, headers: headers, body: body, from: address)
        for line in answer.headers[values: .setCookie] {
            let pair = line.split(separator: ";").first ?? ""
            guard let equals = pair.firstIndex(of: "=") else { continue }
            let value = String(pair[pair.index(after: equals)...])
            setCookie(String(pair[..<equals]), value.isEmpty || line.contains("Max-Age=0") ? nil : value)
        }
        return answer
    }
}
