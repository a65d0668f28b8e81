import GapuraFormats
import GapuraStore
package import Hummingbird
import NIOCore

/// `/aset/klien/…`: pictures of clients, by their own hash, so that one address always means the same bytes.
package struct LogoEndpoint: Sendable {
    private let store: Store

    package init(_ services: Services) { store = services.store }

    /// The address of a picture.
    static func address(_ digest: String) -> String { "/aset/klien/\(digest)" }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.get("/aset/klien/:digest") { _, context in
            let digest = context.parameters.get("digest") ?? ""
            guard digest.utf8.count == 43, let logo = try await store.read({ try $0.logos.find(digest: digest) }) else {
                throw PageError(.notFound, reason: "no such picture")
            }
            return Response(
                status: .ok,
                headers: [
                    .contentType: logo.mediaType, .cacheControl: "public, max-age=31536000, immutable",
                    .contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'; sandbox",
                ],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: logo.bytes)))
        }
    }
}
