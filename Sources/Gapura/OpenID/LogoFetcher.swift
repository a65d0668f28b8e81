import GapuraFormats
import GapuraStore
import GapuraTokens
import Logging

/// Fetches the picture of a client once, when it is registered, so that no page of ours asks another host for anything
/// (design decision 18). Asks another host: call it outside a transaction.
struct LogoFetcher: Sendable {
    private static let maximumBytes = 64 * 1024
    /// What a picture begins with; what a server says of it is not believed. No SVG: it may hold scripts.
    private static let kinds: [(start: [UInt8], mediaType: String)] = [
        ([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], "image/png"), ([0xff, 0xd8, 0xff], "image/jpeg"),
        (Array("GIF87a".utf8), "image/gif"), (Array("GIF89a".utf8), "image/gif"),
    ]

    private let outgoing: OutgoingHTTP
    private let logger: Logger

    init(_ services: Services) {
        outgoing = services.outgoing
        logger = services.logger
    }

    /// The picture, or nothing where it cannot be had: a client without one works as well.
    func fetch(_ metadata: ClientMetadata) async -> ClientLogo? {
        guard let uri = metadata.logoURI else { return nil }
        do {
            let answer = try await outgoing.get(uri, maximumBytes: Self.maximumBytes)
            guard answer.status == 200, let mediaType = Self.mediaType(answer.body) else {
                logger.notice("client.logo_refused", metadata: ["status": "\(answer.status)"])
                return nil
            }
            let digest = Base64URL.encode(SHA256.hash(answer.body))
            return ClientLogo(uri: uri, digest: digest, mediaType: mediaType, bytes: answer.body)
        } catch {
            logger.notice("client.logo_not_fetched", metadata: ["problem": "\(error)"])
            return nil
        }
    }

    static func mediaType(_ bytes: [UInt8]) -> String? {
        if bytes.count > 12, bytes.starts(with: "RIFF".utf8), bytes[8..<12].elementsEqual("WEBP".utf8) {
            return "image/webp"
        }
        return kinds.first { bytes.starts(with: $0.start) }?.mediaType
    }
}
