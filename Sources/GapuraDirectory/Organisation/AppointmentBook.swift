package import GapuraFormats
package import GapuraStore

/// Judges requests against what the database has and what was accepted before in the same run.
///
/// It reads everything it needs when it is made, a fixed number of statements for some hundred requests, so that a
/// letter of one and a file of thousands are judged by the same rules. Inside a write it decides: nobody else writes.
package struct AppointmentBook {
    private let calendar: CityCalendar
    private let now: Timestamp
    private let actor: Actor
    private let peopleByPNSID: [String: PersonID]
    private let peopleByNIP: [String: PersonID]
    private let units: [String: Unit]
    private var known: [UnitID: [Appointment]] = [:]

    /// Plt: three months, extended once by three (SE BKN 1/SE/I/2021, domain notes 2.6).
    static let pltMonths = 6

    package init(
        for requests: [AppointmentRequest], in tx: Transaction, calendar: CityCalendar, by actor: Actor,
        at now: Timestamp
    ) throws {
        self.calendar = calendar
        self.now = now
        self.actor = actor
        peopleByPNSID = try tx.people.ids(pnsIDs: Set(requests.compactMap(\.pnsID)))
        peopleByNIP = try tx.people.ids(nips: Set(requests.compactMap(\.nipDigits)))
        units = try tx.units.find(sourceIDs: Set(requests.compactMap(\.unitSourceID)))
        let appointments = try tx.appointments.list(of: [], in: Set(units.values.map(\.id)))
        for appointment in appointments { known[appointment.unitID, default: []].append(appointment) }
    }

    /// Judges one request, and remembers what it accepts.
    package mutating func judge(_ request: AppointmentRequest) -> AppointmentOutcome {
        do throws(Refusal) {
            let wanted = try read(request)
            let others = (known[wanted.unitID] ?? []).filter { $0.postKey.isExactly(wanted.postKey) }
            if let present = try present(wanted, others) {
                return AppointmentOutcome(row: request.row, verdict: .present(present))
            }
            try check(wanted, others)
            known[wanted.unitID, default: []].append(wanted)
            return AppointmentOutcome(row: request.row, verdict: .new(wanted), warnings: warnings(wanted, request))
        } catch {
            return AppointmentOutcome(row: request.row, verdict: .refused(error.reason, other: error.other))
        }
    }

    private struct Refusal: Error {
        let reason: AppointmentReason
        var other: Appointment?

        init(_ reason: AppointmentReason, _ other: Appointment? = nil) {
            self.reason = reason
            self.other = other
        }
    }

    // MARK: Steps

    /// What is asked for, with the person and unit found and the days turned into moments.
    private func read(_ request: AppointmentRequest) throws(Refusal) -> Appointment {
        guard !request.hasNumericIdentifier else { throw Refusal(.numericIdentifier) }
        guard let kind = request.knownKind else { throw Refusal(.kindUnknown) }
        let personID = try person(request)
        guard let sourceID = request.unitSourceID else { throw Refusal(.unitMissing) }
        guard let unit = units[sourceID] else { throw Refusal(.unitUnknown) }
        guard unit.validTo == nil else { throw Refusal(.unitClosed) }
        guard let post = request.postName.flatMap({ IdentifierText.cleanedName($0) }) else {
            throw Refusal(.postMissing)
        }
        guard let letter = request.letterNumber.flatMap({ IdentifierText.cleanedName($0) }) else {
            throw Refusal(.letterMissing)
        }
        for text in [post, letter] where text.utf8.count > 500 || IdentifierText.hasInvisible(text) {
            throw Refusal(.textUnusable)
        }
        let (start, end) = try days(request, kind)
        return Appointment(
            id: .make(now: now), personID: personID, unitID: unit.id, kind: kind, postName: post, letterNumber: letter,
            validFrom: calendar.start(of: start), validTo: end.map { calendar.end(of: $0) },
            letterTo: end.map { calendar.end(of: $0) }, recordedAt: now, recordedBy: actor.text
        )
    }

    /// Both identifiers, where both are given, must lead to the same person.
    private func person(_ request: AppointmentRequest) throws(Refusal) -> PersonID {
        var found: [PersonID] = []
        for (identifier, people) in [(request.pnsID, peopleByPNSID), (request.nipDigits, peopleByNIP)] {
            guard let identifier else { continue }
            guard let id = people[identifier] else { throw Refusal(.personUnknown) }
            found.append(id)
        }
        guard let first = found.first else { throw Refusal(.personMissing) }
        guard found.allSatisfy({ $0 == first }) else { throw Refusal(.identifiersDiffer) }
        return first
    }

    private func days(
        _ request: AppointmentRequest, _ kind: Appointment.Kind
    ) throws(Refusal) -> (CalendarDate, CalendarDate?) {
        guard request.start != .missing else { throw Refusal(.startMissing) }
        guard case .day(let start) = request.start, request.end != .unreadable else { throw Refusal(.dateUnreadable) }
        guard case .day(let end) = request.end else {
            if kind.isActing { throw Refusal(.endMissing) }
            return (start, nil)
        }
        guard start.daysSince1970 <= end.daysSince1970 else { throw Refusal(.endBeforeStart) }
        return (start, end)
    }

    /// The appointment that the same letter made before. One that was ended early is still the same letter's.
    private func present(_ wanted: Appointment, _ others: [Appointment]) throws(Refusal) -> Appointment? {
        let sameLetter = others.filter {
            $0.personID == wanted.personID && $0.letterKey.isExactly(wanted.letterKey)
        }
        let same = sameLetter.first { other in
            other.kind == wanted.kind && other.validFrom == wanted.validFrom && other.letterTo == wanted.letterTo
        }
        if let same { return same }
        if let other = sameLetter.first(where: { $0.endedAt == nil }) { throw Refusal(.letterDiffers, other) }
        return nil
    }

    /// - Parameter others: of the same post.
    private func check(_ wanted: Appointment, _ others: [Appointment]) throws(Refusal) {
        guard wanted.kind.isActing else { return }
        let own = others.filter { $0.personID == wanted.personID && $0.kind.isActing }
        if wanted.kind == .plt { try checkLength(wanted, own) }
        if let other = own.first(where: { $0.overlaps(wanted) }) { throw Refusal(.overlapsOwn, other) }
        if let other = others.first(where: { $0.kind.isActing && $0.overlaps(wanted) }) {
            throw Refusal(.postTaken, other)
        }
    }

    /// Letters of one person for one post that follow each other without a day between them are one time.
    private func checkLength(_ wanted: Appointment, _ own: [Appointment]) throws(Refusal) {
        var start = wanted.validFrom
        var end = wanted.validTo ?? wanted.validFrom
        var rest = own.filter { other in other.kind == .plt && other.validTo.map { other.validFrom < $0 } ?? false }
        // Two letters may join what stood apart: each is taken up once.
        while let place = rest.firstIndex(where: { $0.validFrom <= end && start <= $0.validTo ?? $0.validFrom }) {
            let other = rest.remove(at: place)
            start = min(start, other.validFrom)
            end = max(end, other.validTo ?? end)
        }
        guard let first = calendar.day(of: start), let limit = first.adding(months: Self.pltMonths),
            end <= calendar.start(of: limit)
        else { throw Refusal(.pltTooLong) }
    }

    private func warnings(_ wanted: Appointment, _ request: AppointmentRequest) -> [AppointmentReason] {
        guard wanted.kind.isActing, let unit = request.unitSourceID.flatMap({ units[$0] }) else { return [] }
        guard let head = unit.postName, spacedNameKey(head).isExactly(wanted.postKey) else { return [.postNotHead] }
        return switch (wanted.kind, unit.headPNSID) {
        case (.plt, .some): [.postOccupied]
        case (.plh, nil): [.postVacant]
        default: []
        }
    }
}
