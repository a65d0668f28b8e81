import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Slows down guessing: by account, by address, by network, and by all strangers together. Delays grow and are bounded.
/// A device that signed in to the account before has a count of its own and waits for that one alone, so that nobody
/// elsewhere locks an owner out (attacks 151, 152, 155).
///
/// Everything is counted in the database, in the transaction that looks the account up: nodes share the counts, and a
/// hundred tries at once are a hundred.
enum SignInThrottle {
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
    private static let hour: Int64 = 3600
    /// NIST SP 800-63B-4 section 3.2.2: no more than 100 failures in a row without other proof.
    static let account = Rule(free: 5, first: 1, longest: 300, memory: day, most: 100)
    /// A whole office may sit behind one address.
    static let address = Rule(free: 100, first: 1, longest: 60, memory: hour)
    static let network = Rule(free: 1000, first: 1, longest: 30, memory: hour)
    /// Tries at many accounts from many addresses, each of which stays below its own limits. Some stranger mistypes at
    /// any time, so this count would never be forgotten: each hour has a row of its own instead.
    static let everybody = Rule(free: 5000, first: 1, longest: 5, memory: hour)

    /// One row that a try counts in.
    struct Count: Sendable {
        enum Kind: Sendable {
            /// The account's, its device's, or that of a name that nobody has.
            case account
            /// An address or a network.
            case place
            case everybody
        }

        let key: String
        let rule: Rule
        let kind: Kind
    }

    /// What one try counts against.
    struct Keys: Sendable {
        /// The account, whichever of its names was typed; or a name that nobody has, in its one spelling, so that both
        /// are slowed down alike (attack 149).
        ///
        /// Who guesses at two names until they wait together has learnt that they are one account's. With a count for
        /// each name a guesser would have as many times the tries as an account has names.
        let account: String
        /// With the account's own device nothing else counts.
        let device: String?
        /// Where it came from, as `devices.network` has it.
        let origin: String
        let address: String
        let network: String
        /// Of this hour.
        let everybody: String
        /// Where a first try was let in while strangers wait: the address; of IPv6 its /48, since addresses cost
        /// nothing there.
        let newcomer: String

        init(account: AccountID?, knownDevice: String?, name: String, address: String, at now: Timestamp) {
            self.account =
                account.map(Self.account) ?? "name:\(StoredSecret.digest(SignInName(name)?.key ?? name, of: .flow))"
            device = knownDevice.map { "device:\($0)" }
            origin = IPAddress.network(of: address)
            self.address = "address:\(address)"
            network = "network:\(origin)"
            everybody = "everybody:\(now.milliseconds / (SignInThrottle.hour * 1000))"
            newcomer = "newcomer:\(IPAddress.key(of: address, four: 4, six: 6))"
        }

        var counts: [Count] {
            if let device { return [Count(key: device, rule: SignInThrottle.account, kind: .account)] }
            return [Count(key: account, rule: SignInThrottle.account, kind: .account)] + shared
        }

        /// What a try has in common with those of others.
        var shared: [Count] {
            guard device == nil else { return [] }
            return [
                Count(key: address, rule: SignInThrottle.address, kind: .place),
                Count(key: network, rule: SignInThrottle.network, kind: .place),
                Count(key: everybody, rule: SignInThrottle.everybody, kind: .everybody),
            ]
        }

        static func account(_ id: AccountID) -> String { "account:\(id.text)" }
    }

    /// Whether a try may be made.
    enum Verdict: Sendable, Equatable {
        /// - Parameter isAlarm: this try is the one too many of all strangers in this hour.
        case go(isAlarm: Bool)
        /// - Parameter account: the account's own count wants it, not only a place's or everybody's.
        case wait(seconds: Int64, account: Bool)
    }

    /// Counts a try before it is made, in the caller's transaction.
    ///
    /// While too many strangers fail, one of them is let in every few seconds; or one attacker would keep every new
    /// device of a city out, no stranger is who comes from a network from which a device of somebody's signed in, nor
    /// who comes from an address for the first time in an hour (attack 155).
    static func begin(_ keys: Keys, in tx: Transaction, at now: Timestamp) throws -> Verdict {
        var wait: Int64 = 0
        var isAccounts = false
        var isStranger = true
        var isNewcomer = false
        var rows: [(count: Count, state: Throttle?)] = []
        for count in keys.counts {
            let state = try tx.signIn.findThrottle(count.key)
            rows.append((count, state))
            if count.kind == .everybody, let state, state.failures >= count.rule.free {
                if try !tx.signIn.isKnownNetwork(keys.origin) {
                    let last = try tx.signIn.findThrottle(keys.newcomer)?.lastFailureAt
                    isNewcomer = last.map { $0.adding(seconds: hour) < now } ?? true
                    isStranger = !isNewcomer
                } else {
                    isStranger = false
                }
                if !isStranger { continue }
            }
            // Below the limit nothing waits: `openAt` is then only the clock of another try, maybe a few milliseconds
            // ahead of this one.
            guard let state, state.failures > count.rule.free, now < state.openAt else { continue }
            wait = max(
                wait,
                min(
                    (state.openAt.milliseconds - now.milliseconds + 999) / 1000, count.rule.delay(after: state.failures)
                ))
            if count.kind == .account { isAccounts = true }
        }
        if wait > 0 { return .wait(seconds: wait, account: isAccounts) }
        var isAlarm = false
        for (count, known) in rows {
            var failures = known?.failures ?? 0
            if let known, known.lastFailureAt.adding(seconds: count.rule.memory) < now { failures = 0 }
            failures += 1
            var openAt = now.adding(seconds: count.rule.delay(after: failures))
            if count.kind == .everybody {
                isAlarm = failures == count.rule.free + 1
                // Who need not wait makes no stranger wait either.
                if !isStranger, let known { openAt = known.openAt }
            }
            try tx.signIn.update(count.key, Throttle(failures: failures, lastFailureAt: now, openAt: openAt))
        }
        if isNewcomer {
            try tx.signIn.update(keys.newcomer, Throttle(failures: 1, lastFailureAt: now, openAt: now))
        }
        if isAlarm {
            try tx.record(.stuffingNoticed, by: .system, detail: ["failures": .integer(everybody.free + 1)], at: now)
        }
        return .go(isAlarm: isAlarm)
    }

    /// A right password: the account is free again, and this try no longer counts against anything else.
    static func succeed(_ keys: Keys, in tx: Transaction) throws {
        try tx.signIn.deleteThrottle(keys.account)
        if let device = keys.device { try tx.signIn.deleteThrottle(device) }
        try takeBack(keys.shared, in: tx)
        try tx.signIn.deleteThrottle(keys.newcomer)
    }

    /// A try that was counted and then not made, because the password pool was full: our own overload is nobody's
    /// failure.
    static func takeBack(_ keys: Keys, in tx: Transaction) throws {
        try takeBack(keys.counts, in: tx)
        try tx.signIn.deleteThrottle(keys.newcomer)
    }

    /// Somebody proved by a one-time link who they are: the account, and the device they did it with, are free again.
    static func forget(_ account: AccountID, device digest: String, in tx: Transaction) throws {
        try tx.signIn.deleteThrottle(Keys.account(account))
        try tx.signIn.deleteThrottle("device:\(digest)")
    }

    private static func takeBack(_ counts: [Count], in tx: Transaction) throws {
        for count in counts {
            guard var state = try tx.signIn.findThrottle(count.key) else { continue }
            let isOver = state.failures > count.rule.free
            state.failures -= 1
            if count.kind == .everybody {
                // Once over the limit it stays so for its hour, and the alarm rings once. It opens in its own time:
                // nobody holds the door for others with a password of their own.
                if isOver { state.failures = max(state.failures, count.rule.free + 1) }
            } else {
                // It was let in, so nothing was to wait for; nor is there now, for a try that began a moment before.
                state.openAt = Timestamp(milliseconds: 0)
            }
            if state.failures <= 0 {
                try tx.signIn.deleteThrottle(count.key)
            } else {
                try tx.signIn.update(count.key, state)
            }
        }
    }
}
