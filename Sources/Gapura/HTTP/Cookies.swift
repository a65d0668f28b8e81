import Hummingbird

/// The gateway's cookies. `__Host-` forbids `Domain`, so that no subdomain run by a vendor can set or read them; on
/// plain `http://localhost` browsers refuse the prefix, and the names go without.
package struct CookieNames: Sendable {
    package let session: String
    /// Ties everything one browser has under way, forms too, to that browser.
    package let flow: String
    package let device: String
    /// Seconds.
    static let deviceLifetime: Int64 = 180 * 86_400
    package let language: String
    /// The secret of a one-time link, taken out of the URL.
    let link: String
    /// Seconds.
    static let linkLifetime: Int64 = 3600
    let isSecure: Bool

    package init(settings: GatewaySettings) {
        isSecure = settings.isSecure
        let prefix = settings.isSecure ? "__Host-" : ""
        session = prefix + "gapura-session"
        flow = prefix + "gapura-flow"
        device = prefix + "gapura-device"
        language = prefix + "gapura-language"
        link = prefix + "gapura-link"
    }

    /// A `Set-Cookie` value: `Path=/`, `HttpOnly`, `SameSite=Lax`, `Secure` wherever browsers see https.
    /// - Parameter maxAge: seconds; nothing for a cookie that goes with the browser window, 0 to take it away.
    func header(_ name: String, _ value: String, maxAge: Int64? = nil) -> String {
        var text = "\(name)=\(value); Path=/; HttpOnly; SameSite=Lax"
        if isSecure { text += "; Secure" }
        if let maxAge { text += "; Max-Age=\(maxAge)" }
        return text
    }

    /// The value of a cookie that has the shape of our secrets; anything else counts as not sent. Two cookies of one
    /// name count as none.
    func secret(_ name: String, in request: Request) -> String? {
        Self.value(name, in: request).flatMap { Self.isSecret($0) ? $0 : nil }
    }

    /// Whether text has the shape of our secrets: 32 bytes in base64url.
    static func isSecret(_ text: String) -> Bool {
        text.utf8.count == 43 && text.utf8.allSatisfy(isBase64URL)
    }

    static func value(_ name: String, in request: Request) -> String? {
        var found: String?
        for header in request.headers[values: .cookie] {
            for pair in header.utf8.split(separator: UInt8(ascii: ";")) {
                let pair = pair.drop { $0 == 0x20 }
                guard let equals = pair.firstIndex(of: UInt8(ascii: "=")), pair[..<equals].elementsEqual(name.utf8)
                else { continue }
                if found != nil { return nil }
                found = String(Substring(pair[pair.index(after: equals)...]))
            }
        }
        return found
    }

    private static func isBase64URL(_ byte: UInt8) -> Bool {
        (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2d
            || byte == 0x5f
    }
}
