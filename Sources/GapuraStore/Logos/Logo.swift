package import GapuraFormats

/// The picture of a client, as it was when it was fetched.
package struct ClientLogo: Sendable, Equatable {
    /// Where it was fetched from: `logo_uri`.
    package var uri: String
    /// Base64url of SHA-256 of the bytes: its name in addresses.
    package var digest: String
    package var mediaType: String
    package var bytes: [UInt8]

    package init(uri: String, digest: String, mediaType: String, bytes: [UInt8]) {
        self.uri = uri
        self.digest = digest
        self.mediaType = mediaType
        self.bytes = bytes
    }
}

extension Transaction {
    package var logos: LogoQueries { LogoQueries(tx: self) }
}

/// All SQL about `logos`.
package struct LogoQueries {
    let tx: Transaction

    /// Sets the picture of a client, or takes it away.
    package func set(_ logo: ClientLogo?, of client: ClientID, at moment: Timestamp) throws {
        guard let logo else {
            try tx.run("DELETE FROM logos WHERE client_id = \(client)")
            return
        }
        try tx.run(
            """
            INSERT INTO logos (client_id, uri, digest, media_type, data, fetched_at)
            VALUES (\(client), \(logo.uri), \(logo.digest), \(logo.mediaType), \(Base64URL.encode(logo.bytes)), \(moment))
            ON CONFLICT (client_id) DO UPDATE SET uri = excluded.uri, digest = excluded.digest,
            media_type = excluded.media_type, data = excluded.data, fetched_at = excluded.fetched_at
            """)
    }

    /// The name of a client's picture.
    package func digest(of client: ClientID) throws -> String? {
        try tx.first("SELECT digest FROM logos WHERE client_id = \(client)")?.text(0)
    }

    package func find(digest: String) throws -> ClientLogo? {
        try tx.first("SELECT uri, digest, media_type, data FROM logos WHERE digest = \(digest) LIMIT 1").map { row in
            guard let bytes = try? Base64URL.decode(try row.text(3)) else { throw StoreError.unreadable("logos.data") }
            return ClientLogo(
                uri: try row.text(0), digest: try row.text(1), mediaType: try row.text(2), bytes: bytes)
        }
    }
}
