import GapuraFormats

/// What was wrong with a request, for whoever looks after the application: which parameter, what was sent, and what is
/// registered. A page shows it to a signed-in admin only; the log has it for each.
package struct RequestDiagnosis: Sendable, Equatable {
    package let parameter: String
    package let sent: String?
    package let registered: [String]

    /// For a line of the log: short, and without what a line cannot hold.
    var logText: String {
        let shown = sent.map { FormURLEncoded.percentEncode(String(decoding: $0.utf8.prefix(200), as: UTF8.self)) }
        return "\(parameter): sent \(shown ?? "nothing"), registered \(registered.count)"
    }
}
