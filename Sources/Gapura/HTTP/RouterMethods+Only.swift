package import HTTPTypes
package import Hummingbird

extension RouterMethods where Context == GapuraContext {
    /// A path with one method; every other method is answered 405 with `Allow`.
    package func only(
        _ method: HTTPRequest.Method, _ path: RouterPath,
        use handler: @escaping @Sendable (Request, GapuraContext) async throws -> Response
    ) {
        allow([method], path, use: handler)
    }

    /// A path with a few methods.
    package func allow(
        _ methods: [HTTPRequest.Method], _ path: RouterPath,
        use handler: @escaping @Sendable (Request, GapuraContext) async throws -> Response
    ) {
        for method in methods { on(path, method: method, use: handler) }
        let allowed = methods.map(\.rawValue).joined(separator: ", ")
        // HEAD comes with GET (RFC 9110 section 9.1).
        let others: [HTTPRequest.Method] = [.get, .post, .put, .delete, .patch, .head, .options, .trace].filter {
            method in
            !methods.contains(method) && !(method == .head && methods.contains(.get))
        }
        for method in others {
            on(path, method: method) { _, _ -> Response in throw MethodNotAllowed(allow: allowed) }
        }
    }
}
