import GapuraFormats
import Synchronization

/// How many connections one address has open; those of trusted proxies are everybody's, and not counted.
///
/// Protects a table as large as there are connections.
final class ConnectionLimit: Sendable {
    private let most: Int
    private let proxies: TrustedProxies
    private let open = Mutex<[String: Int]>([:])

    /// - Parameter most: 0 counts none.
    init(most: Int64, proxies: TrustedProxies) {
        self.most = Int(clamping: most)
        self.proxies = proxies
    }

    /// - Returns: under which name it is counted, or nothing where it is one too many.
    func admit(_ address: String?) -> String? {
        guard most > 0, let address, !proxies.contains(address) else { return "" }
        let place = IPAddress.place(of: address)
        return open.withLock { open in
            let count = open[place, default: 0]
            guard count < most else { return nil }
            open[place] = count + 1
            return place
        }
    }

    /// It was closed.
    func release(_ place: String) {
        guard !place.isEmpty else { return }
        open.withLock { open in
            guard let count = open[place] else { return }
            open[place] = count > 1 ? count - 1 : nil
        }
    }
}
