/// A file whose end is needed before its middle, as a ZIP is. This target opens no file; whoever did hands in a
/// closure.
///
/// Not a mapped file: one that somebody shortens while it is read would end the process with SIGBUS, and with it
/// everybody's sign-in.
package struct RandomAccessBytes: Sendable {
    package let count: Int
    /// Works like pread(2): fills as much of the buffer as there is from an offset on, and answers how much that was.
    let read: @Sendable (_ offset: Int, UnsafeMutableRawBufferPointer) throws -> Int

    package init(
        count: Int, _ read: @escaping @Sendable (_ offset: Int, UnsafeMutableRawBufferPointer) throws -> Int
    ) {
        self.count = max(count, 0)
        self.read = read
    }

    /// The bytes of an array.
    package init(_ bytes: [UInt8]) {
        self.init(count: bytes.count) { offset, buffer in
            guard bytes.indices.contains(offset) else { return 0 }
            let count = min(buffer.count, bytes.count - offset)
            buffer.copyBytes(from: bytes[offset..<offset + count])
            return count
        }
    }

    /// The first bytes, at most so many.
    package func first(_ limit: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        var taken = 0
        while taken < limit {
            let count = try bytes.withUnsafeMutableBytes { buffer in
                try read(taken, UnsafeMutableRawBufferPointer(rebasing: buffer[taken...]))
            }
            guard count > 0 else { break }
            taken += min(count, limit - taken)
        }
        return Array(bytes.prefix(taken))
    }

    /// The same bytes from the first to the last.
    package var stream: ByteSource {
        var offset = 0
        return ByteSource { buffer in
            let count = try read(offset, buffer)
            offset += max(count, 0)
            return count
        }
    }
}
