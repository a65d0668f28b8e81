import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

extension City {
    /// Runs an operation as a command would.
    func operate(_ name: String, _ arguments: JSONObject = JSONObject()) async throws -> JSONValue {
        let context = OperationContext(services: gateway.gateway.services, actor: .command(user: "root"))
        return try await Operations.find(name).run(arguments, context)
    }

    /// The code of an operation that has to fail.
    func refusal(_ name: String, _ arguments: JSONObject) async -> OperationError.Code? {
        await #expect(throws: OperationError.self) { try await operate(name, arguments) }?.code
    }

    /// What the audit says of the latest event of a name.
    func latest(_ event: AuditEvent) async throws -> JSONValue {
        let record = try await gateway.store.read {
            try $0.audit.list(before: .max, event: event.rawValue, subject: nil, limit: 1).first
        }
        return try StrictJSON.parse(Array(try #require(record).detail.utf8))
    }
}
