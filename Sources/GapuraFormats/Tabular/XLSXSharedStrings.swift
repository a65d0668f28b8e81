/// The table of shared strings: one block of bytes and where each string ends, so that a million of them are two
/// allocations.
struct XLSXSharedStrings {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

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
        let start = index == 0 ? 0 : ends[index - 1]
        return String(decoding: bytes[start..<ends[index]], as: UTF8.self)
    }
}

private final class SharedStringsHandler: XMLStreamHandler {
    private(set) var bytes: [UInt8] = []
    private(set) var ends: [Int] = []
    private(set) var failure: TabularError?
    private let limits: TabularLimits
    private var isText = false
    private var isPhonetic = false

    init(_ limits: TabularLimits) {
        self.limits = limits
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
            ends.append(bytes.count)
            if ends.count > limits.maximumSharedStrings { failTooMany() }
        }
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {
        guard isText, !isPhonetic, failure == nil else { return }
        guard bytes.count + text.count <= limits.maximumSharedStringBytes else { return failTooMany() }
        bytes.append(contentsOf: text)
    }

    private func failTooMany() {
        failure = TabularError(
            .tooManySharedStrings,
            "more than \(limits.maximumSharedStrings) shared strings or \(limits.maximumSharedStringBytes) bytes of them"
        )
    }
}
