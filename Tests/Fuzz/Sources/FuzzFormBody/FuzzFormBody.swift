import Fuzzing
import GapuraFormats

/// What is read is written and read again as the same pairs; never more keys than allowed.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = FuzzInput(start, count).bytes
    for limit in [3, 200] {
        let pairs = try? FormURLEncoded.parse(bytes, maximumKeys: limit)
        let scattered = try? FormURLEncoded.parse(bytes.lazy.map { $0 }, maximumKeys: limit)
        check(pairs.map(texts) == scattered.map(texts), "both ways read alike")
        guard let pairs else { continue }
        check(pairs.count <= limit, "no more than \(limit) keys")
        let written = FormURLEncoded.encode(pairs)
        check(written.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "a written form is plain ASCII")
        let again = try? FormURLEncoded.parse(written.utf8, maximumKeys: limit)
        check(again.map(texts) == texts(pairs), "what is written is read back")
    }
    if let text = try? FormURLEncoded.decode(bytes) {
        let written = FormURLEncoded.percentEncode(text)
        check((try? FormURLEncoded.decode(written.utf8))?.isExactly(text) == true, "a component comes back")
    }
    return 0
}

private func texts(_ pairs: [(name: String, value: String)]) -> [ExactText] {
    pairs.flatMap { [ExactText($0.name), ExactText($0.value)] }
}
