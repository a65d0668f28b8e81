/// Where a streaming reader gets its bytes from. This target opens no file; whoever did hands in a closure.
package struct ByteSource {
    private let fill: (UnsafeMutableRawBufferPointer) throws -> Int

    /// `fill` works like read(2): it writes up to the buffer's size and answers how much it wrote, 0 at the end.
    package init(_ fill: @escaping (UnsafeMutableRawBufferPointer) throws -> Int) {
        self.fill = fill
    }

    /// The bytes of an array.
    package init(_ bytes: [UInt8]) {
        var position = 0
        self.init { buffer in
            let count = min(buffer.count, bytes.count - position)
            buffer.copyBytes(from: bytes[position..<position + count])
            position += count
            return count
        }
    }

    /// The next bytes: how many were written to the buffer, 0 at the end.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        min(max(try fill(buffer), 0), buffer.count)
    }

    /// Reads what is left and keeps nothing of it.
    package func skipToEnd() throws {
        try chunks { _ in }
    }

    /// Hands on the source chunk by chunk until it ends; the chunk lives only during the call.
    func chunks(of size: Int = 128 * 1024, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try read(into: buffer)
            if count == 0 { return }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}
