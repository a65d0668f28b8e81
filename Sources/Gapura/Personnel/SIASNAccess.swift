import Foundation
import GapuraFormats

/// What it takes to be let in at SIASN: the consumer key and secret that BKN gave to the agency, and the sign-in token
/// of the operator. The last two live in memory for as long as one refresh does, and print as dots.
struct SIASNAccess: Sendable {
    let tokenURL: String
    let dataURL: String
    let consumerKey: String
    let consumerSecret: SIASNSecret
    let operatorToken: SIASNSecret

    /// - Throws: `OperationError` where a setting or a secret is missing or cannot be right.
    init(_ settings: GatewaySettings, consumerSecret: String?, operatorToken: String?) throws {
        guard let key = settings.siasnConsumerKey else {
            throw OperationError(
                .invalid, "The setting siasn_consumer_key is missing: the consumer key that BKN gave to the agency.",
                id: "Pengaturan siasn_consumer_key belum diisi: consumer key dari BKN untuk instansi.")
        }
        for url in [settings.siasnTokenURL, settings.siasnURL] {
            // Tokens go there: never in the clear, but for a stand-in on this machine.
            guard let parsed = try? OutgoingURL(url), parsed.isSecure || Self.ownHosts.contains(parsed.host) else {
                throw OperationError(
                    .invalid, "siasn_token_url and siasn_url must be https addresses.",
                    id: "siasn_token_url dan siasn_url harus berupa alamat https.")
            }
        }
        guard let consumerSecret, let operatorToken else {
            throw OperationError(
                .invalid, "The consumer secret and the operator's SSO token are missing (consumer_secret, sso_token).",
                id: "Consumer secret dan token SSO operator belum diisi (consumer_secret, sso_token).")
        }
        tokenURL = settings.siasnTokenURL
        dataURL = settings.siasnURL
        consumerKey = key
        self.consumerSecret = try SIASNSecret(consumerSecret, "consumer_secret")
        self.operatorToken = try SIASNSecret(Self.withoutScheme(operatorToken), "sso_token")
    }

    private static let ownHosts: Set<String> = ["localhost", "127.0.0.1", "::1"]

    /// Browsers' tools copy it with the word before it.
    private static func withoutScheme(_ text: String) -> String {
        let words = text.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bearer" else { return text }
        return String(words[1])
    }

    /// `Authorization: Basic …` of the consumer.
    var basic: String {
        "Basic " + Data("\(consumerKey):\(consumerSecret.text)".utf8).base64EncodedString()
    }
}

/// A secret that may stand in a header; it prints as dots.
struct SIASNSecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let text: String

    /// - Throws: `OperationError`, without the text, where no header could hold it.
    init(_ text: String, _ member: String) throws {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw OperationError(
                .invalid, "\(member) holds characters that no token has; paste it again, whole and on one line.",
                id: "\(member) memuat karakter yang tidak ada pada token; tempelkan lagi, utuh dalam satu baris.")
        }
        self.text = text
    }

    var description: String { "•••" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}
