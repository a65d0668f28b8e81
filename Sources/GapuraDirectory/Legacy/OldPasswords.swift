import CArgon2
package import GapuraFormats
package import GapuraStore
import GapuraTokens

/// The old passwords that a sign-in may be tried with, and what every failed try must cost so that nobody learns who
/// has any.
///
/// Why it is done so: `docs/decisions/0011-old-passwords-at-sign-in.md`.
package struct OldPasswords: Sendable {
    /// How many old passwords of an account are looked at, the newest first. Whoever has fewer is checked against
    /// decoys, and so are unknown names.
    package static let most = 2

    let rows: [LegacyPassword]
    /// The slowest hash that anybody here has kept; nothing if nobody has an old password.
    let heaviest: (cost: Int64, work: Int64)?
    let guesses: LegacyGuesses
    /// What a new password may not be made of.
    package let personal: [String]

    /// Nobody has an old password: a try costs what it always did.
    static let none = OldPasswords(rows: [], heaviest: nil, guesses: .none, personal: [])

    private init(
        rows: [LegacyPassword], heaviest: (cost: Int64, work: Int64)?, guesses: LegacyGuesses, personal: [String]
    ) {
        self.rows = rows
        self.heaviest = heaviest
        self.guesses = guesses
        self.personal = personal
    }

    /// - Parameter account: nothing for a name that nobody has. Who has a password of ours, or administers the gateway,
    ///   has no old one.
    package static func read(of account: Account?, in tx: Transaction, at now: Timestamp) throws -> OldPasswords {
        guard let heaviest = try tx.legacy.heaviest() else { return .none }
        guard let account, account.mayHaveOldPassword else {
            return OldPasswords(rows: [], heaviest: heaviest, guesses: .none, personal: [])
        }
        let rows = try tx.legacy.passwords(of: account.id, at: now, limit: Int64(most))
        let known = try rows.compactMap { try tx.legacy.find($0.localID, of: $0.applicationID) }
        let numbers = try account.personID.map { try tx.people.aliases(of: $0).map(\.value) } ?? []
        let name = try account.personID.flatMap { try tx.people.find($0)?.name } ?? account.displayName ?? ""
        let words = name.utf8.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
        return OldPasswords(
            rows: rows, heaviest: heaviest,
            guesses: LegacyGuesses(
                numbers: numbers + known.compactMap(\.nip),
                names: known.compactMap(\.userName) + [account.userName].compactMap { $0 }),
            personal: words + numbers + [account.userName].compactMap { $0 }
        )
    }
}

extension Account {
    /// Whoever administers the gateway never gets in by what an old application knew.
    package var mayHaveOldPassword: Bool { passwordHash == nil && role == .none }
}

extension PasswordHasher {
    /// What a password fits.
    package enum Found: Sendable {
        case own(Outcome)
        /// An old password of the account, which has none of ours.
        case old(LegacyPassword)
    }

    /// Checks a password against the account's hash, and, where that is not it, against old ones.
    ///
    /// A try that fails costs the same for everybody: one hash of ours, and then, as long as anybody here has an old
    /// password, `OldPasswords.most` times one more hash of ours and the work of the heaviest slow hash there is.
    package func verify(_ password: String, against stored: String?, or old: OldPasswords) async throws -> Found {
        try await pool.run {
            let outcome = try self.compare(password, with: stored)
            guard outcome == .wrong, let heaviest = old.heaviest else { return .own(outcome) }
            let bytes = LegacyText.bytes(password)
            let isGuess = old.guesses.holds(password)
            var found: LegacyPassword?
            for place in 0..<OldPasswords.most {
                let row = !isGuess && place < old.rows.count ? old.rows[place] : nil
                if self.fits(bytes, row, padding: heaviest), found == nil { found = row }
            }
            return found.map(Found.old) ?? .own(.wrong)
        }
    }

    /// Whether an old password is one of some guesses; on the pool's threads, with nothing evened out.
    package func fits(anyOf guesses: [String], _ row: LegacyPassword) async throws -> Bool {
        try await pool.run {
            guesses.contains { self.fits(LegacyText.bytes($0), row, padding: (0, 0)) }
        }
    }

    /// Work on other programs' slow hashes so far: for bcrypt 2^cost, for Argon2 KiB times passes.
    package var foreignComputations: Int { foreignWork.load(ordering: .relaxed) }

    private func fits(_ password: [UInt8], _ row: LegacyPassword?, padding: (cost: Int64, work: Int64)) -> Bool {
        var isRight = false
        var isCounted = false
        var (cost, work): (Int64, Int64) = (0, 0)
        if let row, let scheme = LegacyScheme(rawValue: row.scheme) {
            switch scheme.form {
            case .wrapped:
                if let text = scheme.compute(password, row.parameter), Self.isBearable(row.hash) {
                    isRight = matches(Array(text.utf8), row.hash)
                    isCounted = true
                }
            case .bcrypt:
                if let text = scheme.compute(password, row.parameter) {
                    isRight = constantTimeEquals(text.utf8, row.hash.utf8)
                    cost = row.cost
                    foreignWork.add(1 << Int(clamping: cost), ordering: .relaxed)
                }
            case .argon2:
                isRight = Self.isArgon2(row.hash, of: password, scheme)
                work = row.work
                foreignWork.add(Int(clamping: work), ordering: .relaxed)
            }
        }
        if !isCounted { _ = matches(password, decoy) }
        pad(from: cost, to: padding.cost)
        pad(work: padding.work - work)
        return isRight
    }

    /// Whether an Argon2 hash of another program, whose parameters were checked at import, is that of a password.
    static func isArgon2(_ encoded: String, of password: [UInt8], _ scheme: LegacyScheme) -> Bool {
        let kind = scheme == .argon2i ? Argon2_i : Argon2_id
        return argon2_verify(encoded, password, password.count, kind) == ARGON2_OK.rawValue
    }

    /// bcrypt's work doubles with its cost: 2^c and 2^c + 2^(c+1) + … + 2^(d-1) are together 2^d, exactly.
    private func pad(from done: Int64, to wanted: Int64) {
        guard wanted > done else { return }
        let costs = done == 0 ? wanted...wanted : done...(wanted - 1)
        for cost in costs {
            let setting = "$2y$" + (cost < 10 ? "0" : "") + "\(cost)" + "$abcdefghijklmnopqrstuu"
            _ = CryptFunction.bcrypt([0x78], setting: setting)
            foreignWork.add(1 << Int(clamping: cost), ordering: .relaxed)
        }
    }

    /// Argon2's work is memory times passes.
    private func pad(work: Int64) {
        guard work > 0 else { return }
        let passes = UInt32(clamping: (work + 65_535) / 65_536)
        let memory = UInt32(clamping: max(8, work / Int64(passes)))
        var output = [UInt8](repeating: 0, count: 32)
        let salt = [UInt8](repeating: 0x78, count: 16)
        _ = argon2id_hash_raw(passes, memory, 1, salt, salt.count, salt, salt.count, &output, output.count)
        foreignWork.add(Int(clamping: work), ordering: .relaxed)
    }
}
