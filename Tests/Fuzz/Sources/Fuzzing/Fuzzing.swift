/// Ends the process where a property does not hold: libFuzzer then keeps the input in a file.
package func check(_ holds: Bool, _ property: @autoclosure () -> String) {
    if !holds { fatalError("this does not hold: \(property())") }
}

/// What the process could not start without; no input decides it.
package func must<Value>(_ body: () throws -> Value) -> Value {
    do {
        return try body()
    } catch {
        fatalError("the target cannot start: \(error)")
    }
}

/// One input, taken from its front.
package struct FuzzInput {
    package private(set) var rest: ArraySlice<UInt8>

    package init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
        rest = Array(UnsafeBufferPointer(start: start, count: count))[...]
    }

    package var bytes: [UInt8] { Array(rest) }

    /// What is left as text, damaged bytes repaired.
    package var text: String { String(decoding: rest, as: UTF8.self) }

    /// The next byte, 0 at the end.
    package mutating func byte() -> UInt8 {
        rest.popFirst() ?? 0
    }

    package mutating func number(below bound: Int) -> Int {
        let high = Int(byte())
        return (high << 8 | Int(byte())) % max(bound, 1)
    }

    /// Up to the line feed, which is taken away too.
    package mutating func line() -> [UInt8] {
        let line = rest.prefix { $0 != 0x0a }
        rest = rest.dropFirst(line.count + 1)
        return Array(line)
    }

    /// What was genuine, changed as the rest of the input says: 4 bytes each for a change, a place (2) and a value.
    ///
    /// Genuine things are made when the process starts, since no file of ours holds a key or a token: an input holds the
    /// damage alone.
    package mutating func damage(_ genuine: [UInt8]) -> [UInt8] {
        var bytes = genuine
        for _ in 0..<16 where !rest.isEmpty {
            let change = byte()
            let place = number(below: bytes.count + 1)
            let value = byte()
            switch change % 6 {
            case 0 where place < bytes.count: bytes[place] = value
            case 1 where place < bytes.count: bytes[place] ^= 1 << (value % 8)
            case 2: bytes.insert(value, at: place)
            case 3 where place < bytes.count: bytes.remove(at: place)
            case 4: bytes.removeSubrange(place...)
            case 5 where place < bytes.count: bytes += bytes[place...].prefix(Int(value))
            default: break
            }
        }
        return bytes
    }
}
