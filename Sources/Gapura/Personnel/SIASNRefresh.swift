import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Asks SIASN about those who have not been answered yet, and keeps each answer as it comes.
struct SIASNRefresh {
    let client: SIASNClient
    let file: SIASNProgressFile
    let store: Store
    let report: @Sendable (Double, String) -> Void

    /// - Throws: `OperationError` with the place; the answers before are kept.
    func run(_ start: SIASNProgress) async throws -> SIASNProgress {
        var progress = start
        let count = progress.numbers.count
        let known = try await knownIDs(progress.numbers)
        for (place, number) in progress.numbers.enumerated() where progress.answers[place] == nil {
            report(Double(place) / Double(count), "siasn \(place + 1)/\(count)")
            let answer: SIASNAnswer
            do {
                answer = try await client.ask(number)
                try check(answer, number, known[number])
            } catch let problem as SIASNProblem {
                throw OperationError(problem, at: place + 1, of: count, kept: progress.answers.count)
            }
            try file.add(answer, at: place)
            progress.answers[place] = answer
        }
        return progress
    }

    /// Somebody has this number, or is who we know by it and has another one by now.
    private func check(_ answer: SIASNAnswer, _ number: String, _ pnsID: String?) throws(SIASNProblem) {
        guard case .person(let person) = answer else { return }
        if let own = person.number, own.isExactly(number) { return }
        if let own = person.pnsID, let pnsID, own.isExactly(pnsID) { return }
        throw .fault(.anotherPerson)
    }

    /// Whom the directory knows by each number today, by `pns_id`.
    private func knownIDs(_ numbers: [String]) async throws -> [String: String] {
        try await store.read { tx in
            let aliases = try tx.people.current(numbers: numbers)
            let people = Dictionary(try tx.people.list(Set(aliases.map(\.personID))).map { ($0.id, $0.pnsID) }) {
                first, _ in first
            }
            return Dictionary(
                aliases.compactMap { alias in people[alias.personID].flatMap { $0 }.map { (alias.value, $0) } }
            ) { first, _ in first }
        }
    }
}
