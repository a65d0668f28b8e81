/// What `acr` and `amr` say about how somebody signed in.
package enum AuthenticationLevel {
    /// `acr` of a sign-in with a password.
    package static let password = "1"
    /// Every `acr` that a sign-in can have, the weakest first.
    package static let all = [password]

    /// Whether some sign-in is enough for an `acr` that an application insists on; without values any is.
    static func canReach(_ level: RequestedClaims.Level) -> Bool {
        !level.isEssential || level.values.isEmpty
            || all.contains { name in level.values.contains { $0.isExactly(name) } }
    }

    /// `amr` of a sign-in with a password, RFC 8176.
    package static let passwordMethods = "pwd"
}
