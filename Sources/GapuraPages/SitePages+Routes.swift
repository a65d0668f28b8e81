package import Gapura
import GapuraFormats
package import Hummingbird
import NIOCore

extension SitePages: PageSite {
    /// The page router: every page of a person's own, and the static files. A new page is one line here.
    package func addRoutes(to router: Router<GapuraContext>, of gateway: Gateway) {
        router.get("/") { _, _ in Response(status: .seeOther, headers: [.location: "/portal"]) }
        PortalPage(gateway).addRoutes(to: router)
        AccountPage(gateway).addRoutes(to: router)
        router.get("/aset/:name") { request, context in
            guard let asset = asset(context.parameters.get("name") ?? "") else {
                throw PageError(.notFound, reason: "no such file")
            }
            if request.headers[.ifNoneMatch]?.isExactly(asset.etag) == true {
                return Response(status: .notModified, headers: [.eTag: asset.etag])
            }
            // Pages name files with `?v=` and the tag: such an address always means the same bytes.
            let isPinned =
                request.uri.query.map {
                    "\"\($0)\"".isExactly(asset.etag.replacing("\"", with: "\"v=", maxReplacements: 1))
                } ?? false
            return Response(
                status: .ok,
                headers: [
                    .contentType: asset.contentType, .eTag: asset.etag,
                    .cacheControl: isPinned ? "public, max-age=31536000, immutable" : "public, max-age=3600",
                ],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: asset.bytes))
            )
        }
    }
}
