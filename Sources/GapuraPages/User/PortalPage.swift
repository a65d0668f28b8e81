import Gapura
import GapuraDirectory
import GapuraFormats
import GapuraStore
import Hummingbird

/// `/portal`: the applications this person may use, and the person's own data.
struct PortalPage: Sendable {
    private let store: Store
    private let answers: PageAnswers
    private let clients: ClientReader
    private let zone: CityZone

    init(_ gateway: Gateway) {
        store = gateway.services.store
        answers = PageAnswers(gateway.services)
        clients = gateway.clients
        zone = CityZone(gateway.services.settings.timeZone)
    }

    func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.get("/portal") { request, context in
            guard let signedIn = try await answers.browser.signedIn(request, context) else {
                return answers.redirect(to: "/masuk")
            }
            let model = try await model(for: signedIn.account, at: context.now)
            return try answers.page(.portal(model), for: request, signedInName: model.personName)
        }
    }

    /// Seconds before the end of an account from which on its owner reads of it.
    private static let warningTime: Int64 = 14 * 86_400

    private static func ending(_ account: Account, _ tx: Transaction, at now: Timestamp) throws -> PortalModel.Ending? {
        guard let end = account.lastsUntil, end.adding(seconds: -warningTime) <= now else { return nil }
        let sponsor = try account.sponsorID.flatMap { try tx.accounts.find($0) }
        let person = try sponsor?.personID.flatMap { try tx.people.find($0) }
        return PortalModel.Ending(at: end, sponsor: person?.fullName ?? sponsor?.displayName)
    }

    /// Where an application can begin a sign-in itself, that is where its tile leads: the person arrives signed in.
    private static func tiles(
        for account: Account, _ subject: AccessPolicy.Subject, starts: [ApplicationID: String], _ tx: Transaction
    ) throws -> [PortalModel.Tile] {
        let owners = try tx.applications.ownerNames()
        return try tx.applications.listTiles(for: account.id).compactMap { tile in
            guard AccessPolicy.admits(subject, rules: tile.rules),
                let address = starts[tile.application.id] ?? tile.application.url
            else { return nil }
            return PortalModel.Tile(
                name: tile.application.name, description: tile.application.description, url: address,
                agency: tile.application.ownerUnitID.flatMap { owners[$0] }, lastUsed: tile.lastUsedAt)
        }
    }

    private func model(for account: Account, at now: Timestamp) async throws -> PortalModel {
        let (zone, clients) = (zone, clients)
        return try await store.read { tx in
            let card = try account.personID.flatMap { try PersonCard.read($0, in: tx) }
            let person = PersonModel(account, card)
            let subject = card?.accessSubject ?? AccessPolicy.Subject(employeeKind: .nonASN, unitPath: nil)
            let isLimited = !account.state(at: now).mayUseApplications
            let tiles =
                try isLimited
                ? [] : Self.tiles(for: account, subject, starts: clients.startsOfSignIn(in: tx), tx)
            return PortalModel(
                personName: person.fullName, tiles: tiles, person: person, limited: isLimited,
                ending: try Self.ending(account, tx, at: now),
                zone: (zone.offsetSeconds, zone.name)
            )
        }
    }
}

/// One of the three Indonesian zones; none has daylight saving.
struct CityZone: Sendable {
    let offsetSeconds: Int
    let name: String

    init(_ identifier: String) {
        switch identifier {
        case "Asia/Makassar": (offsetSeconds, name) = (8 * 3600, "WITA")
        case "Asia/Jayapura": (offsetSeconds, name) = (9 * 3600, "WIT")
        default: (offsetSeconds, name) = (7 * 3600, "WIB")
        }
    }
}

extension PersonModel {
    /// What the city knows of whoever holds an account.
    init(_ account: Account, _ card: PersonCard?) {
        self.init(
            fullName: card?.person.fullName ?? account.displayName ?? account.userName ?? "", nip: card?.nip,
            userName: account.userName,
            employeeKind: card?.person.employeeKind.rawValue, grade: card?.person.grade, post: card?.person.postName,
            unit: card?.unit?.name,
            agency: card?.agency?.name, email: account.email ?? card?.person.email, phone: card?.person.phone
        )
    }
}
