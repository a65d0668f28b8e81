import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Slows down guessing: by account, by address, by network. Delays grow and are bounded, and a device that signed in before does not wait, so that nobody
/// locks an owner out for long (attacks 151, 152, 155).
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
    }

    static let account = Rule(free: 5, first: 1, longest: 300, memory: 86_400)
    /// A whole office may sit behind one address.
    static let address = Rule(free: 100, first: 1, longest: 60, memory: 3600)
    static let network = Rule(free: 1000, first: 1, longest: 30, memory: 3600)
    /// NIST SP 800-63B-4 section 3.2.2: no more than 100 failures in a row without other proof.
    static let most: Int64 = 100

    struct Keys: Sendable {
        let account: String
        let address: String
        let network: String

        init(account: AccountID?, name: String, address: String) {
            self.account = account.map { "account:\($0.text)" } ?? "name:\(StoredSecret.digest(name, of: .flow))"
            self.address = "address:\(address)"
            network = "network:\(Self.network(of: address))"
        }

        /// /24 of IPv4, /64 of IPv6.
        private static func network(of text: String) -> String {
            guard let address = IPAddress(text) else { return text }
            let kept = address.bytes.count == 4 ? 3 : 8
            return address.bytes.prefix(kept).map(String.init).joined(separator: ".")
        }
    }

    /// Counts a try before it is made, in the caller's transaction, so that a hundred at once are a hundred.
    /// - Returns: nothing if the try may be made, else the seconds to wait.
    static func begin(_ keys: Keys, isKnownDevice: Bool, in tx: Transaction, at now: Timestamp) throws -> Int64? {
        var wait: Int64 = 0
        for (key, rule, isAccount) in [(keys.account, account, true), (keys.address, address, false), (keys.network, network, false)] {
            if isAccount, isKnownDevice { continue }
            // Below the limit nothing waits: `openAt` is then only the clock of another try, maybe a few milliseconds ahead of this one.
            guard let state = try tx.signIn.findThrottle(key), state.failures > rule.free, now < state.openAt else { continue }
            wait = max(wait, min((state.openAt.milliseconds - now.milliseconds + 999) / 1000, isAccount ? 86_400 : rule.longest))
        }
        if wait > 0 { return wait }
        for (key, rule, isAccount) in [(keys.account, account, true), (keys.address, address, false), (keys.network, network, false)] {
            let known = try tx.signIn.findThrottle(key)
            var failures = known?.failures ?? 0
            if let known, known.lastFailureAt.adding(seconds: rule.memory) < now { failures = 0 }
            failures += 1
            try tx.signIn.update(
                key, Throttle(failures: failures, lastFailureAt: now, openAt: now.adding(seconds: delay(after: failures, rule, isAccount)))
            )
        }
        return nil
    }

    /// A right password: the account is free again, and this try no longer counts against its address.
    static func succeed(_ keys: Keys, in tx: Transaction, at now: Timestamp) throws {
        try tx.signIn.deleteThrottle(keys.account)
        for key in [keys.address, keys.network] {
            guard let state = try tx.signIn.findThrottle(key) else { continue }
            if state.failures <= 1 {
                try tx.signIn.deleteThrottle(key)
            } else {
                try tx.signIn.update(key, Throttle(failures: state.failures - 1, lastFailureAt: state.lastFailureAt, openAt: now))
            }
        }
    }

    static func delay(after failures: Int64, _ rule: Rule, _ isAccount: Bool) -> Int64 {
        if isAccount, failures >= most { return 86_400 }
        guard failures > rule.free else { return 0 }
        let doublings = min(failures - rule.free - 1, 20)
        return min(rule.first << doublings, rule.longest)
    }
}
