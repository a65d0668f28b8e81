package import GapuraFormats

extension Transaction {
    package var answers: KeptAnswerQueries { KeptAnswerQueries(tx: self) }
}

/// What a request with an `Idempotency-Key` was answered, so that sending it twice does it once.
package struct KeptAnswer: Sendable {
    /// SHA-256 of what was asked.
    package let fingerprint: String
    /// The request that was taken under this key, or how it was answered, sealed.
    package let answer: String?

    package init(fingerprint: String, answer: String?) {
        self.fingerprint = fingerprint
        self.answer = answer
    }
}

/// All SQL about kept answers, by who asked and under which key.
package struct KeptAnswerQueries {
    let tx: Transaction

    package func find(of actor: String, key: String) throws -> KeptAnswer? {
        try tx.first("SELECT fingerprint, answer FROM api_answers WHERE actor = \(actor) AND key = \(key)")
            .map { KeptAnswer(fingerprint: try $0.text(0), answer: try $0.optionalText(1)) }
    }

    /// Takes a key for a request.
    /// - Returns: whether it was free.
    package func claim(_ claim: KeptAnswer, of actor: String, key: String, at now: Timestamp) throws -> Bool {
        try tx.run(
            """
            INSERT INTO api_answers (actor, key, fingerprint, created_at, answer)
            VALUES (\(actor), \(key), \(claim.fingerprint), \(now), \(claim.answer)) ON CONFLICT (actor, key) DO NOTHING
            """
        ) == 1
    }

    /// Keeps an answer under a key that this request took, or that nobody has.
    package func keep(
        _ answer: KeptAnswer, of actor: String, key: String, claim: String, at now: Timestamp
    ) throws {
        try tx.run(
            """
            INSERT INTO api_answers (actor, key, fingerprint, created_at, answer)
            VALUES (\(actor), \(key), \(answer.fingerprint), \(now), \(answer.answer))
            ON CONFLICT (actor, key) DO UPDATE SET answer = \(answer.answer) WHERE api_answers.answer = \(claim)
            """
        )
    }
}
