import GapuraFormats

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The terminal: results on the standard output, everything else on the standard error.
enum Console {
    static func line(_ text: String) {
        write(text + "\n", to: STDOUT_FILENO)
    }

    static func json(_ value: JSONValue) {
        line(value.encodedText())
    }

    static func error(_ text: String) {
        write(text + "\n", to: STDERR_FILENO)
    }

    /// Asks for something on the same line.
    static func prompt(_ text: String) {
        write(text, to: STDERR_FILENO)
    }

    static var hasTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// A bar that stays on its line, on a terminal only.
    static func progress(_ share: Double, _ text: String) {
        guard hasTerminal else { return }
        let filled = Int((min(max(share, 0), 1) * 30).rounded())
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
        write("\r\u{1b}[K\(bar) \(Int(min(max(share, 0), 1) * 100)) % \(TerminalText.plain(text))", to: STDERR_FILENO)
    }

    static func endProgress() {
        if hasTerminal { write("\r\u{1b}[K", to: STDERR_FILENO) }
    }

    /// Columns under their heads.
    static func table(_ heads: [String], _ rows: [[String]]) {
        for text in tableLines(heads, rows) { line(text) }
    }

    /// The lines of a table.
    static func tableLines(_ heads: [String], _ rows: [[String]]) -> [String] {
        let plain = rows.map { $0.map(TerminalText.plain) }
        let widths = heads.indices.map { column in
            plain.reduce(heads[column].unicodeScalars.count) {
                max($0, column < $1.count ? $1[column].unicodeScalars.count : 0)
            }
        }
        func text(_ cells: [String]) -> String {
            var line = ""
            for (column, cell) in cells.enumerated() {
                line += cell
                if column < cells.count - 1 {
                    line += String(repeating: " ", count: max(0, widths[column] - cell.unicodeScalars.count) + 2)
                }
            }
            return line
        }
        return [text(heads)] + plain.map(text)
    }

    /// `name: value` lines of an object's members that are texts, numbers or lists of texts.
    static func members(_ object: JSONObject, except skipped: Set<String> = []) {
        for (key, value) in object.members where !skipped.contains(key) && !value.isNull {
            line("\(key): \(TerminalText.of(value))")
        }
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Self.system(descriptor, $0) }
            if count < 0, errno == EINTR { continue }
            // The reader has gone (`| head`): there is nobody to tell.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private static func system(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #else
            Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }
}

/// Text from data on its way to a terminal: control characters and marks that change the direction of writing could
/// make it lie or obey.
enum TerminalText {
    static func plain(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0..<0x20, 0x7f...0x9f, 0x200b...0x200f, 0x202a...0x202e, 0x2060...0x2069, 0xfeff: scalars.append("?")
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }

    static func of(_ value: JSONValue) -> String {
        switch value {
        case .null: "-"
        case .bool(let truth): truth ? "yes" : "no"
        case .string(let text): plain(text)
        case .array(let values): values.isEmpty ? "-" : values.map(of).joined(separator: ", ")
        default: plain(value.encodedText())
        }
    }

    /// The member of an object for a table.
    static func of(_ object: JSONValue, _ member: String) -> String {
        object[member].map(of) ?? "-"
    }
}
