/// Lines of bytes that come in chunks. Each byte is looked at once, however long a line is.
struct LineBuffer {
    private var bytes: [UInt8] = []
    /// Where the next line begins, and up to where there is no line feed.
    private var start = 0
    private var searched = 0

    mutating func append(_ chunk: some Collection<UInt8>) {
        bytes.removeSubrange(..<start)
        searched -= start
        start = 0
        bytes += chunk
    }

    /// The next whole line, without its line feed.
    mutating func next() -> ArraySlice<UInt8>? {
        guard let end = bytes[searched...].firstIndex(of: 0x0a) else {
            searched = bytes.count
            return nil
        }
        defer {
            start = end + 1
            searched = start
        }
        return bytes[start..<end]
    }

    /// How many bytes wait for the end of their line.
    var rest: Int { bytes.count - start }
}
