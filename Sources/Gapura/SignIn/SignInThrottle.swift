import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Slows down guessing: by account, by address, by network. Delays grow and are bounded. A device that signed in to the
/// account before has a count of its own and waits for that one alone, so that nobody elsewhere locks an owner out
/// (attacks 151, 152, 155).
struct SignInThrottle: Sendable {
    /// How one kind of key is slowed down.
    struct Rule: Sendable {
        /// Failures that cost nothing.
        let free: Int64
        /// Seconds of the first delay; each further failure doubles it.
        let first: Int64
        let longest: Int64
        /// Seconds without failure after which everything is forgotten.
        let memory: Int64
        /// Failures in a row after which only other proof helps, for a day.
        var most = Int64.max

        func delay(after failures: Int64) -> Int64 {
            if failures >= most { return SignInThrottle.day }
            guard failures > free else { return 0 }
            return min(first << min(failures - free - 1, 20), longest)
        }
    }

    private static let day: Int64 = 86_400
    /// NIST SP 800-63B-4 section 3.2.2: no more than 100 failures in a row without other proof.
    static let account = Rule(free: 5, first: 1, longest: 300, memory: day, most: 100)
    /// A whole office may sit behind one address.
    static let address = Rule(free: 100, first: 1, longest: 60, memory: 3600)
    static let network = Rule(free: 1000, first: 1, longest: 30, memory: 3600)

    /// What one try counts against.
    struct Keys: Sendable {
        /// The account, or a name that nobody has: in its one spelling, so that both are slowed down alike (attack
        /// 149).
        let account: String
        /// With the account's own device nothing else counts.
        let device: String?
        let address: String
        let network: String

        init(account: AccountID?, knownDevice: String?, name: String, address: String) {
            self.account =
                account.map(Self.account) ?? "name:\(StoredSecret.digest(SignInName(name)?.key ?? name, of: .flow))"
            device = knownDevice.map { "device:\($0)" }
            self.address = "address:\(address)"
            network = "network:\(Self.network(of: address))"
        }

        var counts: [(key: String, rule: Rule)] {
            if let device { return [(device, SignInThrottle.account)] }
            return [(account, SignInThrottle.account)] + places
        }

        var places: [(key: String, rule: Rule)] {
            device == nil ? [(address, SignInThrottle.address), (network, SignInThrottle.network)] : []
        }

        static func account(_ id: AccountID) -> String { "account:\(id.text)" }

        /// /24 of IPv4, /64 of IPv6.
        private static func network(of text: String) -> String {
            guard let address = IPAddress(text) else { return text }
            let kept = address.bytes.count == 4 ? 3 : 8
            return address.bytes.prefix(kept).map(String.init).joined(separator: ".")
        }
    }

    /// Counts a try before it is made, in the caller's transaction, so that a hundred at once are a hundred.
    /// - Returns: nothing if the try may be made, else the seconds to wait.
    static func begin(_ keys: Keys, in tx: Transaction, at now: Timestamp) throws -> Int64? {
        var wait: Int64 = 0
        for (key, rule) in keys.counts {
            // Below the limit nothing waits: `openAt` is then only the clock of another try, maybe a few milliseconds
            // ahead of this one.
            guard let state = try tx.signIn.findThrottle(key), state.failures > rule.free, now < state.openAt else {
                continue
            }
            wait = max(
                wait,
                min((state.openAt.milliseconds - now.milliseconds + 999) / 1000, rule.delay(after: state.failures)))
        }
        if wait > 0 { return wait }
        for (key, rule) in keys.counts {
            let known = try tx.signIn.findThrottle(key)
            var failures = known?.failures ?? 0
            if let known, known.lastFailureAt.adding(seconds: rule.memory) < now { failures = 0 }
            failures += 1
            try tx.signIn.update(
                key,
                Throttle(
                    failures: failures, lastFailureAt: now, openAt: now.adding(seconds: rule.delay(after: failures)))
            )
        }
        return nil
    }

    /// A right password: the account is free again, and this try no longer counts against its address.
    static func succeed(_ keys: Keys, in tx: Transaction, at now: Timestamp) throws {
        try tx.signIn.deleteThrottle(keys.account)
        if let device = keys.device { try tx.signIn.deleteThrottle(device) }
        try takeBack(keys.places.map(\.key), in: tx, at: now)
    }

    /// A try that was counted and then not made, because the password pool was full: our own overload is nobody's
    /// failure.
    static func takeBack(_ keys: Keys, in tx: Transaction, at now: Timestamp) throws {
        try takeBack(keys.counts.map(\.key), in: tx, at: now)
    }

    /// Somebody proved by a one-time link who they are: the account, and the device they did it with, are free again.
    static func forget(_ account: AccountID, device digest: String, in tx: Transaction) throws {
        try tx.signIn.deleteThrottle(Keys.account(account))
        try tx.signIn.deleteThrottle("device:\(digest)")
    }

    private static func takeBack(_ keys: [String], in tx: Transaction, at now: Timestamp) throws {
        for key in keys {
            guard let state = try tx.signIn.findThrottle(key) else { continue }
            if state.failures <= 1 {
                try tx.signIn.deleteThrottle(key)
            } else {
                try tx.signIn.update(
                    key, Throttle(failures: state.failures - 1, lastFailureAt: state.lastFailureAt, openAt: now))
            }
        }
    }
}
