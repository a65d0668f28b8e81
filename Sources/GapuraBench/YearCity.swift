import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// Ten thousand people with an account each, and the applications that they use.
struct YearCity: Sendable {
    static let people = 10_000
    private static let applications = 10

    struct Owner: Sendable {
        let id: AccountID
        let sub: String
        /// Digest of the one browser that they sign in with.
        let device: String
        let address: String
        let network: String
    }

    struct Application: Sendable {
        let id: ClientID
        let application: ApplicationID
        /// Its access tokens are rows.
        let isOpaque: Bool
        /// It pushes requests and signs assertions, each of which is noted once.
        let signs: Bool
    }

    let owners: [Owner]
    let clients: [Application]

    /// One of five applications has opaque tokens, one of five signs for itself, half of them are told of sign-outs.
    static func make(in store: Store, at now: Timestamp) async throws -> YearCity {
        let owners = (0..<people).map { index in
            Owner(
                id: .make(now: now), sub: UUIDText.version4(), device: SecureRandom.text(32),
                address: "10.9.\(index / 250).\(index % 250 + 1)", network: "10.9.\(index / 250).0/24")
        }
        let clients = (0..<applications).map { index in
            Application(
                id: ClientID("aplikasi-\(index)"), application: .make(now: now), isOpaque: index % 5 == 1,
                signs: index % 5 == 2)
        }
        try await store.write { tx in
            let rows = owners.indices.map { index in
                Person(
                    id: .make(now: now), pnsID: "pns-\(index)", name: "Orang \(index)", employeeKind: .pns,
                    createdAt: now, updatedAt: now)
            }
            try tx.people.insert(rows)
            try tx.accounts.insert(
                zip(owners, rows).map { owner, person in
                    Account(
                        id: owner.id, personID: person.id, sub: owner.sub, state: .aktif, stateBy: .personnel,
                        passwordHash: SecureRandom.text(72), passwordChangedAt: now, createdAt: now, updatedAt: now)
                })
            for (index, client) in clients.enumerated() {
                try tx.applications.insert(
                    ApplicationRecord(
                        id: client.application, slug: client.id.text, name: "Aplikasi \(index)", state: .aktif,
                        createdAt: now, updatedAt: now))
                try tx.clients.insert(
                    ClientRecord(
                        id: client.id, applicationID: client.application, state: .active,
                        secretDigest: SecureRandom.text(32), sealedSecret: nil, secretChangedAt: now, settings: "{}",
                        backchannelLogoutURI: index % 2 == 0 ? "https://aplikasi-\(index).contoh.invalid/keluar" : nil,
                        createdAt: now, updatedAt: now))
            }
        }
        return YearCity(owners: owners, clients: clients)
    }
}
