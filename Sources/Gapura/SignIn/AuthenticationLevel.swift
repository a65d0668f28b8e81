/// What `acr` and `amr` say about how somebody signed in.
package enum AuthenticationLevel {
    /// `acr` of a sign-in with a password.
    package static let password = "1"
    /// `amr` of a sign-in with a password, RFC 8176.
    package static let passwordMethods = "pwd"
}
