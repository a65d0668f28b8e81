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
            throw OAuthError(
                .invalidClientMetadata, "sector_identifier_uri cannot be fetched.",
                reason: "sector_identifier_uri: \(error.kind.rawValue)")
        }
        guard answer.status == 200, let json = try? StrictJSON.parse(answer.body), let known = json.strings else {
            throw ClientMetadata.invalid("sector_identifier_uri does not answer with a JSON array of addresses.")
        }
        let addresses = Set(known.map(ExactText.init))
        guard metadata.redirectURIs.allSatisfy(addresses.contains) else {
            throw ClientMetadata.invalid("sector_identifier_uri does not list each of the redirect_uris.")
        }
    }
}
