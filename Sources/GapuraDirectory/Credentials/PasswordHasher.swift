import CArgon2
import Foundation
import GapuraFormats
import GapuraTokens
import Synchronization

/// Argon2id parameters, written into every hash so that a bigger machine can raise them.
package struct Argon2Parameters: Sendable, Equatable {
    /// KiB.
    package var memory: UInt32
    package var passes: UInt32
    package var lanes: UInt32

    package init(memory: UInt32 = 19_456, passes: UInt32 = 2, lanes: UInt32 = 1) {
        self.memory = memory
        self.passes = passes
        self.lanes = lanes
    }

    /// What a stored hash may ask of this machine at most, and so what may be set: 256 MiB, 10 passes, 16 lanes.
    package static let limit = Argon2Parameters(memory: 262_144, passes: 10, lanes: 16)
}

/// Hashes and checks passwords on threads of its own: as many as cores, with a bounded queue, never on an event loop or
/// the cooperative pool.
///
/// Beyond the queue nothing waits: `PasswordPoolFull` goes out as 503 with `Retry-After`.
package final class PasswordHasher: Sendable {
    /// The queue is full; try again shortly.
    package struct PasswordPoolFull: Error {}
    /// libargon2 said no.
    package struct HashingFailed: Error {
        package let code: Int32
    }

    /// What checking a password found.
    package enum Outcome: Sendable, Equatable {
        case wrong
        case right
        /// Right, and here is the hash with today's parameters.
        case rightRehashed(String)
    }

    package let parameters: Argon2Parameters
    /// How many hashes are computed at the same time.
    package let threads: Int
    let pool: BlockingPool
    /// A hash nobody knows the password of: unknown names are checked against it, in the same time.
    let decoy: String
    private let computed = Atomic<Int>(0)
    /// Work on hashes of other programs that were kept as they are; see `OldPasswords`.
    let foreignWork = Atomic<Int>(0)

    /// - Parameters:
    ///   - threads: concurrent hashes; cores by default.
    ///   - queue: how many may wait.
    package init(
        parameters: Argon2Parameters = Argon2Parameters(), threads: Int = ProcessInfo.processInfo.activeProcessorCount,
        queue: Int = 200
    ) throws {
        self.parameters = parameters
        self.threads = max(1, threads)
        pool = BlockingPool(name: "password", threads: threads, queue: queue)
        decoy = try Self.hash(Array(SecureRandom.text(32).utf8), with: parameters)
    }

    /// Hashes a new password.
    /// - Returns: a PHC string, `$argon2id$v=19$m=…`.
    package func hash(_ password: String) async throws -> String {
        try await pool.run { try self.computeHash(Self.prepared(password)) }
    }

    /// Checks a password against a stored hash, or against the decoy where there is none.
    package func verify(_ password: String, against stored: String?) async throws -> Outcome {
        try await pool.run { try self.compare(password, with: stored) }
    }

    /// What `verify` does on its thread: one hash, and a second one for a right password of older parameters.
    func compare(_ password: String, with stored: String?) throws -> Outcome {
        let bytes = Self.prepared(password)
        guard let stored, Self.isBearable(stored) else {
            _ = matches(bytes, decoy)
            return .wrong
        }
        guard matches(bytes, stored) else { return .wrong }
        return Self.uses(parameters, stored) ? .right : .rightRehashed(try computeHash(bytes))
    }

    /// How many hashes were computed so far, for right and wrong, known and unknown (attack 149).
    package var computations: Int { computed.load(ordering: .relaxed) }

    /// Stops the threads once what waits is done.
    package func shutdown() {
        pool.shutdown()
    }

    // MARK: libargon2

    /// NFC, so that the same password from a phone and a PC is the same bytes (RFC 8265 OpaqueString); other spaces
    /// become U+0020.
    static func prepared(_ password: String) -> [UInt8] {
        var scalars = String.UnicodeScalarView()
        for scalar in password.unicodeScalars {
            scalars.append(scalar.properties.generalCategory == .spaceSeparator ? " " : scalar)
        }
        return Array(String(scalars).precomposedStringWithCanonicalMapping.utf8)
    }

    private static func hash(_ bytes: [UInt8], with parameters: Argon2Parameters) throws -> String {
        let salt = SecureRandom.bytes(16)
        var encoded = [CChar](repeating: 0, count: 256)
        let code = argon2id_hash_encoded(
            parameters.passes, parameters.memory, parameters.lanes, bytes, bytes.count, salt, salt.count, 32, &encoded,
            encoded.count
        )
        guard code == ARGON2_OK.rawValue else { throw HashingFailed(code: code) }
        return String(decoding: encoded.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func computeHash(_ bytes: [UInt8]) throws -> String {
        computed.add(1, ordering: .relaxed)
        return try Self.hash(bytes, with: parameters)
    }

    func matches(_ bytes: [UInt8], _ encoded: String) -> Bool {
        computed.add(1, ordering: .relaxed)
        return argon2id_verify(encoded, bytes, bytes.count) == ARGON2_OK.rawValue
    }

    /// The parameters in a PHC string, read without trusting them.
    static func parameters(of encoded: String, kind: String = "argon2id") -> Argon2Parameters? {
        let parts = encoded.utf8.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: true).map {
            String(Substring($0))
        }
        guard parts.count == 5, parts[0].isExactly(kind), parts[1] == "v=19" else { return nil }
        var found: [String: UInt32] = [:]
        for pair in parts[2].utf8.split(separator: UInt8(ascii: ",")) {
            let sides = pair.split(separator: UInt8(ascii: "="))
            guard sides.count == 2, let number = UInt32(String(Substring(sides[1]))) else { return nil }
            found[String(Substring(sides[0]))] = number
        }
        guard let memory = found["m"], let passes = found["t"], let lanes = found["p"] else { return nil }
        return Argon2Parameters(memory: memory, passes: passes, lanes: lanes)
    }

    static func isBearable(_ encoded: String) -> Bool {
        guard let found = parameters(of: encoded) else { return false }
        let limit = Argon2Parameters.limit
        return found.memory <= limit.memory && found.passes <= limit.passes && found.lanes <= limit.lanes
    }

    private static func uses(_ wanted: Argon2Parameters, _ encoded: String) -> Bool {
        parameters(of: encoded) == wanted
    }
}
