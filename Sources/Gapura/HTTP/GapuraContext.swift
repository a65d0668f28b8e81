package import GapuraFormats
package import Hummingbird
import Logging
import NIOCore

/// What goes along with one request.
package struct GapuraContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The other end of the connection.
    let peer: SocketAddress?
    /// Where the request came from, once `SourceAddress` has looked at trusted proxies.
    package var sourceAddress = "-"
    /// The number under which the log knows this request; shown on error pages.
    package let requestID: String
    /// When the request began: the one clock reading that decides everything in it.
    package var now = Timestamp(milliseconds: 0)

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        peer = source.channel.remoteAddress
        requestID = RequestNumber.make()
    }

    package var maxUploadSize: Int { 64 * 1024 }
}

/// Short random numbers for requests: 60 bits in base 32, enough to find one line in a log.
enum RequestNumber {
    private static let digits = Array("abcdefghjkmnpqrstuvwxyz023456789".utf8)

    static func make() -> String {
        var random = SystemRandomNumberGenerator()
        var bits = random.next()
        return String(unsafeUninitializedCapacity: 12) { buffer in
            for index in 0..<12 {
                buffer[index] = digits[Int(bits & 31)]
                bits >>= 5
            }
            return 12
        }
    }
}
