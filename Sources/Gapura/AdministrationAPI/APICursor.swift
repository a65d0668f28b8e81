import GapuraFormats
import GapuraTokens

/// Where the next page of a list begins, as one opaque text: a value and a mark (HMAC) over it and the list that it
/// belongs to. A cursor of another list, another filter, or of somebody else's making is refused (attack 203).
struct APICursor: Sendable {
    private static let markSize = 16

    let key: [UInt8]

    /// - Parameter list: route and filters; a cursor goes on in the very list that it came from.
    func make(_ value: String, of list: String) -> String {
        Base64URL.encode(mark(value, list) + Array(value.utf8))
    }

    /// The value again.
    /// - Throws: `APIProblem` 400.
    func open(_ cursor: String, of list: String) throws(APIProblem) -> String {
        guard cursor.utf8.count <= 400, let bytes = try? Base64URL.decode(cursor), bytes.count > Self.markSize,
            let value = String(validating: bytes.dropFirst(Self.markSize), as: UTF8.self),
            constantTimeEquals(bytes.prefix(Self.markSize), mark(value, list))
        else {
            throw APIProblem.invalid(
                "The cursor is not of this list; take the member next of the page before, with the same filters.",
                id: "Kursor bukan milik daftar ini; pakai next dari halaman sebelumnya dengan saringan yang sama.")
        }
        return value
    }

    private func mark(_ value: String, _ list: String) -> [UInt8] {
        // No list holds a NUL, so where it ends is certain.
        Array(HMACSHA256.code(Array(list.utf8) + [0] + Array(value.utf8), key: key).prefix(Self.markSize))
    }
}
