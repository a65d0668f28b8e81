import Fuzzing
import GapuraFormats

/// The header as it comes, and the input as what stands within the base64: random bytes are seldom base64.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzInput(start, count)
    look(at: input.text)
    look(at: "Basic " + base64(input.bytes))
    return 0
}

private func look(at header: String) {
    guard let credentials = try? BasicCredentials(header) else { return }
    check(header.utf8.count <= BasicCredentials.maximumBytes, "a longer header is refused")
    check(String(header.prefix(6)).lowercased().isExactly("basic "), "another scheme is refused")
    let (user, password) = (credentials.user, credentials.password)
    check(!user.utf8.contains(0) && !password.utf8.contains(0), "a NUL is refused, however it is written")
    let written =
        FormURLEncoded.percentEncode(user) + ":" + FormURLEncoded.percentEncode(password)
    let again = "Basic " + base64(Array(written.utf8))
    guard again.utf8.count <= BasicCredentials.maximumBytes else { return }
    let read = try? BasicCredentials(again)
    check(
        read?.user.isExactly(user) == true && read?.password.isExactly(password) == true, "what is written is read back"
    )
}

/// With padding, apart from what the product has.
private func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for position in stride(from: 0, to: bytes.count, by: 3) {
        let group = bytes[position...].prefix(3)
        let number = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
        for letter in 0..<4 {
            text.append(letter <= group.count ? alphabet[number >> (18 - 6 * letter) & 63] : UInt8(ascii: "="))
        }
    }
    return String(decoding: text, as: UTF8.self)
}
