import GapuraDirectory
import GapuraStore

/// A browser in which an account signed in before, known by the random value of its device cookie.
///
/// The account is inside the digest, because several people may share one browser.
enum KnownDevice {
    static func digest(_ secret: String, of account: AccountID) -> String {
        StoredSecret.digest("\(secret).\(account.text)", of: .device)
    }

    /// The digest of a device that the account knows; nothing for a new one.
    static func find(_ secret: String?, of account: AccountID, in tx: Transaction) throws -> String? {
        guard let secret else { return nil }
        let digest = digest(secret, of: account)
        return try tx.signIn.isKnownDevice(digest: digest, of: account) ? digest : nil
    }
}
