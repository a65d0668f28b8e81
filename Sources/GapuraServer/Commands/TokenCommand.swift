import ArgumentParser
import Gapura
import GapuraFormats
import GapuraTokens

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Looks into tokens and checks them.", subcommands: [Inspect.self, Verify.self]
    )

    struct Inspect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what a token says, without believing it.",
            discussion: """
                Give tokens on the standard input, so that they do not stay in the shell's history.

                  gapura token inspect - < token.txt
                """
        )

        @Argument(help: "The token, or - for the standard input.") var token = "-"
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let parts = try TokenText.read(token).utf8.split(
                separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            guard parts.count == 3, let header = TokenText.object(parts[0]), let claims = TokenText.object(parts[1])
            else {
                throw OperationError(
                    .invalid, "This is not a signed token (JWS in compact form).",
                    id: "Ini bukan token bertanda tangan (JWS ringkas).")
            }
            if output.json {
                return Console.json(["header": .object(header), "claims": .object(claims), "verified": false])
            }
            Console.error("Not verified: anybody could have written this.")
            TokenText.show("header", header)
            TokenText.show("claims", claims)
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks a token as an application does.",
            discussion: """
                Keys come from --jwks, else from the metadata of --issuer. What is not given is not checked, and the answer says so.

                  gapura token verify - --issuer https://masuk.kota-contoh.go.id --audience e-absensi < token.txt
                  gapura token verify - --jwks jwks.json < token.txt
                """
        )

        @Argument(help: "The token, or - for the standard input.") var token = "-"
        @Option(help: ArgumentHelp("Key set: a file, or a URL (https, or this machine).", valueName: "file or URL"))
        var jwks: String?
        @Option(help: "iss must be this.") var issuer: String?
        @Option(help: "aud must name this.") var audience: String?
        @Option(help: "typ must be this: at+jwt, JWT, logout+jwt.") var type: String?
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard jwks != nil || issuer != nil else { throw ValidationError("Give --jwks, or --issuer.") }
        }

        func run() async throws {
            let text = try TokenText.read(token)
            let verified: VerifiedToken
            do {
                let jws = try JWS(text)
                let unverified = try Claims(json: jws.unverifiedPayload())
                var expectations = TokenExpectations(
                    issuer: issuer ?? unverified.iss ?? "", audiences: audience.map { [$0] } ?? unverified.aud,
                    types: [type.map { TokenType($0) } ?? jws.type]
                )
                expectations.allowsOtherAudiences = true
                verified = try TokenVerifier(expectations, keys: .set(try await keys())).verify(text)
            } catch let error as TokenError {
                throw OperationError(
                    error.code == .keysUnavailable ? .unavailable : .refused,
                    "The token is not accepted: \(error.description).",
                    id: "Token tidak diterima: \(error.description)."
                )
            }
            let unchecked = [("iss", issuer), ("aud", audience), ("typ", type)].filter { $0.1 == nil }.map(\.0)
            if output.json {
                return Console.json([
                    "verified": true, "header": .object(verified.header), "claims": .object(verified.claims.object),
                    "unchecked": .array(unchecked.map { .string($0) }),
                ])
            }
            Console.line("Sah / valid: \(verified.algorithm.rawValue), key \(TerminalText.plain(verified.kid ?? "-"))")
            if !unchecked.isEmpty {
                Console.error("Not checked, since not given: \(unchecked.joined(separator: ", "))")
            }
            TokenText.show("claims", verified.claims.object)
        }

        private func keys() async throws -> JSONWebKeySet {
            do {
                if let jwks, !jwks.utf8.starts(with: "http".utf8) {
                    return try JSONWebKeySet(json: LocalFile.read(jwks))
                }
                let fetcher = JWKSFetcher.urlSession()
                let url: String
                if let jwks {
                    url = jwks
                } else {
                    let metadata = try await fetcher.fetch("\(issuer ?? "")/.well-known/openid-configuration")
                    guard let uri = try StrictJSON.parse(metadata)["jwks_uri"]?.string else {
                        throw JWKSFetcher.Failure("the metadata names no jwks_uri")
                    }
                    url = uri
                }
                return try JSONWebKeySet(json: try await fetcher.fetch(url))
            } catch let error as OperationError {
                throw error
            } catch {
                throw OperationError(
                    .unavailable, "The keys cannot be had: \(error). Check the address, or give a file with --jwks.",
                    id: "Kunci tidak dapat diambil: \(error). Periksa alamatnya, atau berikan berkas dengan --jwks."
                )
            }
        }
    }
}

/// Tokens on their way from the command line to the terminal.
private enum TokenText {
    /// The token without white space around it.
    static func read(_ argument: String) throws -> String {
        let bytes = argument == "-" ? try LocalFile.read("-", limit: 1 << 20) : Array(argument.utf8)
        let isSpace: (UInt8) -> Bool = { [0x20, 0x09, 0x0a, 0x0d].contains($0) }
        var text = Array(bytes.drop(while: isSpace))
        while let last = text.last, isSpace(last) { text.removeLast() }
        return String(decoding: text, as: UTF8.self)
    }

    static func object(_ part: Substring.UTF8View) -> JSONObject? {
        // Whatever is wrong with it, it is no token.
        guard let json = try? Base64URL.decode(Array(part)) else { return nil }
        return (try? StrictJSON.parse(json))?.object
    }

    static func show(_ title: String, _ object: JSONObject) {
        Console.line("\(title):")
        for (key, value) in object.members {
            var line = "  \(TerminalText.plain(key)): \(TerminalText.of(value))"
            if ["exp", "iat", "nbf", "auth_time"].contains(key), let seconds = value.integer {
                line += "  (\(TimeText.iso8601(Timestamp(seconds: seconds))))"
            }
            Console.line(line)
        }
    }
}
