import GapuraDirectory
import GapuraFormats
import GapuraStore

extension Authenticator {
    /// What a name and a printed code are worth together.
    enum Activation: Sendable {
        /// The secret of a link that sets the first password.
        case right(link: String)
        /// Whatever is wrong: code, name, or an account that has a password or may not sign in.
        case wrong(Tried)
        case wait(seconds: Int64, Tried?)
    }

    /// Counts the try against the same rows as a password would be, so that guessing at codes is no second way in, and
    /// compares in the same transaction: what is computed is one HMAC, known name or not.
    func activate(
        name: String, code: ActivationCode, device: String?, address: String, at now: Timestamp
    ) async throws -> Activation {
        let key = activationKey
        let (outcome, isAlarm) = try await store.write { tx -> (Activation, Bool) in
            let directory = AccountDirectory(tx, by: .system, at: now)
            let account = try directory.find(named: name)
            // For a name that nobody has, a device and a code of an account that never was are looked for.
            let id = account?.id ?? .make(now: now)
            let known = try KnownDevice.find(device, of: id, in: tx)
            let keys = SignInThrottle.Keys(
                account: account?.id, knownDevice: known, name: name, address: address, at: now)
            let tried = Tried(keys, of: account)
            switch try SignInThrottle.begin(keys, in: tx, at: now) {
            case .wait(let seconds, let isAccounts): return (.wait(seconds: seconds, isAccounts ? tried : nil), false)
            case .go(let isAlarm):
                guard let link = try directory.activate(account, id, code: code, key: key) else {
                    return (.wrong(tried), isAlarm)
                }
                try SignInThrottle.succeed(keys, in: tx)
                return (.right(link: link), isAlarm)
            }
        }
        if isAlarm { ring() }
        return outcome
    }
}
