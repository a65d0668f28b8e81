package import GapuraFormats
package import GapuraStore

/// What a person holds today beside the post of personnel data, and who their manager is: two statements.
package struct OrganisationStanding: Sendable {
    /// Plt, Plh, Pj and further duties of today, the oldest first.
    package var acting: [HeldAppointment]
    package var manager: Manager?

    /// - Parameter unitPath: of the person's unit.
    package static func read(
        _ personID: PersonID, unitPath: String?, in tx: Transaction, at now: Timestamp
    ) throws -> OrganisationStanding {
        let path = UnitPath.ids(unitPath)
        let held = try tx.standing.appointments(of: personID, on: path, at: now)
        let (heads, named) = try tx.standing.leaders(on: path, of: personID)
        var leaders = Dictionary(path.map { ($0, UnitLeaders(unitID: $0)) }) { first, _ in first }
        for head in heads { leaders[head.unitID]?.head = head.holder }
        for held in held where held.isHead && held.appointment.kind.isActing {
            leaders[held.appointment.unitID]?.acting.append(held.holder)
        }
        return OrganisationStanding(
            acting: held.filter { $0.appointment.personID == personID && $0.appointment.kind != .definitive }
                .sorted {
                    ($0.appointment.validFrom, $0.appointment.id) < ($1.appointment.validFrom, $1.appointment.id)
                },
            manager: ManagerRule.manager(
                of: personID, upwards: path.reversed().lazy.compactMap { leaders[$0] }, named: named, at: now)
        )
    }
}

/// The way from the government to a unit.
enum UnitPath {
    /// The units of `Unit.path`, each once, no more than a tree may be deep, whatever the text says.
    static func ids(_ path: String?) -> [UnitID] {
        var seen: Set<UnitID> = []
        return (path ?? "").utf8.split(separator: UInt8(ascii: "/")).prefix(UnitTree.maximumDepth)
            .compactMap { UnitID(String(Substring($0))) }.filter { seen.insert($0).inserted }
    }
}
