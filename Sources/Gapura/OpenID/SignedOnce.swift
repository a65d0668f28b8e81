import GapuraFormats
import GapuraStore
import Synchronization

/// Something that its maker signed and that is good once: a client's assertion (RFC 7523 section 3), a proof of a key
/// (RFC 9449 section 4.3).
struct SignedOnce: Sendable {
    /// Seconds that it is remembered longer than it is believed: whether it is still believed is judged when the head of
    /// a request comes, and it is spent when the body is there, on a node whose clock may be another.
    private static let slack: Int64 = 300

    /// Of what makes it unique, with whose it is.
    let digest: String
    /// Until when it would be believed.
    let endsAt: Timestamp
    /// The answer where it came before.
    let seen: OAuthError

    /// - Throws: `OAuthError` where it came before.
    func spend(in tx: Transaction) throws {
        guard try see(in: tx) else { throw seen }
    }

    /// - Returns: whether it did not come before.
    fileprivate func see(in tx: Transaction) throws -> Bool {
        try tx.tokens.see(digest: digest, until: endsAt.adding(seconds: Self.slack))
    }
}

/// What is signed in one request, between being checked and being spent. It is spent in the transaction that answers
/// the request, since each transaction is a write to the disk; where none does, or that one failed, in one of its own.
final class SigningLedger: Sendable {
    private let store: Store
    private let open = Mutex<[SignedOnce]>([])

    init(_ store: Store) { self.store = store }

    /// One thing more, which has been checked.
    func add(_ signed: SignedOnce) { open.withLock { $0.append(signed) } }

    /// A transaction that answers the request.
    /// - Throws: `OAuthError` where something came before: then nothing else has happened.
    func write<Value: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> Value) async throws -> Value {
        let waiting = open.withLock { $0 }
        let value = try await store.write { tx in
            for signed in waiting { try signed.spend(in: tx) }
            return try body(tx)
        }
        open.withLock { $0.removeFirst(waiting.count) }
        return value
    }

    /// Makes an answer, and spends before it leaves, whatever it is, what no transaction has spent.
    /// - Throws: `OAuthError` where something came before, in place of the answer.
    func settling<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        let value: Value
        do {
            value = try await body()
        } catch let error as StoreError where error.isTemporary {
            // The database did nothing, and would only be asked again.
            throw error
        } catch {
            try await settle()
            throw error
        }
        try await settle()
        return value
    }

    /// Spends what is there, with what has to hold at that moment; where nothing is there, nothing is looked at.
    func spend(_ check: @escaping @Sendable (Transaction) throws -> Void) async throws {
        guard open.withLock({ !$0.isEmpty }) else { return }
        try await write(check)
    }

    private func settle() async throws {
        let waiting = open.withLock { $0 }
        guard !waiting.isEmpty else { return }
        let seen: OAuthError? = try await store.write { tx in
            // All are spent, also beside one that came before.
            var seen: OAuthError?
            for signed in waiting where try !signed.see(in: tx) { seen = seen ?? signed.seen }
            return seen
        }
        if let seen { throw seen }
    }
}
