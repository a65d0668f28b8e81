import GapuraDirectory
import GapuraFormats
import GapuraStore

/// The database as one operation may use it: each transaction reads what the actor may do now and refuses what the
/// operation's policy does not allow, before anything else happens in it (attack 199).
struct GuardedStore: Sendable {
    private let store: Store
    private let actor: Actor
    private let access: Operation.Access
    private let now: Timestamp
    private let beforeWriting: @Sendable (Transaction, Authority) throws -> Void

    init(_ context: OperationContext) {
        store = context.services.store
        actor = context.actor
        access = context.access
        now = context.now
        beforeWriting = context.beforeWriting
    }

    var engine: Engine { store.engine }

    func read<Value: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> Value) async throws -> Value {
        try await read { tx, _ in try body(tx) }
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction, Authority) throws -> Value
    ) async throws -> Value {
        let guarded = self
        return try await store.read { tx in try body(tx, guarded.authority(in: tx)) }
    }

    func write<Value: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> Value) async throws -> Value {
        try await write { tx, _ in try body(tx) }
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction, Authority) throws -> Value
    ) async throws -> Value {
        let guarded = self
        return try await store.write { tx in
            try body(tx, guarded.begin(in: tx))
        }
    }

    /// What every writing transaction begins with, one that a personnel load opens itself too: the policy, and what
    /// whoever runs the operation looks at.
    /// - Throws: `DirectoryError` `forbidden`, and what `OperationContext.beforeWriting` throws.
    @discardableResult
    func begin(in tx: Transaction) throws -> Authority {
        let authority = try authority(in: tx)
        try beforeWriting(tx, authority)
        return authority
    }

    /// - Throws: `DirectoryError` `forbidden`.
    private func authority(in tx: Transaction) throws -> Authority {
        let authority = try Authority.read(of: actor, in: tx, at: now)
        switch access {
        case .console:
            switch actor {
            case .command, .system: break
            case .account, .client: throw Authority.forbidden
            }
        case .needs(let verb):
            try authority.require(verb)
            guard authority.reach == .everything else { throw Authority.forbidden }
        case .scoped(let verb):
            try authority.require(verb)
        }
        return authority
    }
}
