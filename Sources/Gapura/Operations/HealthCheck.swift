package import GapuraFormats
package import GapuraStore
import Synchronization

/// Whether this node can serve.
package final class HealthCheck: Sendable {
    /// One thing that is needed, and what is wrong with it (nil: nothing).
    package struct Part: Sendable, Equatable {
        package let name: String
        package let problem: String?
        package let detail: JSONObject
    }

    package struct Report: Sendable {
        package let parts: [Part]
        package var isReady: Bool { parts.allSatisfy { $0.problem == nil } }

        /// For the second address only: reasons tell an attacker where to push.
        package var jsonValue: JSONValue {
            var checks = JSONObject()
            for part in parts {
                var check: JSONObject = ["ok": .bool(part.problem == nil)]
                check["problem"] = part.problem.map { .string($0) }
                for member in part.detail.members { check[member.key] = member.value }
                checks[part.name] = .object(check)
            }
            return ["status": isReady ? "ok" : "unavailable", "checks": .object(checks)]
        }
    }

    private let store: Store
    private let keyring: SigningKeyring
    private let draining = Atomic<Bool>(false)

    package init(store: Store, keyring: SigningKeyring) {
        self.store = store
        self.keyring = keyring
    }

    /// From now on this node is not ready: the load balancer sends nobody new while requests under way are finished.
    package func beginDraining() {
        draining.store(true, ordering: .relaxed)
    }

    package func report() async -> Report {
        Report(parts: [await database(), keys(), shutdown()])
    }

    private func database() async -> Part {
        let engine: JSONObject = ["engine": .string("\(store.engine)")]
        do {
            // The smallest read there is; its limits on waiting are the store's.
            _ = try await store.read { try $0.upkeep.meta("health") }
            return Part(name: "database", problem: nil, detail: engine)
        } catch {
            return Part(name: "database", problem: "\(error)", detail: engine)
        }
    }

    private func keys() -> Part {
        let algorithms = keyring.algorithms
        return Part(
            name: "keys", problem: algorithms.isEmpty ? "no active signing key" : nil,
            detail: ["algorithms": .array(algorithms.map { .string($0.rawValue) })]
        )
    }

    private func shutdown() -> Part {
        Part(name: "shutdown", problem: draining.load(ordering: .relaxed) ? "shutting down" : nil, detail: [:])
    }
}
