import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// Decides whether a name and a password belong together. Unknown names take the same way in the same time as known
/// ones (attack 149).
struct Authenticator: Sendable {
    enum Outcome: Sendable {
        case signedIn(Account)
        case wrong
        case wait(seconds: Int64)
        /// The password was right, and the account may not sign in.
        case mayNotSignIn(Account)
    }

    /// Longest input that is looked at: code points of a password, bytes of a name.
    static let longestName = 254

    private let store: Store
    private let passwords: PasswordHasher

    init(_ services: Services) {
        store = services.store
        passwords = services.passwords
    }

    func authenticate(
        name: String, password: String, device: String?, address: String, at now: Timestamp
    ) async throws -> Outcome {

        let (account, keys, wait): (Account?, SignInThrottle.Keys, Int64?) = try await store.write { tx in
            let account = try AccountDirectory(tx, by: .system, at: now).find(named: name)
            let known = try account.flatMap { try KnownDevice.find(device, of: $0.id, in: tx) }
            let keys = SignInThrottle.Keys(account: account?.id, knownDevice: known, name: name, address: address)
            return (account, keys, try SignInThrottle.begin(keys, in: tx, at: now))
        }
        if let wait { return .wait(seconds: wait) }
        let outcome: PasswordHasher.Outcome
        do {
            outcome = try await passwords.verify(password, against: account?.passwordHash)
        } catch let full as PasswordHasher.PasswordPoolFull {
            try await store.write { try SignInThrottle.takeBack(keys, in: $0, at: now) }
            throw full
        }
        guard outcome != .wrong, let account else { return .wrong }
        if case .rightRehashed(let hash) = outcome, let old = account.passwordHash {
            try await store.write { try $0.accounts.rehash(account.id, from: old, to: hash) }
        }
        return account.state(at: now).maySignIn ? .signedIn(account) : .mayNotSignIn(account)
    }
}
