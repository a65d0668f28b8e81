/// Why a text is not base64url.
public enum Base64URLError: Error, Equatable, Sendable {
    /// A byte outside the alphabet: padding, `+`, `/`, white space and all others.
    case unexpectedByte(offset: Int)
    /// A length that no encoding has.
    case badLength
    /// Bits after the last byte are not zero, so that several texts would mean the same bytes.
    case trailingBits
}

/// Base64url without padding, RFC 7515 section 2. One text per value: whatever is not exactly that is refused.
public enum Base64URL {
    /// The one text of these bytes.
    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: encodedBytes(bytes), as: UTF8.self)
    }

    /// As `encode`, as ASCII bytes.
    public static func encodedBytes(_ bytes: some Collection<UInt8>) -> [UInt8] {
        bytes.withContiguousStorageIfAvailable(encoded) ?? Array(bytes).withUnsafeBufferPointer(encoded)
    }

    /// The bytes of a text, which must be the one that `encode` gives.
    public static func decode(_ text: some StringProtocol) throws(Base64URLError) -> [UInt8] {
        try decode(text.utf8)
    }

    /// As `decode` of a text, from ASCII bytes.
    public static func decode(_ bytes: some Collection<UInt8>) throws(Base64URLError) -> [UInt8] {
        if let direct = bytes.withContiguousStorageIfAvailable(decoded) {
            return try direct.get()
        }
        return try Array(bytes).withUnsafeBufferPointer(decoded).get()
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The value of each byte, 255 for those outside the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, letter) in alphabet.enumerated() {
            values[Int(letter)] = UInt8(value)
        }
        return values
    }()

    private static func encoded(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        let length = bytes.count / 3 * 4 + [0, 2, 3][bytes.count % 3]
        return [UInt8](unsafeUninitializedCapacity: length) { output, count in
            alphabet.withUnsafeBufferPointer { alphabet in
                var position = 0
                while position + 3 <= bytes.count {
                    let group = Int(bytes[position]) << 16 | Int(bytes[position + 1]) << 8 | Int(bytes[position + 2])
                    output[count] = alphabet[group >> 18]
                    output[count + 1] = alphabet[group >> 12 & 63]
                    output[count + 2] = alphabet[group >> 6 & 63]
                    output[count + 3] = alphabet[group & 63]
                    position += 3
                    count += 4
                }
                switch bytes.count - position {
                case 1:
                    output[count] = alphabet[Int(bytes[position] >> 2)]
                    output[count + 1] = alphabet[Int(bytes[position] & 3) << 4]
                    count += 2
                case 2:
                    let group = Int(bytes[position]) << 8 | Int(bytes[position + 1])
                    output[count] = alphabet[group >> 10]
                    output[count + 1] = alphabet[group >> 4 & 63]
                    output[count + 2] = alphabet[group << 2 & 63]
                    count += 3
                default:
                    break
                }
            }
        }
    }

    private static func decoded(_ bytes: UnsafeBufferPointer<UInt8>) -> Result<[UInt8], Base64URLError> {
        let rest = bytes.count % 4
        guard rest != 1 else { return .failure(.badLength) }
        var invalid: UInt8 = 0
        var trailing: UInt8 = 0
        let length = bytes.count / 4 * 3 + max(rest - 1, 0)
        let result = [UInt8](unsafeUninitializedCapacity: length) { output, count in
            values.withUnsafeBufferPointer { values in
                // Values are below 64, so that the high bits of all of them together tell whether one was 255.
                var position = 0
                while position + 4 <= bytes.count {
                    let first = values[Int(bytes[position])]
                    let second = values[Int(bytes[position + 1])]
                    let third = values[Int(bytes[position + 2])]
                    let fourth = values[Int(bytes[position + 3])]
                    invalid |= first | second | third | fourth
                    output[count] = first << 2 | second >> 4
                    output[count + 1] = second << 4 | third >> 2
                    output[count + 2] = third << 6 | fourth
                    position += 4
                    count += 3
                }
                if rest >= 2 {
                    let first = values[Int(bytes[position])]
                    let second = values[Int(bytes[position + 1])]
                    invalid |= first | second
                    output[count] = first << 2 | second >> 4
                    count += 1
                    trailing = second << 4
                    if rest == 3 {
                        let third = values[Int(bytes[position + 2])]
                        invalid |= third
                        output[count] = second << 4 | third >> 2
                        count += 1
                        trailing = third << 6
                    }
                }
            }
        }
        if invalid > 63 {
            let offset = bytes.firstIndex { values[Int($0)] == 255 }
            return .failure(.unexpectedByte(offset: offset ?? 0))
        }
        return trailing == 0 ? .success(result) : .failure(.trailingBits)
    }
}
