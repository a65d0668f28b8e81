/// The seam between the two engines: a driver opens, reads, writes, locks for a migration, closes.
protocol Driver: Sendable {
    func read<Value: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> Value) async throws -> Value
    /// A read that is quicker than waking another thread.
    func lookUp<Value: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> Value) async throws -> Value
    func write<Value: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> Value) async throws -> Value
    /// Outside any transaction, on a connection that may write, while nobody else migrates.
    func exclusively<Value: Sendable>(
        _ body: @escaping @Sendable (any Connection) throws -> Value
    ) async throws -> Value
    func close() async
}

extension Driver {
    func lookUp<Value: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> Value) async throws -> Value {
        try await read(body)
    }
}

/// One closure on its way to a connection's thread and its result on the way back.
///
/// `@unchecked Sendable`: the caller makes it and hands it to a queue; from there it belongs to the one thread that
/// takes it out.
class Job: @unchecked Sendable {
    /// When it was queued, in nanoseconds of the monotonic clock.
    let queuedAt = monotonicNanoseconds()

    /// Runs the closure and keeps its result. May be called again, the last result counts.
    func run(_ connection: any Connection) throws {}
    /// Gives the caller the result. Called once, or else `fail` is.
    func succeed() {}
    func fail(_ error: any Error) {}

    /// Whether it wants the connection outside a transaction.
    var isExclusive: Bool { false }
}

final class TypedJob<Value: Sendable>: Job, @unchecked Sendable {
    private let body: (any Connection) throws -> Value
    private let continuation: UnsafeContinuation<Value, any Error>
    private var result: Value?
    private let exclusive: Bool

    init(
        exclusive: Bool,
        _ continuation: UnsafeContinuation<Value, any Error>,
        _ body: @escaping (any Connection) throws -> Value
    ) {
        self.exclusive = exclusive
        self.continuation = continuation
        self.body = body
    }

    override var isExclusive: Bool { exclusive }

    override func run(_ connection: any Connection) throws {
        result = try body(connection)
    }

    override func succeed() {
        guard let result else { return fail(StoreError(.other, "a transaction ended without having run")) }
        continuation.resume(returning: result)
    }

    override func fail(_ error: any Error) {
        continuation.resume(throwing: error)
    }
}

extension JobQueue {
    /// Queues a transaction and waits for its result.
    func transaction<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        try await withUnsafeThrowingContinuation { continuation in
            push(TypedJob(exclusive: false, continuation) { try body(Transaction(connection: $0)) })
        }
    }

    func exclusively<Value: Sendable>(
        _ body: @escaping @Sendable (any Connection) throws -> Value
    ) async throws -> Value {
        try await withUnsafeThrowingContinuation { continuation in
            push(TypedJob(exclusive: true, continuation, body))
        }
    }
}
