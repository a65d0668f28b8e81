package import Hummingbird

/// Refuses paths that two programs could read as two things: dot segments, empty segments, and slashes, backslashes or
/// NULs that are encoded (attack 202). What remains means to the router what it means to a proxy before it.
package struct PathCheck: RouterMiddleware {
    package typealias Context = GapuraContext

    package init() {}

    package func handle(
        _ request: Request, context: GapuraContext, next: (Request, GapuraContext) async throws -> Response
    ) async throws -> Response {
        guard Self.isPlain(request.uri.path) else {
            throw PageError(.badRequest, reason: "the path has dot segments, empty segments or encoded slashes")
        }
        return try await next(request, context)
    }

    static func isPlain(_ path: String) -> Bool {
        let bytes = Array(path.utf8)
        guard !bytes.contains(UInt8(ascii: "\\")) else { return false }
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "%") {
            let code = bytes[index...].prefix(3).map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
            if ["%2f", "%5c", "%00", "%2e"].contains(where: { $0.utf8.elementsEqual(code) }) { return false }
        }
        let segments = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        // Before the first slash and after the last one there may be nothing.
        guard !segments.dropFirst().dropLast().contains(where: \.isEmpty) else { return false }
        return !segments.contains { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }
    }
}
