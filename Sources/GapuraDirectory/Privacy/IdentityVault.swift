internal import GapuraFormats
package import GapuraStore
internal import GapuraTokens

/// Seals NIKs and finds them again, with two keys that live in `keys/` and never in the database.
package struct IdentityVault: Sendable, CustomStringConvertible, CustomReflectable {
    private let sealing: [UInt8]
    private let finding: [UInt8]

    /// - Parameters:
    ///   - sealing: 32 bytes, for AES-256-GCM.
    ///   - finding: 32 bytes, for HMAC-SHA256.
    package init(sealing: [UInt8], finding: [UInt8]) {
        self.sealing = sealing
        self.finding = finding
    }

    package var description: String { "•••" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// The NIK of a person as it is stored: under another person's id it does not open.
    package func seal(_ nik: NIK, of person: PersonID) throws -> String {
        Base64URL.encode(
            try AESGCM.seal(Array(nik.digits.utf8), key: sealing, associated: Self.associated(person)))
    }

    /// - Returns: nothing, whatever is wrong: other keys, another person, changed.
    package func open(_ sealed: SealedIdentity) -> NIK? {
        guard let bytes = try? Base64URL.decode(sealed.sealed),
            let plain = try? AESGCM.open(bytes, key: sealing, associated: Self.associated(sealed.personID)),
            let text = String(validating: plain, as: UTF8.self)
        else { return nil }
        // Sealed by ourselves after the same check.
        return (try? NIK.parse(text)) ?? nil
    }

    /// By what the row of a NIK is found; the digits cannot be computed from it without the key.
    package func lookup(_ nik: NIK) throws -> String {
        let code = HMACSHA256.code(Array(nik.digits.utf8), key: finding)
        guard code.count == 32 else { throw StoreError(.other, "OpenSSL computes no HMAC") }
        return Base64URL.encode(code)
    }

    private static func associated(_ person: PersonID) -> [UInt8] {
        Array("NIK of person \(person.text)".utf8)
    }
}
