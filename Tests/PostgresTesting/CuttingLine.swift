import Foundation

/// A Unix socket before a server's own that lets some bytes of its answers through and then does something else: what a
/// bad line, a dying server or a lying one look like.
package final class CuttingLine: Sendable {
    package enum End: Sendable {
        /// The line breaks.
        case breaks
        /// Nothing comes any more.
        case silence
    }

    private let listener: CInt
    package let path: String

    /// - Parameters:
    ///   - server: the server's socket; none for one that never says a word.
    ///   - limit: how many bytes of the server come through.
    package init(at path: String, to server: String?, after limit: Int, then end: End) throws {
        self.path = path
        unlink(path)
        let listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        let bound = Self.withAddress(path) { bind(listener, $0, $1) }
        guard listener >= 0, bound == 0, listen(listener, 4) == 0 else { throw POSIXError(.EADDRINUSE) }
        Thread.detachNewThread {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                Thread.detachNewThread { Self.serve(client, server, limit, end) }
            }
        }
    }

    deinit {
        shutdown(listener, CInt(SHUT_RDWR))
        close(listener)
        unlink(path)
    }

    private static func serve(_ client: CInt, _ server: String?, _ limit: Int, _ end: End) {
        defer { close(client) }
        guard let server else { return waitForEnd(of: client) }
        let upstream = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(upstream) }
        guard withAddress(server, { connect(upstream, $0, $1) }) == 0 else { return }
        var left = limit
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            var both = [
                pollfd(fd: client, events: CShort(POLLIN), revents: 0),
                pollfd(fd: upstream, events: CShort(POLLIN), revents: 0),
            ]
            guard poll(&both, 2, -1) > 0 else { return }
            if both[0].revents != 0 {
                let count = read(client, &buffer, buffer.count)
                guard count > 0, write(upstream, buffer, count) == count else { return }
            }
            if both[1].revents != 0 {
                let count = read(upstream, &buffer, min(buffer.count, left))
                guard count > 0, send(client, buffer, count, CInt(MSG_NOSIGNAL)) == count else { return }
                left -= count
                if left == 0 { return end == .silence ? waitForEnd(of: client) : () }
            }
        }
    }

    private static func waitForEnd(of client: CInt) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while read(client, &buffer, buffer.count) > 0 {}
    }

    private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            bytes.copyBytes(from: path.utf8.prefix(bytes.count - 1))
        }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
