internal import GapuraFormats
internal import GapuraTokens

/// The digest of a table's rows, whatever order they come in: a database promises none, and the same people asked for
/// twice must be the same load.
struct RowDigest {
    private var rows: [[UInt8]] = []

    mutating func add(_ texts: [String?]) throws {
        let digest = Self.digest(texts)
        guard !digest.isEmpty else { throw PersonnelSourceError.file("the rows cannot be hashed") }
        rows.append(digest)
    }

    /// Base64url.
    func finish(_ context: [String?]) -> String {
        let hash = SHA256Stream()
        Self.digest(context).withUnsafeBytes { hash.update($0) }
        for row in rows.sorted(by: { $0.lexicographicallyPrecedes($1) }) { row.withUnsafeBytes { hash.update($0) } }
        return Base64URL.encode(hash.finish())
    }

    static func of(_ texts: [String?]) -> String { Base64URL.encode(digest(texts)) }

    /// Each text with its length before it: two texts and one of both together differ.
    private static func digest(_ texts: [String?]) -> [UInt8] {
        let hash = SHA256Stream()
        var bytes: [UInt8] = []
        for text in texts {
            let length = text.map { UInt32(clamping: $0.utf8.count) } ?? .max
            withUnsafeBytes(of: length.littleEndian) { bytes.append(contentsOf: $0) }
            if let text { bytes.append(contentsOf: text.utf8) }
        }
        bytes.withUnsafeBytes { hash.update($0) }
        return hash.finish()
    }
}
