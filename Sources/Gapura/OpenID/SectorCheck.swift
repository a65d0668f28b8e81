import GapuraFormats

/// Looks whether a `sector_identifier_uri` knows the addresses of the client that names it (OpenID Connect Registration
/// section 5). Asks another host: call it outside a transaction.
package struct SectorCheck: Sendable {
    private let outgoing: OutgoingHTTP

    package init(_ services: Services) { outgoing = services.outgoing }

    /// - Throws: `OAuthError` `invalid_client_metadata`.
    package func check(_ metadata: ClientMetadata) async throws {
        guard let uri = metadata.sectorIdentifierURI else { return }
        let answer: OutgoingHTTP.Answer
        do {
            answer = try await outgoing.get(uri)
        } catch let error as OutgoingError {
            throw Self.unusable(error.kind.rawValue)
        }
        guard answer.status == 200, let json = try? StrictJSON.parse(answer.body), let known = json.strings else {
            throw Self.unusable("no JSON array")
        }
        let addresses = Set(known.map(ExactText.init))
        guard metadata.redirectURIs.allSatisfy(addresses.contains) else { throw Self.unusable("addresses are missing") }
    }

    /// One text, whatever it was: what answers where in the city's networks is nobody's business.
    private static func unusable(_ reason: String) -> OAuthError {
        OAuthError(
            .invalidClientMetadata,
            "sector_identifier_uri has to answer with a JSON array that lists each of the redirect_uris.",
            reason: "sector_identifier_uri: \(reason)")
    }
}
