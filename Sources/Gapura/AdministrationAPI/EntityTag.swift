import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
import HTTPTypes
import Hummingbird

/// The entity tag (RFC 9110 section 8.8.3) of a thing that an operation shows: a digest of what it shows, without what
/// changes by itself.
struct EntityTag: Sendable, Equatable {
    /// What is no part of the thing.
    private static let passing = ["open_sessions"]

    let text: String

    init(of shown: JSONObject) {
        let lasting = Self.passing.reduce(shown) { $0.removing($1) }
        text = "\"\(Base64URL.encode(SHA256.hash(JSONValue.object(lasting).encoded()).prefix(18)))\""
    }

    /// Whether a list of tags names this one; `*` names any. Weak tags are no match where something is changed; where
    /// something is read they are, since whatever compresses an answer on its way makes them (RFC 9110 section 13.1.2).
    func isNamed(in header: String, weakly: Bool = false) -> Bool {
        Self.isNamed(text, in: header, weakly: weakly)
    }

    /// The same of a tag that was made elsewhere.
    static func isNamed(_ text: String, in header: String, weakly: Bool) -> Bool {
        header.utf8.split(separator: UInt8(ascii: ",")).contains { part in
            let trimmed = part.drop { $0 == 0x20 || $0 == 0x09 }.reversed().drop { $0 == 0x20 || $0 == 0x09 }.reversed()
            let isNamed = trimmed.elementsEqual(text.utf8) || trimmed.elementsEqual("*".utf8)
            return isNamed || (weakly && trimmed.elementsEqual("W/\(text)".utf8))
        }
    }

    static var changed: APIProblem {
        APIProblem(
            .preconditionFailed, "changed",
            "It was changed since you read it; read it again, and change it with the new ETag.",
            id: "Data sudah berubah sejak dibaca; baca lagi lalu ubah dengan ETag yang baru.")
    }
}
