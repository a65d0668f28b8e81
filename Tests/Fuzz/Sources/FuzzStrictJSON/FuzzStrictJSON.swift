import Fuzzing
import GapuraFormats

/// What is read is written and read again as the same value; limits of depth and size hold; names are unique as bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = FuzzInput(start, count).bytes
    look(at: bytes, depth: 4)
    look(at: bytes, depth: 64)
    look(at: bytes, depth: .max)
    if !bytes.isEmpty {
        var kind: JSONError.Kind?
        do { _ = try StrictJSON.parse(bytes, maximumBytes: bytes.count - 1) } catch { kind = error.kind }
        check(kind == .tooLarge, "the limit of size holds")
    }
    return 0
}

private func look(at bytes: [UInt8], depth: Int) {
    let outcome = Result { () throws(JSONError) in try StrictJSON.parse(bytes, maximumDepth: depth) }
    let scattered = Result { () throws(JSONError) in try StrictJSON.parse(bytes.lazy.map { $0 }, maximumDepth: depth) }
    check(outcome == scattered, "both ways read alike")
    switch outcome {
    case .failure(let error):
        check((0...bytes.count).contains(error.offset), "an error lies within the text")
    case .success(let value):
        check(nesting(value) <= min(depth, StrictJSON.deepest), "the limit of depth holds")
        let written = value.encoded()
        let again = Result { () throws(JSONError) in try StrictJSON.parse(written, maximumDepth: depth) }
        check(again == .success(value), "what is written is read back")
        check((try? again.get())?.encoded() == written, "writing is stable")
    }
}

private func nesting(_ value: JSONValue) -> Int {
    switch value {
    case .array(let values):
        return 1 + (values.map(nesting).max() ?? 0)
    case .object(let object):
        check(Set(object.keys.map { ExactText($0) }).count == object.count, "names are unique")
        check(object.members.allSatisfy { object[$0.key] == $0.value }, "each name finds its own value")
        return 1 + (object.members.map { nesting($0.value) }.max() ?? 0)
    case .double(let number):
        check(number.isFinite, "numbers are finite")
        return 0
    default:
        return 0
    }
}
