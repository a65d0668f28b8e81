/// What a token is for, as its `typ` header says (RFC 8725 section 3.11).
public struct TokenType: Hashable, Sendable, ExpressibleByStringLiteral {
    /// The media type without `application/`, in lower case.
    public let name: String

    /// Media types have no case, and `application/` may be left out (RFC 7515 section 4.1.9).
    public init(_ name: some StringProtocol) {
        var bytes = name.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        if bytes.starts(with: "application/".utf8) {
            bytes.removeFirst("application/".utf8.count)
        }
        self.name = String(decoding: bytes, as: UTF8.self)
    }

    /// As `init(_:)`.
    public init(stringLiteral name: String) {
        self.init(name)
    }

    public static func == (left: TokenType, right: TokenType) -> Bool {
        left.name.isExactly(right.name)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(ExactText(name))
    }

    /// RFC 9068.
    public static let accessToken: TokenType = "at+jwt"
    /// An ID token: OIDC Core gives it no type of its own.
    public static let jwt: TokenType = "JWT"
    /// OIDC Back-Channel Logout section 2.4.
    public static let logoutToken: TokenType = "logout+jwt"
    /// RFC 9449.
    public static let dpopProof: TokenType = "dpop+jwt"
    /// RFC 9101.
    public static let requestObject: TokenType = "oauth-authz-req+jwt"
    /// RFC 7523bis.
    public static let clientAuthentication: TokenType = "client-authentication+jwt"

    /// As it is written into a header: `JWT` in capitals, as RFC 7519 section 5.1 asks.
    var headerText: String {
        self == .jwt ? "JWT" : name
    }
}
