import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// Walks an integration and says what to do next: how the client is registered, and how it has behaved lately.
struct ClientCheck: Sendable {
    enum Level: String, Sendable {
        case ok
        /// Works, and could be better.
        case advice
        /// Does not work, or should not stay so.
        case problem
    }

    /// One point, in both languages, with the next step where there is one.
    struct Finding: Sendable {
        let point: String
        let level: Level
        let text: String
        let id: String
        var next: String?

        var json: JSONValue {
            [
                "point": .string(point), "level": .string(level.rawValue), "text": .string(text),
                "text_id": .string(id), "next": .text(next),
            ]
        }
    }

    /// What was read about the client.
    struct Facts: Sendable {
        let client: Client
        let application: ApplicationRecord?
        let habits: CodeHabits
        let logouts: LogoutOutcomes
        let lastUsedAt: Timestamp?
        /// Why its keys cannot be had, where they are elsewhere.
        let keyProblem: String?
        let now: Timestamp
    }

    private static let day: Int64 = 86_400
    private static let secretDays: Int64 = 365
    private static let silentDays: Int64 = 90

    let facts: Facts

    private var metadata: ClientMetadata { facts.client.metadata }
    private var signsIn: Bool { metadata.grantTypes.contains("authorization_code") }
    private var command: String { "gapura client update \(facts.client.id.text)" }

    var findings: [Finding] {
        [state, authentication, secretAge, keys].compactMap { $0 } + (signsIn ? people : [])
            + [contact, use].compactMap { $0 }
    }

    /// A: nothing to do. B: advice. C: something does not work, or should not stay so.
    static func grade(_ findings: [Finding]) -> String {
        if findings.contains(where: { $0.level == .problem }) { return "C" }
        return findings.contains { $0.level == .advice } ? "B" : "A"
    }

    private var people: [Finding] { [redirects, pkce, nonce, algorithm, signOut, consent, way].compactMap { $0 } }

    // MARK: Points

    private var state: Finding {
        guard facts.client.record.state == .active else {
            return Finding(
                point: "state", level: .problem, text: "The client is disabled.", id: "Klien dinonaktifkan.",
                next: "gapura client enable \(facts.client.id.text)")
        }
        guard let application = facts.application, application.state == .aktif else {
            return Finding(
                point: "state", level: .problem, text: "Its application is not active: nobody can sign in.",
                id: "Aplikasinya tidak aktif: tidak ada yang dapat masuk.",
                next: "gapura application state \(facts.application?.slug ?? "…") aktif")
        }
        return Finding(
            point: "state", level: .ok, text: "Client and application are active.", id: "Klien dan aplikasi aktif.")
    }

    private var authentication: Finding {
        let method = metadata.tokenEndpointAuthMethod
        switch method {
        case .privateKeyJWT:
            return Finding(
                point: "authentication", level: .ok, text: "It signs with a key of its own.",
                id: "Klien menandatangani dengan kuncinya sendiri.")
        case .none where metadata.isNative:
            return Finding(
                point: "authentication", level: .ok, text: "A public client, held by PKCE.",
                id: "Klien publik, dijaga oleh PKCE.")
        case .none:
            return Finding(
                point: "authentication", level: .advice,
                text: "A public client. If it runs on a server, let it keep a secret.",
                id: "Klien publik. Jika berjalan di server, beri kunci rahasia.",
                next: "\(command) --token-endpoint-auth-method client_secret_basic")
        case .basic, .clientSecretJWT:
            return Finding(
                point: "authentication", level: .ok, text: "It authenticates with a secret.",
                id: "Klien memakai kunci rahasia.")
        case .post:
            return Finding(
                point: "authentication", level: .advice,
                text: "Its secret stands in the body, where logs find it; HTTP Basic does not put it there.",
                id: "Kunci rahasianya ada di isi permintaan; HTTP Basic lebih aman.",
                next: "\(command) --token-endpoint-auth-method client_secret_basic")
        }
    }

    private var secretAge: Finding? {
        guard metadata.tokenEndpointAuthMethod.hasSecret, let changed = facts.client.record.secretChangedAt else {
            return nil
        }
        let days = (facts.now.seconds - changed.seconds) / Self.day
        guard days > Self.secretDays else {
            return Finding(
                point: "secret_age", level: .ok, text: "The secret is \(days) days old.",
                id: "Kunci rahasia berumur \(days) hari.")
        }
        return Finding(
            point: "secret_age", level: .advice, text: "The secret is \(days) days old; change it once a year.",
            id: "Kunci rahasia berumur \(days) hari; ganti setahun sekali.",
            next: "gapura client secret \(facts.client.id.text)")
    }

    private var keys: Finding? {
        guard case .uri = metadata.security.keys else { return nil }
        guard let problem = facts.keyProblem else {
            return Finding(
                point: "keys", level: .ok, text: "Its keys at jwks_uri can be read.", id: "Kunci di jwks_uri terbaca.")
        }
        return Finding(
            point: "keys", level: .problem, text: "Its keys at jwks_uri cannot be read: \(problem).",
            id: "Kunci di jwks_uri tidak terbaca: \(problem).",
            next: "Ask for the address with curl from this server; private networks need the setting outgoing_networks."
        )
    }

    private var redirects: Finding {
        let plain = metadata.redirectURIs.filter { uri in
            uri.text.utf8.starts(with: "http://".utf8) && !metadata.isNative
        }
        guard plain.isEmpty else {
            return Finding(
                point: "redirect_uris", level: .problem,
                text: "\(plain.count) redirect URIs are not https: whoever listens gets the codes.",
                id: "\(plain.count) redirect URI tanpa https: kode dapat disadap.",
                next: "\(command) --redirect-uri https://…")
        }
        return Finding(
            point: "redirect_uris", level: .ok, text: "Every redirect URI is https, or a native application's own.",
            id: "Setiap redirect URI memakai https atau milik aplikasi ponsel.")
    }

    private var pkce: Finding {
        if metadata.requiresPKCE {
            return Finding(point: "pkce", level: .ok, text: "PKCE is required.", id: "PKCE diwajibkan.")
        }
        let habits = facts.habits
        if habits.codes > 0, habits.withChallenge == habits.codes {
            return Finding(
                point: "pkce", level: .advice,
                text: "It always sends PKCE; require it, so that nobody can leave it out.",
                id: "Klien selalu memakai PKCE; wajibkan.",
                next: "echo '{\"require_pkce\":true}' | \(command) --metadata -")
        }
        return Finding(
            point: "pkce", level: .advice,
            text: "PKCE is not required; turn it on in the application's OpenID library, then require it.",
            id: "PKCE tidak diwajibkan; aktifkan di pustaka OpenID aplikasi, lalu wajibkan.",
            next: "echo '{\"require_pkce\":true}' | \(command) --metadata -")
    }

    private var nonce: Finding? {
        let habits = facts.habits
        guard habits.codes > 0 else { return nil }
        guard habits.withNonce < habits.codes else {
            return Finding(
                point: "nonce", level: .ok, text: "Its last \(habits.codes) sign-ins had a nonce.",
                id: "\(habits.codes) proses masuk terakhir memakai nonce.")
        }
        return Finding(
            point: "nonce", level: .advice,
            text:
                "\(habits.codes - habits.withNonce) of its last \(habits.codes) sign-ins had no nonce; let its library send and check one.",
            id: "\(habits.codes - habits.withNonce) dari \(habits.codes) proses masuk terakhir tanpa nonce.")
    }

    private var algorithm: Finding {
        guard metadata.idTokenAlgorithm.isSymmetric else {
            return Finding(
                point: "algorithms", level: .ok,
                text:
                    "ID tokens are \(metadata.idTokenAlgorithm.rawValue): anybody can verify, only the gateway signs.",
                id: "ID token memakai \(metadata.idTokenAlgorithm.rawValue).")
        }
        return Finding(
            point: "algorithms", level: .advice,
            text: "ID tokens are signed with the client's own secret; RS256 or ES256 lets it verify without one.",
            id: "ID token ditandatangani dengan kunci rahasia klien; RS256 atau ES256 lebih baik.",
            next: "\(command) --id-token-alg RS256")
    }

    private var signOut: Finding {
        let isTold = metadata.backchannelLogoutURI != nil || metadata.frontchannelLogoutURI != nil
        guard isTold else {
            return Finding(
                point: "sign_out", level: .advice,
                text: "It is not told when a session ends: people stay signed in there.",
                id: "Aplikasi tidak diberi tahu saat sesi berakhir.",
                next: "\(command) --backchannel-logout-uri https://…")
        }
        let outcomes = facts.logouts
        guard outcomes.failed == 0 else {
            return Finding(
                point: "sign_out", level: .problem,
                text: "\(outcomes.failed) of its last \(outcomes.failed + outcomes.answered) sign-out notices failed.",
                id:
                    "\(outcomes.failed) dari \(outcomes.failed + outcomes.answered) pemberitahuan keluar terakhir gagal.",
                next: "gapura logout list")
        }
        guard !metadata.postLogoutRedirectURIs.isEmpty else {
            return Finding(
                point: "sign_out", level: .advice,
                text: "It is told of sign-outs, and cannot start one that leads back to it.",
                id: "Aplikasi belum dapat memulai keluar yang kembali kepadanya.",
                next: "\(command) --post-logout-redirect-uri https://…")
        }
        return Finding(
            point: "sign_out", level: .ok, text: "It is told of sign-outs, and can start one.",
            id: "Aplikasi diberi tahu saat keluar dan dapat memulainya.")
    }

    private var consent: Finding? {
        guard metadata.isTrusted else { return nil }
        return Finding(
            point: "consent", level: .ok, text: "Nobody is asked: it is the city's own application.",
            id: "Tidak ada yang dimintai izin: aplikasi milik kota sendiri.")
    }

    private var way: Finding? {
        guard metadata.security.profile == .legacy else { return nil }
        return Finding(
            point: "profile", level: .advice, text: "Its profile is legacy: what is laxer for it should end one day.",
            id: "Profilnya legacy: kelonggaran ini sebaiknya diakhiri.", next: "\(command) --profile standard")
    }

    private var contact: Finding {
        guard metadata.contacts.isEmpty, facts.application?.contact?.isEmpty ?? true else {
            return Finding(point: "contact", level: .ok, text: "There is somebody to ask.", id: "Ada narahubung.")
        }
        return Finding(
            point: "contact", level: .advice, text: "Nobody is named whom to ask about it.",
            id: "Narahubung belum diisi.",
            next: "\(command) --contact …")
    }

    private var use: Finding? {
        guard signsIn else { return nil }
        guard let last = facts.lastUsedAt else {
            return Finding(
                point: "use", level: .advice, text: "Nobody has signed in there yet.", id: "Belum ada yang masuk.")
        }
        let days = (facts.now.seconds - last.seconds) / Self.day
        guard days > Self.silentDays else {
            return Finding(
                point: "use", level: .ok, text: "Last used \(days) days ago.", id: "Terakhir dipakai \(days) hari lalu."
            )
        }
        return Finding(
            point: "use", level: .advice, text: "Nobody has used it for \(days) days; does it still live?",
            id: "Tidak dipakai selama \(days) hari; masih dibutuhkan?",
            next: "gapura client disable \(facts.client.id.text)")
    }
}
