import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
import HTTPTypes

/// Does what is sent twice under one `Idempotency-Key` once (draft-ietf-httpapi-idempotency-key-header): the key is
/// taken in the very transaction that changes something, and the answer is kept beside it for a day, sealed, since it
/// may hold a link.
///
/// What failed took no key, since its transaction was undone. A gateway that stops between the change and the answer, or
/// does not learn whether a transaction was committed, leaves a key without an answer; whoever asks again is told to
/// look.
struct APIAnswers: Sendable {
    /// Longer answers are not kept.
    private static let maximumBytes = 256 * 1024

    /// One request under a key.
    struct Claim: Sendable {
        fileprivate let actor: String
        fileprivate let key: String
        fileprivate let fingerprint: String
        /// What stands in the place of the answer as long as this request has none.
        fileprivate let mark: String
        fileprivate let now: Timestamp
    }

    /// What a request was answered.
    struct Kept: Sendable {
        let status: Int
        let body: JSONValue
    }

    private let store: Store
    private let secrets: SecretKeys

    init(_ services: Services) {
        store = services.store
        secrets = services.secrets
    }

    /// The key of a request: 1 to 128 visible ASCII characters, as a quoted string or bare.
    /// - Throws: `APIProblem` 400.
    static func key(in headers: HTTPFields) throws(APIProblem) -> String? {
        let values = headers[values: idempotencyKey]
        guard let value = values.first else { return nil }
        var bytes = value.utf8[...]
        if bytes.count > 2, bytes.first == UInt8(ascii: "\""), bytes.last == UInt8(ascii: "\"") {
            bytes = bytes.dropFirst().dropLast()
        }
        guard values.count == 1, (1...128).contains(bytes.count),
            bytes.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "\"") })
        else {
            throw APIProblem.invalid(
                "Idempotency-Key is one text of 1 to 128 visible ASCII characters, such as a UUID.",
                id: "Idempotency-Key berupa satu teks 1 sampai 128 karakter ASCII, misalnya UUID.")
        }
        return String(Substring(bytes))
    }

    /// Begins a request, or finds how it was answered before.
    /// - Parameter request: all that makes it this request and no other.
    /// - Throws: `APIProblem` 409 while it runs or where its answer is lost, 422 if the key was another request's.
    func begin(_ key: String, _ request: [String], of actor: String, id: String, at now: Timestamp) async throws
        -> (claim: Claim, kept: Kept?)
    {
        let joined = JSONValue.array(request.map { .string($0) }).encoded()
        let claim = Claim(
            actor: actor, key: key, fingerprint: Base64URL.encode(SHA256.hash(joined)), mark: "request \(id)", now: now)
        guard let found = try await store.lookUp({ tx in try tx.answers.find(of: actor, key: key) }) else {
            return (claim, nil)
        }
        return (claim, try read(found, claim))
    }

    /// Takes the key, in the transaction that changes something; again in the next one of the same request.
    func take(_ claim: Claim, in tx: Transaction) throws {
        let taken = KeptAnswer(fingerprint: claim.fingerprint, answer: claim.mark)
        guard try !tx.answers.claim(taken, of: claim.actor, key: claim.key, at: claim.now) else { return }
        let found = try tx.answers.find(of: claim.actor, key: claim.key)
        guard found?.answer?.isExactly(claim.mark) == true else { throw Self.running }
    }

    /// Keeps the answer.
    func keep(_ kept: Kept, for claim: Claim) async throws {
        let json: JSONValue = ["status": .integer(Int64(kept.status)), "body": kept.body]
        let bytes = json.encoded()
        let sealed =
            bytes.count <= Self.maximumBytes
            ? try secrets.seal(String(decoding: bytes, as: UTF8.self), as: .answer, for: Self.owner(claim)) : nil
        let answer = KeptAnswer(fingerprint: claim.fingerprint, answer: sealed)
        try await store.write { tx in
            try tx.answers.keep(answer, of: claim.actor, key: claim.key, claim: claim.mark, at: claim.now)
        }
    }

    private func read(_ found: KeptAnswer, _ claim: Claim) throws -> Kept {
        guard found.fingerprint.isExactly(claim.fingerprint) else {
            throw APIProblem(
                .unprocessableContent, "key_reused",
                "This Idempotency-Key was used for another request; take a new one for each.",
                id: "Idempotency-Key ini sudah dipakai untuk permintaan lain; pakai yang baru untuk setiap permintaan.")
        }
        guard let answer = found.answer, !answer.utf8.starts(with: "request ".utf8) else { throw Self.running }
        let text = try secrets.unseal(answer, as: .answer, for: Self.owner(claim))
        guard let json = try StrictJSON.parse(Array(text.utf8)).object, let status = json["status"]?.integer,
            let body = json["body"]
        else { throw StoreError(.corrupt, "api_answers.answer is no answer") }
        return Kept(status: Int(clamping: status), body: body)
    }

    private static func owner(_ claim: Claim) -> String { "\(claim.actor) \(claim.key)" }

    private static var running: APIProblem {
        APIProblem(
            .conflict, "key_in_use",
            "A request with this Idempotency-Key is running, or was carried out without its answer being kept; look at what it was to change.",
            id:
                "Permintaan dengan Idempotency-Key ini sedang berjalan, atau sudah dijalankan tanpa jawabannya tersimpan; periksa data yang diubahnya."
        )
    }

    // "Idempotency-Key" is a token of RFC 9110, so this is never nil.
    private static let idempotencyKey = HTTPField.Name("Idempotency-Key") ?? .ifMatch
}
