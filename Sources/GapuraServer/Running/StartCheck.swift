import Gapura
import GapuraStore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What is looked at before a database is used. A disk that is not mounted, or a keys folder that is gone, must not
/// pass for a new city.
enum StartCheck {
    /// For `serve`: the gateway opens keys before the database, and makes them where there are none.
    static func beforeServing(_ settings: GatewaySettings) async throws {
        try tls(settings)
        let location = try DatabaseLocation(settings.database)
        try requireDatabase(location)
        guard !SigningKeyring.exists(folder: settings.keysFolder) else { return }
        // Rare: either nothing has been set up, or the keys are lost. Both end here.
        let store = try await Store.open(location)
        do {
            try await afterOpening(store, settings)
            await store.close()
        } catch {
            await store.close()
            throw error
        }
    }

    /// The database must be there; only `setup` and `restore` make one.
    static func requireDatabase(_ location: DatabaseLocation) throws {
        guard case .sqlite(let path) = location, !LocalFile.exists(path) else { return }
        throw OperationError(
            .unavailable,
            "There is no database at \(path); run `gapura setup` for a new city, or `gapura restore FILE`, or mount its disk.",
            id:
                "Tidak ada basis data di \(path); jalankan `gapura setup` untuk kota baru, atau `gapura restore BERKAS`, atau pasang diskanya."
        )
    }

    /// Set up, and with its keys. For `setup` itself a database that is not set up is right.
    static func afterOpening(_ store: Store, _ settings: GatewaySettings, isSetUp: Bool = false) async throws {
        guard try await store.read({ try SetUpOperation.isDone($0) }) else {
            if isSetUp { return }
            throw OperationError(
                .unavailable, "This database has not been set up; run `gapura setup` first.",
                id: "Basis data ini belum disiapkan; jalankan `gapura setup` dahulu."
            )
        }
        // New keys beside an old database would break every client with an HS secret and every token: making them is a
        // decision.
        guard SigningKeyring.exists(folder: settings.keysFolder) else {
            throw OperationError(
                .refused,
                "The keys of this gateway are missing in \(settings.keysFolder); restore that folder from its backup, or, if it is lost for good, run `gapura setup --new-keys`.",
                id:
                    "Kunci gerbang ini tidak ada di \(settings.keysFolder); pulihkan folder itu dari cadangannya, atau, jika hilang selamanya, jalankan `gapura setup --new-keys`."
            )
        }
    }

    /// The key of the certificate is closed to others, and both files can be read.
    private static func tls(_ settings: GatewaySettings) throws {
        for path in [settings.tlsCertificate, settings.tlsKey].compactMap({ $0 }) where access(path, R_OK) != 0 {
            let why = String(cString: strerror(errno))
            throw OperationError(
                .refused, "The TLS file \(path) cannot be read: \(why); correct tls_certificate and tls_key.",
                id: "Berkas TLS \(path) tidak dapat dibaca: \(why); perbaiki tls_certificate dan tls_key."
            )
        }
        var status = stat()
        guard let key = settings.tlsKey, stat(key, &status) == 0, status.st_mode & 0o077 != 0 else { return }
        throw OperationError(
            .refused, "Others can read the TLS key \(key); chmod 600 \(key)",
            id: "Pihak lain dapat membaca kunci TLS \(key); jalankan chmod 600 \(key)"
        )
    }
}
