import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
import Logging
import Metrics

/// Decides whether a name and a password belong together. Unknown names take the same way in the same time as known
/// ones (attack 149).
struct Authenticator: Sendable {
    enum Outcome: Sendable {
        case signedIn(Account)
        case wrong(Tried)
        /// With whom was tried, if it is that account or name that waits and not a place or everybody.
        case wait(seconds: Int64, Tried?)
        /// The password was right, and the account may not sign in.
        case mayNotSignIn(Tried)
    }

    /// Whose name was typed: for the audit, never for the visitor.
    struct Tried: Sendable {
        let account: AccountID?
        /// The account, or the digest of a name that nobody has. Whatever depends on who was tried depends on this, so
        /// that no more and no less is done for an unknown name.
        let key: String

        init(_ keys: SignInThrottle.Keys, of account: Account?) {
            self.account = account?.id
            key = keys.account
        }

        init(_ account: Account) {
            self.account = account.id
            key = SignInThrottle.Keys.account(account.id)
        }
    }

    /// Bytes of the longest name that is looked at.
    static let longestName = 254

    private let store: Store
    private let passwords: PasswordHasher
    private let logger: Logger
    private let alarms: Counter

    init(_ services: Services, metrics: any MetricsFactory) {
        store = services.store
        passwords = services.passwords
        logger = services.logger
        alarms = Counter(label: "gapura_sign_in_stuffing_alarms", factory: metrics)
    }

    func authenticate(
        name: String, password: String, device: String?, address: String, at now: Timestamp
    ) async throws -> Outcome {

        let (account, keys, verdict) = try await store.write { tx in
            let account = try AccountDirectory(tx, by: .system, at: now).find(named: name)
            // For a name that nobody has, a device of an account that never was is looked for.
            let known = try KnownDevice.find(device, of: account?.id ?? .make(now: now), in: tx)
            let keys = SignInThrottle.Keys(
                account: account?.id, knownDevice: known, name: name, address: address, at: now)
            return (account, keys, try SignInThrottle.begin(keys, in: tx, at: now))
        }
        let tried = Tried(keys, of: account)
        switch verdict {
        case .wait(let seconds, let isAccounts): return .wait(seconds: seconds, isAccounts ? tried : nil)
        case .go(let isAlarm): if isAlarm { ring() }
        }
        let outcome: PasswordHasher.Outcome
        do {
            outcome = try await passwords.verify(password, against: account?.passwordHash)
        } catch let full as PasswordHasher.PasswordPoolFull {
            try await store.write { try SignInThrottle.takeBack(keys, in: $0) }
            throw full
        }
        guard outcome != .wrong, let account else { return .wrong(tried) }
        if case .rightRehashed(let hash) = outcome, let old = account.passwordHash {
            try await store.write { try $0.accounts.rehash(account.id, from: old, to: hash) }
        }
        return account.state(at: now).maySignIn ? .signedIn(account) : .mayNotSignIn(tried)
    }

    /// Too many strangers failed in this hour: told once an hour, here and in the audit.
    private func ring() {
        alarms.increment()
        logger.warning("sign_in.stuffing_noticed", metadata: ["failures": "\(SignInThrottle.everybody.free + 1)"])
    }
}
