import GapuraFormats
import GapuraTokens

/// Why the keys of one algorithm did not rotate.
struct RotationFailure: Sendable {
    let algorithm: SigningAlgorithm
    let error: any Error

    /// Verifiers may not know its next key yet: nothing to mend, and nothing lost by waiting.
    var isEarly: Bool { (error as? KeyringError)?.kind == .early }
}

extension SigningKeyring {
    /// Rotates algorithms one by one, for the job and for the command: what fails for one leaves the others alone, and
    /// whoever asks again tries again.
    ///
    /// - Parameter record: writes the audit row of one. It comes first, without it there is no rotation; but after what
    ///   may fail, so that a full disk does not write a row each time it is tried.
    /// - Returns: those that were not rotated.
    func rotate(
        _ algorithms: [SigningAlgorithm], now: Timestamp, record: (SigningAlgorithm) async throws -> Void
    ) async -> [RotationFailure] {
        var failures: [RotationFailure] = []
        for algorithm in algorithms {
            do {
                try await prepareRotation(algorithm, now: now)
                try await record(algorithm)
                try await rotate(algorithm, now: now)
            } catch {
                failures.append(RotationFailure(algorithm: algorithm, error: error))
            }
        }
        return failures
    }
}
