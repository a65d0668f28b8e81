import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTabular

/// People and units for SCIM. What is read comes from the database; whatever changes is a load of some people like any
/// other: judged, bounded, recorded, and taken back like one.
struct SCIMDirectory: Sendable {
    let context: OperationContext
    let client: ClientID
    let base: String

    /// A list of resources, as asked for.
    struct Query: Sendable {
        var filter: SCIMFilter?
        /// From 1.
        var startIndex: Int64 = 1
        var count: Int64 = 100
    }

    /// One page.
    struct Page: Sendable {
        let total: Int64
        let resources: [JSONObject]
    }

    private var reading: OperationContext { context.under(.needs(.peopleRead)) }
    private var writing: OperationContext { context.under(.needs(.loadsRun)) }
    private var calendar: CityCalendar { CityCalendar(timeZone: context.settings.timeZone) }

    // MARK: People, read

    func users(_ query: Query) async throws -> Page {
        let directory = self
        return try await reading.store.read { tx in
            let users = try directory.users(tx)
            let total = try tx.provisioned.countPeople(query.filter, of: directory.client)
            let found =
                query.count == 0
                ? []
                : try tx.provisioned.people(
                    query.filter, of: directory.client, from: query.startIndex - 1, limit: query.count)
            let retirements = try Self.retirements(of: found.map(\.person.id), tx)
            return Page(
                total: total,
                resources: found.map { users.resource($0, retiresAt: retirements[$0.person.id]) })
        }
    }

    func user(_ id: String) async throws -> JSONObject {
        let directory = self
        return try await reading.store.read { tx in try directory.user(id, tx) }
    }

    private func user(_ id: String, _ tx: Transaction) throws -> JSONObject {
        guard let id = PersonID(id), let known = try tx.provisioned.person(id, of: client) else {
            throw SCIMProblem.unknown
        }
        return try users(tx).resource(known, retiresAt: Self.retirements(of: [id], tx)[id])
    }

    func users(_ tx: Transaction) throws -> SCIMUser {
        SCIMUser(base: base, calendar: calendar, governmentIDs: try PersonnelGovernments.read(tx))
    }

    private static func retirements(of people: [PersonID], _ tx: Transaction) throws -> [PersonID: Timestamp] {
        let open = try tx.schedule.listOpen(of: people).filter { $0.kind == .retired && $0.state == .waiting }
        return Dictionary(open.map { ($0.personID, $0.validFrom) }) { first, _ in first }
    }

    // MARK: People, written

    func addUser(_ resource: JSONObject) async throws -> JSONObject {
        let wish = try await reading.store.read { [self] tx in try users(tx).wish(resource) }
        guard wish.active ?? true else { throw Self.activeFollows }
        let client = client
        try await load(
            [wish],
            before: { tx in
                guard try tx.people.find(pnsID: wish.pnsID) == nil else {
                    throw SCIMProblem(
                        .conflict, .uniqueness, "Somebody with that pnsId is there already; change them instead.")
                }
                try Self.checkExternalID(wish.externalID, besides: nil, .person, client, tx)
            },
            after: { tx in
                guard let person = try tx.people.find(pnsID: wish.pnsID) else { return }
                try tx.externalIDs.set(wish.externalID, .person, person.id.text, of: client)
            })
        let id = try await reading.store.read { tx in try tx.people.find(pnsID: wish.pnsID)?.id }
        guard let id else { throw SCIMProblem.unknown }
        return try await user(id.text)
    }

    /// Makes somebody what a resource says.
    /// - Parameter condition: `If-Match`, looked at in the transaction that changes.
    func replaceUser(_ id: String, _ resource: JSONObject, if condition: String?) async throws -> JSONObject {
        try await change(id, if: condition) { _ in resource }
    }

    func patchUser(_ id: String, _ patch: SCIMPatch, if condition: String?) async throws -> JSONObject {
        try await change(id, if: condition) { known in
            try SCIMUser.withoutOldStatusName(patch.apply(to: known, of: .user), known)
        }
    }

    private func change(
        _ id: String, if condition: String?, _ body: @escaping @Sendable (JSONObject) throws -> JSONObject
    ) async throws -> JSONObject {
        guard let personID = PersonID(id) else { throw SCIMProblem.unknown }
        let client = client
        return try await patiently {
            let before = try await user(id)
            // What a patch makes of it is computed while no transaction waits for it.
            let wanted = try body(before)
            let (wish, isSame) = try await reading.store.read { [self] tx in
                let wish = try users(tx).wish(wanted)
                try Self.check(wish, wanted, before)
                let same = try users(tx).wish(before)
                return (wish, same.row == wish.row && same.externalID == wish.externalID)
            }
            let version = before["meta"]?["version"]?.string
            if let condition, !SCIMMeta.isNamed(version, in: condition) { throw SCIMProblem.changed }
            if isSame { return before }
            try await load(
                [wish],
                before: { [self] tx in
                    // What was read is what is changed.
                    guard try user(id, tx)["meta"]?["version"]?.string == version else {
                        throw condition == nil ? MovedOn() : SCIMProblem.changed
                    }
                    try Self.checkExternalID(wish.externalID, besides: id, .person, client, tx)
                },
                after: { tx in
                    try tx.externalIDs.set(wish.externalID, .person, personID.text, of: client)
                })
            return try await user(id)
        }
    }

    /// Somebody changed meanwhile what a request without a version is about to change: it begins again. Who said a
    /// version is told to read again.
    private struct MovedOn: Error {}

    private func patiently(_ body: () async throws -> JSONObject) async throws -> JSONObject {
        for _ in 1...Self.tries {
            do { return try await body() } catch is MovedOn { continue }
        }
        throw PersonnelRefusal.outdated
    }

    private static func check(_ wish: SCIMUser.Wish, _ wanted: JSONObject, _ before: JSONObject) throws {
        let own = before[SCIMResourceType.pegawaiID]
        guard own?["pnsId"]?.string?.isExactly(wish.pnsID) ?? false else {
            throw SCIMProblem(.mutability, "pnsId cannot change: another one is somebody else.")
        }
        if let id = wanted.member("id")?.string, before["id"]?.string != id {
            throw SCIMProblem(.mutability, "id cannot change.")
        }
        guard let active = wish.active, before["active"]?.bool != active else { return }
        let status = wanted.member(SCIMResourceType.pegawaiID)?.object?.member("status")?.string
        guard status != own?["status"]?.string else { throw Self.activeFollows }
    }

    private static var activeFollows: SCIMProblem {
        SCIMProblem(
            .invalidValue,
            "active follows \(SCIMResourceType.pegawaiID):status (kedudukan_hukum_id); send the status that they have now."
        )
    }

    // MARK: Loads

    private static let tries = 5

    /// Applies wishes as one load; tries again where another load was in between.
    private func load(
        _ wishes: [SCIMUser.Wish], before: @escaping @Sendable (Transaction) throws -> Void,
        after: @escaping @Sendable (Transaction) throws -> Void
    ) async throws {
        try await writing.store.read { tx in
            let wanted = Set(wishes.compactMap(\.unitSourceID))
            let known = Set(try tx.units.list(sourceIDs: wanted).filter { $0.validTo == nil }.map(\.sourceID))
            guard let unit = wanted.subtracting(known).first else { return }
            throw SCIMProblem(.invalidValue, "There is no unit with the unitId \(unit).")
        }
        try await load(
            PersonnelRowsOrigin(name: "SCIM", source: "scim", rows: wishes.map(\.row)), nil,
            takesNIK: wishes.contains(where: \.hasNIK), before: before, after: after)
    }

    func load(
        _ people: PersonnelRowsOrigin, _ units: PersonnelRowsOrigin?, takesNIK: Bool = false,
        before: @escaping @Sendable (Transaction) throws -> Void,
        after: @escaping @Sendable (Transaction) throws -> Void
    ) async throws {
        var options = try PersonnelOperations.options(context.settings)
        if takesNIK, context.settings.loadNIK { options.identities = context.services.secrets.identities }
        let run = PersonnelRun(store: context.services.store, options: options)
        let writing = writing
        let companion = PersonnelCompanion(
            before: { tx in
                try writing.store.begin(in: tx)
                try before(tx)
            }, after: after)
        for attempt in 1...Self.tries {
            let now = context.now
            let plan = try await run.plan(people: people, units: units, now: now, coverage: .listed)
            if let finding = plan.rejected.first {
                let text = "\(finding.reason.english) (\(finding.reason.rawValue))"
                throw finding.reason == .duplicateNIP
                    ? SCIMProblem(.conflict, .uniqueness, text) : SCIMProblem(.invalidValue, text)
            }
            if let finding = plan.units.findings.first(where: { $0.reason != .vanished }) {
                throw SCIMProblem(.invalidValue, "The unit cannot be taken: \(finding.reason.rawValue).")
            }
            do {
                _ = try await run.apply(plan, by: context.actor, now: now, with: companion)
                return
            } catch PersonnelRefusal.outdated where attempt < Self.tries {
                continue
            }
        }
    }

    static func checkExternalID(
        _ externalID: String?, besides entity: String?, _ kind: ExternalIDQueries.Kind, _ client: ClientID,
        _ tx: Transaction
    ) throws {
        guard let externalID, let owner = try tx.externalIDs.owner(kind, externalID, of: client),
            entity.map({ !$0.isExactly(owner) }) ?? true
        else { return }
        throw SCIMProblem(.conflict, .uniqueness, "Another resource of yours has that externalId.")
    }

    // MARK: Units, read

    func groups(_ query: Query, withMembers: Bool) async throws -> Page {
        let directory = self
        return try await reading.store.read { tx in
            let total = try tx.provisioned.countUnits(query.filter, of: directory.client)
            let found =
                query.count == 0
                ? []
                : try tx.provisioned.units(
                    query.filter, of: directory.client, from: query.startIndex - 1, limit: query.count)
            return Page(total: total, resources: try directory.groups(found, tx, withMembers: withMembers))
        }
    }

    func group(_ id: String) async throws -> JSONObject {
        let directory = self
        return try await reading.store.read { tx in try directory.group(id, tx) }
    }

    private func group(_ id: String, _ tx: Transaction) throws -> JSONObject {
        guard let id = UnitID(id), let known = try tx.provisioned.unit(id, of: client) else {
            throw SCIMProblem.unknown
        }
        return try groups([known], tx, withMembers: true).first ?? [:]
    }

    private func groups(_ found: [ProvisionedUnit], _ tx: Transaction, withMembers: Bool) throws -> [JSONObject] {
        let members =
            withMembers
            ? try tx.provisioned.members(of: found.map(\.unit.id), limit: SCIMGroup.maximumMembers + 1) : [:]
        guard members.values.reduce(0, { $0 + $1.count }) <= Int(SCIMGroup.maximumMembers) else {
            throw SCIMProblem(.tooMany, "These Groups have more members than are told at once; ask for fewer Groups.")
        }
        return found.map { SCIMGroup(base: base).resource($0, members: withMembers ? members[$0.unit.id] ?? [] : nil) }
    }

    // MARK: Units, written

    /// A unit that was not there; its members come with it.
    func addGroup(_ resource: JSONObject) async throws -> JSONObject {
        let wish = try SCIMGroup.wish(resource)
        return try await patiently { try await addGroup(wish) }
    }

    private func addGroup(_ wish: SCIMGroup.Wish) async throws -> JSONObject {
        let client = client
        let (rows, units, basis) = try await reading.store.read { [self] tx in
            (
                try moves(of: wish.members, to: wish.sourceID, tx), try tree(with: wish, tx),
                try PersonnelBasis(in: tx)
            )
        }
        try await load(
            rows, units,
            before: { tx in
                guard try basis.holds(in: tx) else { throw MovedOn() }
                guard try tx.units.find(sourceID: wish.sourceID).map({ $0.validTo != nil }) ?? true else {
                    throw SCIMProblem(.conflict, .uniqueness, "A unit with that sourceId is there already.")
                }
                try Self.checkExternalID(wish.externalID, besides: nil, .unit, client, tx)
            }, after: { tx in try Self.keep(wish, client, tx) })
        let id = try await reading.store.read { tx in try tx.units.find(sourceID: wish.sourceID)?.id }
        guard let id else { throw SCIMProblem.unknown }
        return try await group(id.text)
    }

    func replaceGroup(_ id: String, _ resource: JSONObject, if condition: String?) async throws -> JSONObject {
        try await changeGroup(id, if: condition) { _ in resource }
    }

    func patchGroup(_ id: String, _ patch: SCIMPatch, if condition: String?) async throws -> JSONObject {
        try await changeGroup(id, if: condition) { known in try patch.apply(to: known, of: .group) }
    }

    /// The unit and who comes into it, as one load.
    private func changeGroup(
        _ id: String, if condition: String?, _ body: @escaping @Sendable (JSONObject) throws -> JSONObject
    ) async throws -> JSONObject {
        let client = client
        return try await patiently {
            let before = try await group(id)
            // What a patch makes of it is computed while no transaction waits for it.
            let wish = try SCIMGroup.wish(try body(before))
            let (rows, units, basis) = try await reading.store.read { [self] tx in
                let (rows, units) = try change(of: before, to: wish, tx)
                return (rows, units, try PersonnelBasis(in: tx))
            }
            let version = before["meta"]?["version"]?.string
            if let condition, !SCIMMeta.isNamed(version, in: condition) { throw SCIMProblem.changed }
            if rows.isEmpty, units == nil { return before }
            try await load(
                rows, units,
                before: { [self] tx in
                    guard try group(id, tx)["meta"]?["version"]?.string == version else {
                        throw condition == nil ? MovedOn() : SCIMProblem.changed
                    }
                    // The rows hold the whole tree, and whole people: nothing of that may have changed either.
                    guard try basis.holds(in: tx) else { throw MovedOn() }
                    try Self.checkExternalID(wish.externalID, besides: id, .unit, client, tx)
                }, after: { tx in try Self.keep(wish, client, tx) })
            return try await group(id)
        }
    }

    /// Who comes into a unit, and the tree if it is another one.
    private func change(
        of before: JSONObject, to wish: SCIMGroup.Wish, _ tx: Transaction
    ) throws -> (rows: PersonnelRowsOrigin, units: PersonnelRowsOrigin?) {
        let known = try SCIMGroup.wish(before)
        let rows = try moves(of: try known.added(by: wish), to: wish.sourceID, tx)
        return (rows, wish.isSameUnit(as: known) ? nil : try tree(with: wish, tx))
    }

    private static func keep(_ wish: SCIMGroup.Wish, _ client: ClientID, _ tx: Transaction) throws {
        guard let unit = try tx.units.find(sourceID: wish.sourceID) else { return }
        try tx.externalIDs.set(wish.externalID, .unit, unit.id.text, of: client)
    }

    /// People as they are, in another unit.
    private func moves(of members: [String], to sourceID: String, _ tx: Transaction) throws -> PersonnelRowsOrigin {
        let ids = members.compactMap { PersonID($0) }
        let found = try tx.provisioned.people(ids, of: client)
        let known = Set(found.map(\.person.id))
        if let member = members.first(where: { PersonID($0).map { !known.contains($0) } ?? true }) {
            throw SCIMProblem(.invalidValue, "members: there is no User \(member.prefix(64)).")
        }
        let (users, retirements) = (try users(tx), try Self.retirements(of: ids, tx))
        let rows = try found.map { person in
            let resource = users.resource(person, retiresAt: retirements[person.person.id])
            var own = resource[SCIMResourceType.pegawaiID]?.object ?? [:]
            own["unitId"] = .string(sourceID)
            return try users.wish(resource.adding(SCIMResourceType.pegawaiID, .object(own))).row
        }
        return PersonnelRowsOrigin(name: "SCIM", source: "scim", rows: rows)
    }

    /// The whole tree with one unit new or another than it was.
    private func tree(with wish: SCIMGroup.Wish, _ tx: Transaction) throws -> PersonnelRowsOrigin {
        let rows = try SCIMGroup.tree(tx.units.list(), with: wish)
        return PersonnelRowsOrigin(name: "SCIM", source: "scim", rows: [], units: rows)
    }
}
