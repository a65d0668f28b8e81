import GapuraFormats
import Testing

/// What fuzzing found; the attacks through HTTP are in `ClientAuthenticationAttackTests`.
@Suite("Basic credentials")
struct BasicCredentialsTests {
    @Test("user and password are decoded from base64 and from the form within")
    func reads() throws {
        // a%3Ab:c+d
        let credentials = try BasicCredentials("Basic YSUzQWI6Yytk")
        #expect(credentials.user == "a:b" && credentials.password == "c d")
    }

    @Test(
        "attack 68: a NUL is refused, also one written as %00",
        arguments: ["Basic YQA6eA==", "Basic YSUwMDp4", "Basic YTp4JTAw"])
    func nul(header: String) {
        #expect(throws: BasicCredentials.Problem.unreadable) { try BasicCredentials(header) }
    }

    @Test(
        "what is no Basic header", arguments: ["", "Basic", "Basic ", "Bearer YTpi", "BasicYTpiYWJj", "Basic\u{0}YTpi"])
    func otherSchemes(header: String) {
        #expect(throws: BasicCredentials.Problem.notBasic) { try BasicCredentials(header) }
    }
}
