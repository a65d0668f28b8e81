/// Why a body or a query is not a form we read.
public enum FormError: Error, Equatable, Sendable {
    /// More pairs than the caller allows.
    case tooManyKeys
    /// `%` that two hexadecimal digits do not follow.
    case badPercentEncoding
    /// A name or a value that is not text.
    case notUTF8
}

/// `application/x-www-form-urlencoded`: flat pairs, in order, duplicates kept for the caller to refuse.
///
/// Names mean nothing here, `a[b][c]` is one name: nothing nests, so that nothing can nest too deep.
public enum FormURLEncoded {
    /// The pairs, at most `maximumKeys`. Empty pairs (`a=1&&b=2`) are passed over.
    public static func parse(
        _ bytes: some Collection<UInt8>, maximumKeys: Int = 200
    ) throws(FormError) -> [(name: String, value: String)] {
        if let direct = bytes.withContiguousStorageIfAvailable({ parsed($0, maximumKeys) }) {
            return try direct.get()
        }
        return try Array(bytes).withUnsafeBufferPointer { parsed($0, maximumKeys) }.get()
    }

    /// The pairs as a body: a space becomes `+`.
    public static func encode(_ pairs: [(name: String, value: String)]) -> String {
        var bytes: [UInt8] = []
        for (name, value) in pairs {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: "&")) }
            append(name, to: &bytes, spaceAsPlus: true)
            bytes.append(UInt8(ascii: "="))
            append(value, to: &bytes, spaceAsPlus: true)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// One component of a URI, RFC 3986 section 2.3: all but the unreserved characters become `%XX`.
    public static func percentEncode(_ text: some StringProtocol) -> String {
        var bytes: [UInt8] = []
        append(text, to: &bytes, spaceAsPlus: false)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// One name or value, as `application/x-www-form-urlencoded` writes it.
    public static func decode(_ bytes: some Collection<UInt8>) throws(FormError) -> String {
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var position = bytes.startIndex
        while position < bytes.endIndex {
            let byte = bytes[position]
            bytes.formIndex(after: &position)
            switch byte {
            case UInt8(ascii: "+"):
                plain.append(0x20)
            case UInt8(ascii: "%"):
                var code: UInt8 = 0
                for _ in 0..<2 {
                    guard position < bytes.endIndex, let digit = bytes[position].hexadecimalValue else {
                        throw .badPercentEncoding
                    }
                    code = code << 4 | digit
                    bytes.formIndex(after: &position)
                }
                plain.append(code)
            default:
                plain.append(byte)
            }
        }
        guard let text = String(validating: plain, as: UTF8.self) else { throw .notUTF8 }
        return text
    }

    private static func parsed(
        _ bytes: UnsafeBufferPointer<UInt8>, _ maximumKeys: Int
    ) -> Result<[(name: String, value: String)], FormError> {
        Result { () throws(FormError) -> [(name: String, value: String)] in
            var pairs: [(name: String, value: String)] = []
            var start = bytes.startIndex
            while start < bytes.endIndex {
                let end = bytes[start...].firstIndex(of: UInt8(ascii: "&")) ?? bytes.endIndex
                let pair = bytes[start..<end]
                start = end + 1
                if pair.isEmpty { continue }
                guard pairs.count < maximumKeys else { throw .tooManyKeys }
                let middle = pair.firstIndex(of: UInt8(ascii: "=")) ?? end
                let name = try decode(pair[..<middle])
                let value = middle < end ? try decode(pair[(middle + 1)...]) : ""
                pairs.append((name, value))
            }
            return pairs
        }
    }

    private static func append(_ text: some StringProtocol, to bytes: inout [UInt8], spaceAsPlus: Bool) {
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            case 0x20 where spaceAsPlus:
                bytes.append(UInt8(ascii: "+"))
            default:
                bytes.append(UInt8(ascii: "%"))
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            }
        }
    }
}
