import GapuraDirectory
import GapuraFormats

/// Asks SIASN about one person after the other, with its two tokens: that of the API manager, which it fetches itself
/// and keeps until shortly before it expires, and the operator's.
///
/// An actor, because the token and the pace belong to all calls together: one call at a time, a second and a little
/// between them.
actor SIASNClient {
    /// A person's data is a few kilobytes.
    private static let maximumBytes = 262_144
    /// A token that will not last this long is fetched anew.
    private static let margin: Int64 = 60
    /// Where the answer does not say how long it lasts.
    private static let usualLifetime: Int64 = 3600

    private let access: SIASNAccess
    private let outgoing: OutgoingHTTP
    private let timeout: Double
    private let pace: SIASNPace
    private let clock: WallClock
    private var token: (secret: SIASNSecret, until: Timestamp)?
    private var hasCalled = false

    init(_ access: SIASNAccess, outgoing: OutgoingHTTP, timeout: Double, pace: SIASNPace, clock: WallClock) {
        self.access = access
        self.outgoing = outgoing
        self.timeout = timeout
        self.pace = pace
        self.clock = clock
    }

    /// - Parameter number: eighteen digits.
    /// - Throws: `SIASNProblem`
    func ask(_ number: String) async throws -> SIASNAnswer {
        do {
            return try await answer(number)
        } catch SIASNProblem.fault(.unauthorised) {
            // The token may have been taken back before its time: once more with a new one.
            token = nil
        }
        do {
            return try await answer(number)
        } catch SIASNProblem.fault(.unauthorised) {
            // The one is new, so it is the other.
            token = nil
            throw SIASNProblem.operatorTokenOver
        }
    }

    private func answer(_ number: String) async throws -> SIASNAnswer {
        let apim = try await apimToken()
        let answer = try await call {
            try await $0.outgoing.get(
                "\($0.access.dataURL)/pns/data-utama/\(number)",
                headers: [
                    ("authorization", "Bearer \(apim.text)"), ("auth", "bearer \($0.access.operatorToken.text)"),
                ], timeout: $0.timeout, maximumBytes: Self.maximumBytes)
        }
        do {
            return try SIASNAnswer(status: answer.status, body: answer.body)
        } catch {
            throw SIASNProblem.fault(error)
        }
    }

    /// Client credentials, RFC 6749 section 4.4.
    private func apimToken() async throws -> SIASNSecret {
        if let token, clock.now.adding(seconds: Self.margin) < token.until { return token.secret }
        let answer = try await call {
            try await $0.outgoing.post(
                $0.access.tokenURL, form: [("grant_type", "client_credentials")],
                headers: [("authorization", $0.access.basic)], timeout: $0.timeout)
        }
        switch answer.status {
        case 200: break
        case 400, 401, 403: throw SIASNProblem.consumerRefused(answer.status)
        default: throw SIASNProblem.tokenFault(.status(answer.status, code: nil))
        }
        guard let json = (try? StrictJSON.parse(answer.body))?.object, let text = json["access_token"]?.string,
            let secret = try? SIASNSecret(text, "access_token")
        else { throw SIASNProblem.tokenFault(.unreadable) }
        let lifetime = json["expires_in"]?.integer ?? json["expires_in"]?.string.flatMap { Int64($0) }
        let seconds = min(max(lifetime ?? Self.usualLifetime, 0), 86_400)
        token = (secret, clock.now.adding(seconds: seconds))
        return secret
    }

    private func call(
        _ body: (isolated SIASNClient) async throws -> OutgoingHTTP.Answer
    ) async throws -> OutgoingHTTP.Answer {
        if hasCalled { try await pace.wait() }
        hasCalled = true
        do {
            return try await body(self)
        } catch let error as OutgoingError {
            try Task.checkCancellation()
            throw SIASNProblem.line(error)
        }
    }
}

/// How slowly SIASN is asked. No limit of it is documented, so this is ours: one call a second, and never on the beat.
struct SIASNPace: Sendable {
    let wait: @Sendable () async throws -> Void

    static let usual = SIASNPace {
        try await Task.sleep(for: .milliseconds(1000 + Int.random(in: 0...400)))
    }

    /// That of operations; tests do not wait.
    @TaskLocal static var current = usual
}
