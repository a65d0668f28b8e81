import GapuraFormats
import GapuraTokens

/// The times in what a client signed, checked alike for assertions and request objects.
struct SignedTimes: Sendable {
    /// Seconds that clocks may differ: 8 are accepted, 60 are not (FAPI 2.0 Security Profile section 5.3.2.1).
    static let usualLeeway: Int64 = 10

    /// What is wrong, for the log.
    struct Problem: Error, Sendable { let reason: String }

    let leeway: Int64

    /// `exp` has to be there and lie ahead, no further than `maximumLifetime` seconds from now; `nbf` and `iat` may not
    /// lie ahead.
    func check(_ claims: Claims, now: Timestamp, maximumLifetime: Int64) throws(Problem) {
        let (early, late) = (now.adding(seconds: -leeway), now.adding(seconds: leeway))
        let exp = try moment(claims, "exp")
        guard let exp else { throw Problem(reason: "no exp") }
        guard exp > early else { throw Problem(reason: "expired") }
        let (nbf, iat) = (try moment(claims, "nbf"), try moment(claims, "iat"))
        for start in [nbf, iat] {
            guard let start else { continue }
            guard start <= late else { throw Problem(reason: "not valid yet") }
        }
        guard exp <= late.adding(seconds: maximumLifetime) else { throw Problem(reason: "exp is too far ahead") }
    }

    private func moment(_ claims: Claims, _ name: String) throws(Problem) -> Timestamp? {
        guard claims[name] != nil else { return nil }
        do {
            return try claims.moment(name)
        } catch {
            throw Problem(reason: "\(name) is not a moment")
        }
    }
}
