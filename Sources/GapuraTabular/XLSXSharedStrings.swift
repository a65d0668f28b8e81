/// The table of shared strings: one block of bytes and where each string ends, so that millions of them are two
/// allocations.
struct XLSXSharedStrings {
    private var bytes: [UInt8] = []
    private var ends: [UInt32] = []

    init(_ entry: ZIPContainer.Entry?, in container: ZIPContainer, _ limits: TabularLimits) throws {
        guard let entry else { return }
        let handler = SharedStringsHandler(limits)
        let stream = try XMLStream(handler)
        try container.read(entry) { chunk in
            try stream.feed(chunk)
            if let failure = handler.failure { throw failure }
        }
        try stream.finish()
        if let failure = handler.failure { throw failure }
        bytes = handler.bytes
        ends = handler.ends
    }

    subscript(index: Int) -> String? {
        guard ends.indices.contains(index) else { return nil }
        let start = index == 0 ? 0 : Int(ends[index - 1])
        return String(decoding: bytes[start..<Int(ends[index])], as: UTF8.self)
    }
}

private final class SharedStringsHandler: XMLStreamHandler {
    private(set) var bytes: [UInt8] = []
    private(set) var ends: [UInt32] = []
    private(set) var failure: TabularError?
    /// Bytes that may still come. Every string costs some, so that empty ones have an end too.
    private var left: Int
    private let limit: Int
    private var isText = false
    private var isPhonetic = false

    init(_ limits: TabularLimits) {
        // `ends` counts in 32 bits.
        limit = min(limits.maximumSharedStringBytes, Int(UInt32.max))
        left = limit
    }

    func start(_ name: XMLName, _ attributes: XMLAttributes) {
        if name == "t" { isText = true } else if name == "rPh" { isPhonetic = true }
    }

    func end(_ name: XMLName) {
        if name == "t" {
            isText = false
        } else if name == "rPh" {
            isPhonetic = false
        } else if name == "si" {
            guard failure == nil, take(TabularLimits.sharedStringOverhead) else { return }
            ends.append(UInt32(bytes.count))
        }
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {
        guard isText, !isPhonetic, failure == nil else { return }
        guard take(text.count) else { return }
        bytes.append(contentsOf: text)
    }

    private func take(_ count: Int) -> Bool {
        guard count <= left else {
            failure = TabularError(.tooManySharedStrings, "the shared strings take more than \(limit) bytes")
            return false
        }
        left -= count
        return true
    }
}
