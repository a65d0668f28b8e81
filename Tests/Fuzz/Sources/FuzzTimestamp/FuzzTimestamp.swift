import Fuzzing
import GapuraFormats

/// A moment that is read lies within the years 0000 to 9999 and a day around them; arithmetic with it never traps.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzInput(start, count)
    guard let moment = Timestamp(iso8601: input.text) else { return 0 }
    check(input.rest.allSatisfy { (0x21...0x7e).contains($0) }, "a moment is plain ASCII")
    check((-62_135_683_200...253_402_387_199).contains(moment.seconds), "a moment is one of four-digit years")
    check(Timestamp(seconds: moment.seconds) <= moment, "whole seconds round down")
    for more in [Int64.min, -1, 0, 1, .max] {
        check((moment.adding(seconds: more) >= moment) == (more >= 0), "later is later")
    }
    return 0
}
