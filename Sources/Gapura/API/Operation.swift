package import GapuraDirectory
package import GapuraFormats
package import GapuraStore

/// One act of administration under a name, `account.add`: what a command does, and the administration API, and later
/// the console too.
///
/// An operation takes and answers JSON, so that it runs the same in the server, behind the socket, and in a command
/// that has the database to itself.
package struct Operation: Sendable {
    package let name: String
    package let access: Access
    /// The arguments that it knows.
    package let members: [String]
    private let handler: @Sendable (OperationArguments, OperationContext) async throws -> JSONValue
    /// Of an operation that only shows one thing: how it is read, also inside the transaction that changes it.
    private let reader: Reader?

    typealias Reader = @Sendable (OperationArguments, OperationContext, Transaction, Authority) throws -> JSONObject

    /// Who may run it. There is no default: an operation without a policy does not compile (attack 191).
    package enum Access: Sendable, Equatable {
        /// Only whoever sits at the server: it reads or writes files there, or concerns the gateway itself.
        case console
        /// Whoever holds the verb for the whole city.
        case needs(Verb)
        /// Whoever holds the verb; the handler itself keeps to how far it reaches.
        case scoped(Verb)

        package var verb: Verb? {
            switch self {
            case .console: nil
            case .needs(let verb), .scoped(let verb): verb
            }
        }
    }

    /// - Parameter members: the arguments it knows; others are refused.
    init(
        _ name: String, _ members: [String], _ access: Access,
        handler: @escaping @Sendable (OperationArguments, OperationContext) async throws -> JSONValue
    ) {
        self.name = name
        self.members = members
        self.access = access
        self.handler = handler
        reader = nil
    }

    /// Shows one thing, in one transaction.
    init(showing name: String, _ members: [String], _ access: Access, reader: @escaping Reader) {
        self.name = name
        self.members = members
        self.access = access
        self.reader = reader
        handler = { arguments, context in
            try await context.store.read { tx, authority in .object(try reader(arguments, context, tx, authority)) }
        }
    }

    /// Without arguments.
    init(
        _ name: String, _ access: Access,
        handler: @escaping @Sendable (OperationArguments, OperationContext) async throws -> JSONValue
    ) {
        self.init(name, [], access, handler: handler)
    }

    /// - Throws: `OperationError`, whatever went wrong; `OperationInterruption` of `beforeWriting` as it is.
    package func run(_ arguments: JSONObject, _ context: OperationContext) async throws -> JSONValue {
        do {
            var context = context
            context.access = access
            // Who may not do it at all is told before anything is read of what was sent.
            if !context.isConsole { try await context.store.read { _ in } }
            return try await handler(OperationArguments(arguments, of: name, members), context)
        } catch let interruption as any OperationInterruption {
            throw interruption
        } catch {
            throw OperationError(error)
        }
    }
}

extension Operation {
    /// What a showing operation answers now, in a transaction that is open already.
    /// - Returns: nil of other operations.
    /// - Throws: what `run` throws, not yet as `OperationError`.
    func shown(
        _ arguments: JSONObject, _ context: OperationContext, _ tx: Transaction, _ authority: Authority
    ) throws -> JSONObject? {
        try reader?(OperationArguments(arguments, of: name, members), context, tx, authority)
    }
}

/// All operations. A new one is a line in its entity's file, and a new entity a line here.
package enum Operations {
    package static let all: [Operation] =
        SetUpOperation.all + AuthorityOperations.all + AccountOperations.all + ActivationOperations.all
        + SponsorOperations.all
        + ApplicationOperations.all + ClientOperations.all + RegistrationOperations.all
        + ConsentOperations.all
        + RoleOperations.all + GrantOperations.all
        + PersonnelOperations.all + PersonnelRefreshOperations.all + AppointmentOperations.all + ManagerOperations.all
        + UnitOperations.all
        + LegacyOperations.all + PersonOperations.all + AuditPurgeOperations.all
        + KeyOperations.all + AuditOperations.all + LogoutOperations.all + BackupOperations.all + DoctorOperations.all

    package static func find(_ name: String) throws -> Operation {
        guard let operation = all.first(where: { $0.name.isExactly(name) }) else {
            throw OperationError(
                .notFound,
                "The running gateway does not know this operation; is it an older version than this command?",
                id:
                    "Gerbang yang berjalan tidak mengenal operasi ini; mungkin versinya lebih lama daripada perintah ini."
            )
        }
        return operation
    }
}

/// Thrown by whoever runs an operation, from inside its transaction: not the operation's own failure.
package protocol OperationInterruption: Error {}

/// What goes along with one run of an operation.
package struct OperationContext: Sendable {
    package let services: Services
    package let actor: Actor
    /// Share done, from 0 to 1, and what is being done.
    package let progress: @Sendable (Double, String) -> Void
    /// Of the operation that runs; nobody but the console may do what none has named.
    fileprivate(set) var access: Operation.Access = .console
    /// What is looked at in each writing transaction after the policy: a precondition, a claim. What it throws undoes
    /// the act.
    package var beforeWriting: @Sendable (Transaction, Authority) throws -> Void = { _, _ in }

    package init(services: Services, actor: Actor, progress: @escaping @Sendable (Double, String) -> Void = { _, _ in })
    {
        self.services = services
        self.actor = actor
        self.progress = progress
    }

    /// The same under a policy, for what is no operation of its own.
    func under(_ access: Operation.Access) -> OperationContext {
        var copy = self
        copy.access = access
        return copy
    }

    /// The database, for who acts here: each transaction begins with what they may do now.
    var store: GuardedStore { GuardedStore(self) }
    var isConsole: Bool {
        if case .command = actor { return true }
        return actor == .system
    }
    var settings: GatewaySettings { services.settings }
    var now: Timestamp { services.clock.now }
}
