package import GapuraDirectory
import GapuraFormats
import GapuraTokens

/// Secrets that compute, each for one purpose: HKDF over one master file, `keys/secrets.key` (32 random bytes, mode
/// 0600).
package struct SecretKeys: Sendable {
    private static let size = 32

    /// Of the hidden field in forms.
    package let csrf: [UInt8]
    /// Of the successor of a rotated refresh token.
    package let refresh: [UInt8]
    /// Of the digests of printed codes: a stolen database alone has nothing to guess against.
    package let activation: [UInt8]
    /// Of NIKs: one key seals them, another finds them.
    package let identities: IdentityVault
    /// Of pairwise subjects: with another key everybody would be somebody else.
    package let subjects: [UInt8]
    /// Of the cursors of long lists.
    package let cursors: [UInt8]
    private let sealing: [UInt8]

    /// What is sealed: what was sealed as one thing opens as no other.
    package enum Sealed: String, Sendable {
        case clientSecret = "client secret"
        case answer
    }

    /// Loads the master, and makes it at the first start. A missing one beside signing keys is an error: a new one
    /// would open nothing that the old one sealed.
    package static func open(folder path: String) throws -> SecretKeys {
        let folder = try KeysFolder(path)
        if let master = try folder.read(KeysFolder.secret) {
            return try SecretKeys(master, folder)
        }
        return try folder.exclusively {
            let names = try folder.names()
            // Another process may have made it meanwhile.
            guard
                names.contains(KeysFolder.secret)
                    || !names.contains(where: { $0.hasSuffix(".pem") || $0.isExactly(KeysFolder.ring) })
            else {
                throw KeyringError(
                    .missing,
                    "\(folder.file(KeysFolder.secret)): missing, but there are signing keys; \(KeyringError.restore)"
                )
            }
            return try SecretKeys(try makeMaster(in: folder), folder)
        }
    }

    /// Makes the master unless it is there. Only inside `exclusively`.
    @discardableResult
    static func makeMaster(in folder: KeysFolder) throws -> [UInt8] {
        if let master = try folder.read(KeysFolder.secret) { return master }
        let master = SecureRandom.bytes(size)
        try folder.write(master, to: KeysFolder.secret)
        return master
    }

    private init(_ master: [UInt8], _ folder: KeysFolder) throws {
        guard master.count == Self.size, Set(master).count > 4 else {
            throw KeyringError(
                .damaged,
                "\(folder.file(KeysFolder.secret)): not \(Self.size) random bytes; \(KeyringError.restore)"
            )
        }
        csrf = HKDFSHA256.derive(from: master, info: "gapura csrf 1")
        refresh = HKDFSHA256.derive(from: master, info: "gapura refresh 1")
        activation = HKDFSHA256.derive(from: master, info: "gapura activation 1")
        subjects = HKDFSHA256.derive(from: master, info: "gapura subjects 1")
        cursors = HKDFSHA256.derive(from: master, info: "gapura cursor 1")
        sealing = HKDFSHA256.derive(from: master, info: "gapura seal 1")
        let identitySealing = HKDFSHA256.derive(from: master, info: "gapura identity seal 1")
        let identityFinding = HKDFSHA256.derive(from: master, info: "gapura identity lookup 1")
        identities = IdentityVault(sealing: identitySealing, finding: identityFinding)
        let keys = [csrf, refresh, activation, subjects, cursors, sealing, identitySealing, identityFinding]
        guard keys.allSatisfy({ $0.count == 32 }) else {
            throw KeyringError(.system, "OpenSSL derives no keys")
        }
    }

    /// Encrypts a secret of one owner (AES-256-GCM): what is sealed for one client opens for no other.
    package func seal(_ secret: String, as kind: Sealed = .clientSecret, for owner: String) throws -> String {
        Base64URL.encode(try AESGCM.seal(Array(secret.utf8), key: sealing, associated: Self.associated(kind, owner)))
    }

    /// The secret again; the same error whatever is wrong.
    package func unseal(_ sealed: String, as kind: Sealed = .clientSecret, for owner: String) throws -> String {
        guard let bytes = try? Base64URL.decode(sealed),
            let plain = try? AESGCM.open(bytes, key: sealing, associated: Self.associated(kind, owner)),
            let secret = String(validating: plain, as: UTF8.self)
        else { throw KeyringError(.damaged, "a sealed secret does not open: other keys, another owner, or changed") }
        return secret
    }

    private static func associated(_ kind: Sealed, _ owner: String) -> [UInt8] {
        Array("\(kind.rawValue) of \(owner)".utf8)
    }
}

extension SecretKeys: CustomStringConvertible, CustomReflectable {
    package var description: String { "•••" }
    /// Nothing of it gets into a log by way of `dump` or an interpolated owner.
    package var customMirror: Mirror { Mirror(self, children: []) }
}
