import Fuzzing
import GapuraFormats

/// One text per value: what is decoded encodes to the same text, and any bytes come back.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = FuzzInput(start, count).bytes
    if let decoded = try? Base64URL.decode(bytes) {
        check(Base64URL.encodedBytes(decoded) == bytes, "decoded base64url encodes to the same text")
    }
    // Collections without contiguous storage take another way.
    let scattered = bytes.lazy.map { $0 }
    let direct = Result { () throws(Base64URLError) in try Base64URL.decode(bytes) }
    let indirect = Result { () throws(Base64URLError) in try Base64URL.decode(scattered) }
    check(direct == indirect, "both ways decode alike")
    let text = Base64URL.encode(bytes)
    check((try? Base64URL.decode(text)) == bytes, "encoded bytes come back")
    check(Base64URL.encode(scattered) == text, "both ways encode alike")
    return 0
}
