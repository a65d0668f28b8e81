import Gapura

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Reads one line that nobody looking on may see. Where the standard input is no terminal, it is a line of that.
///
/// Byte by byte: a terminal that edits lines keeps 4095 bytes of one, and a token may be longer.
enum SecretPrompt {
    private static let limit = 32_768

    static func read(_ prompt: String) throws -> String {
        guard isatty(STDIN_FILENO) == 1 else { return try text(line { _ in }) }
        var usual = termios()
        guard tcgetattr(STDIN_FILENO, &usual) == 0 else { throw unreadable }
        var silent = usual
        silent.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
        guard tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0 else { throw unreadable }
        // Ctrl-C is a byte here, so nothing leaves a terminal behind that shows nothing.
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &usual)
            Console.error("")
        }
        Console.prompt(prompt)
        return try text(line { if $0 == 0x03 { throw CancellationError() } })
    }

    private static func line(_ look: (UInt8) throws -> Void) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            var byte: UInt8 = 0
            let count = systemRead(&byte)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return bytes }
            try look(byte)
            switch byte {
            case 0x0a, 0x0d: return bytes
            case 0x04 where bytes.isEmpty: return bytes
            case 0x08, 0x7f: if !bytes.isEmpty { bytes.removeLast() }
            default: bytes.append(byte)
            }
            guard bytes.count <= limit else { throw unreadable }
        }
    }

    private static func text(_ bytes: [UInt8]) throws -> String {
        let text = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard !text.isEmpty else {
            throw OperationError(
                .invalid, "A secret is missing; nothing was asked of SIASN.",
                id: "Rahasia belum diisi; SIASN belum ditanya.")
        }
        return text
    }

    private static var unreadable: OperationError {
        OperationError(
            .invalid, "The secret cannot be read from the terminal.", id: "Rahasia tidak dapat dibaca dari terminal.")
    }

    private static func systemRead(_ byte: inout UInt8) -> Int {
        withUnsafeMutableBytes(of: &byte) { descriptorRead(STDIN_FILENO, $0.baseAddress, 1) }
    }
}

private func descriptorRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
