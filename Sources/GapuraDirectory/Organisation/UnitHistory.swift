internal import GapuraFormats
internal import GapuraStore

/// Tells what happened to units, from what they were and what they are.
struct UnitHistory {
    private let loadID: LoadID?
    private let draftID: UnitDraftID?
    private let actor: Actor
    /// When it counts from.
    private let moment: Timestamp

    init(loadID: LoadID? = nil, draftID: UnitDraftID? = nil, by actor: Actor, at moment: Timestamp) {
        self.loadID = loadID
        self.draftID = draftID
        self.actor = actor
        self.moment = moment
    }

    /// What a file did to the tree.
    func events(of plan: UnitPlan) -> [UnitEvent] {
        plan.added.map { event($0.id, .added, nil, $0.name) }
            + zip(plan.previous, plan.changed).flatMap { old, new in events(from: old, to: new) }
    }

    /// What became of one unit; nothing where neither name, place nor end changed.
    func events(from old: Unit, to new: Unit) -> [UnitEvent] {
        var events: [UnitEvent] = []
        if old.validTo != nil, new.validTo == nil { events.append(event(new.id, .reopened, nil, nil)) }
        if !old.name.isExactly(new.name) { events.append(event(new.id, .renamed, old.name, new.name)) }
        if old.parentID != new.parentID {
            events.append(event(new.id, .moved, old.parentID?.text, new.parentID?.text))
        }
        if old.validTo == nil, new.validTo != nil { events.append(event(new.id, .closed, old.name, nil)) }
        return events
    }

    /// A unit that is closed and whose people go to another.
    func merged(_ unit: Unit, into other: UnitID) -> UnitEvent {
        event(unit.id, .merged, unit.name, other.text)
    }

    private func event(_ id: UnitID, _ kind: UnitEvent.Kind, _ before: String?, _ after: String?) -> UnitEvent {
        UnitEvent(
            id: .make(now: moment), unitID: id, kind: kind, at: moment, before: before, after: after, loadID: loadID,
            draftID: draftID, recordedBy: actor.text)
    }
}
