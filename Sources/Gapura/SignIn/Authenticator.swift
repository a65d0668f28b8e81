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
        /// An old application's password was right and is too weak to stay: the secret of a link to set another one.
        case mustSetPassword(link: String)
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

    let store: Store
    private let passwords: PasswordHasher
    private let policy: PasswordPolicy
    private let linkLifetime: Int64
    let activationKey: [UInt8]
    private let logger: Logger
    private let alarms: Counter

    init(_ services: Services, metrics: any MetricsFactory) {
        store = services.store
        passwords = services.passwords
        policy = PasswordPolicy(minimum: services.settings.passwordMinimum)
        linkLifetime = services.settings.resetLinkLifetime
        activationKey = services.secrets.activation
        logger = services.logger
        alarms = Counter(label: "gapura_sign_in_stuffing_alarms", factory: metrics)
    }

    func authenticate(
        name: String, password: String, device: String?, address: String, at now: Timestamp
    ) async throws -> Outcome {

        let (account, keys, verdict, old) = try await store.write { tx in
            let account = try AccountDirectory(tx, by: .system, at: now).find(named: name)
            // For a name that nobody has, a device of an account that never was is looked for.
            let known = try KnownDevice.find(device, of: account?.id ?? .make(now: now), in: tx)
            let keys = SignInThrottle.Keys(
                account: account?.id, knownDevice: known, name: name, address: address, at: now)
            let verdict = try SignInThrottle.begin(keys, in: tx, at: now)
            return (account, keys, verdict, try OldPasswords.read(of: account, in: tx, at: now))
        }
        let tried = Tried(keys, of: account)
        switch verdict {
        case .wait(let seconds, let isAccounts): return .wait(seconds: seconds, isAccounts ? tried : nil)
        case .go(let isAlarm): if isAlarm { ring() }
        }
        do {
            switch try await passwords.verify(password, against: account?.passwordHash, or: old) {
            case .own(let outcome): return try await finish(outcome, account, tried, at: now)
            case .old(let row): return try await takeOver(row, old, password, account, tried, at: now)
            }
        } catch let full as PasswordHasher.PasswordPoolFull {
            try await store.write { try SignInThrottle.takeBack(keys, in: $0) }
            throw full
        }
    }

    private func finish(
        _ outcome: PasswordHasher.Outcome, _ account: Account?, _ tried: Tried, at now: Timestamp
    ) async throws -> Outcome {
        guard outcome != .wrong, let account else { return .wrong(tried) }
        if case .rightRehashed(let hash) = outcome, let old = account.passwordHash {
            try await store.write { try $0.accounts.rehash(account.id, from: old, to: hash) }
        }
        return account.state(at: now).maySignIn ? .signedIn(account) : .mayNotSignIn(tried)
    }

    /// The password was one of an old application, which signs in once: it becomes the account's own, or, where it is
    /// too weak for that, its owner sets another one at once.
    private func takeOver(
        _ row: LegacyPassword, _ old: OldPasswords, _ password: String, _ account: Account?, _ tried: Tried,
        at now: Timestamp
    ) async throws -> Outcome {
        guard let account else { return .wrong(tried) }
        guard account.state(at: now).maySignIn else { return .mayNotSignIn(tried) }
        // Which rule it breaks is no matter.
        let isStrong = (try? policy.check(password, personal: old.personal)) != nil
        guard isStrong else {
            let link = try await store.write { [linkLifetime] tx in
                try AccountDirectory(tx, by: .system, at: now).linkInstead(of: row, lifetime: linkLifetime)
            }
            return link.map { .mustSetPassword(link: $0) } ?? .wrong(tried)
        }
        let hash = try await passwords.hash(password)
        let taken = try await store.write { tx in
            try AccountDirectory(tx, by: .system, at: now).adopt(row, hash: hash)
        }
        if let taken { return .signedIn(taken) }
        // Somebody was faster, most likely the same person in another window: what counts is the password of now.
        guard let latest = try await store.lookUp({ try $0.accounts.find(account.id) }), let own = latest.passwordHash
        else { return .wrong(tried) }
        return try await finish(try await passwords.verify(password, against: own), latest, tried, at: now)
    }

    /// Too many strangers failed in this hour: told once an hour, here and in the audit.
    func ring() {
        alarms.increment()
        logger.warning("sign_in.stuffing_noticed", metadata: ["failures": "\(SignInThrottle.everybody.free + 1)"])
    }
}
