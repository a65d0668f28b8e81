internal import GapuraFormats
internal import GapuraStore

/// Whether somebody may go on although many accounts would lose their sign-in: the number has to be repeated, and where
/// the setting asks for it by another admin than the one who first gave it. Of loads and of taking them back.
struct LoadConfirmation {
    /// What is asked for; the same question is the same in all of it.
    struct Question {
        let fileDigest: String
        let unitsDigest: String?
        let baseLoadID: LoadID?
        let stop: PersonnelPlan.Stop
    }

    enum Answer {
        /// By whom it was asked first, where two had to agree.
        case confirmed(askedBy: String?)
        case mustConfirm
        /// This one is noted; another one has to repeat it.
        case needsSecondAdmin
    }

    /// How long somebody who asked is remembered as the first of two: a working day and the next.
    static let lifetime: Int64 = 2 * 86_400

    private let store: Store
    private let needsSecondAdmin: Bool

    init(_ store: Store, _ options: PersonnelOptions) {
        self.store = store
        needsSecondAdmin = options.needsSecondAdmin
    }

    func ask(_ question: Question, _ confirmed: Int?, by actor: Actor, at now: Timestamp) async throws -> Answer {
        let stop = question.stop
        // A number is confirmed by somebody who looked at it: an application neither asks first nor answers itself.
        guard !actor.isClient else { return .mustConfirm }
        guard needsSecondAdmin else { return confirmed == stop.accounts ? .confirmed(askedBy: nil) : .mustConfirm }
        // Read first: whoever confirms writes nothing here.
        let asked = try await store.read { [digest = question.fileDigest] tx in
            try tx.loads.requests(fileDigest: digest, since: now.adding(seconds: -Self.lifetime))
        }.filter { request in
            request.unitsDigest == question.unitsDigest && request.baseLoadID == question.baseLoadID
                && request.accounts == Int64(stop.accounts)
        }
        if confirmed == stop.accounts, let first = asked.first(where: { Actor.person($0.actor) != actor.person }) {
            return .confirmed(askedBy: first.actor)
        }
        if !asked.contains(where: { Actor.person($0.actor) == actor.person }) {
            let request = LoadRequest(
                id: .make(now: now), fileDigest: question.fileDigest, unitsDigest: question.unitsDigest,
                baseLoadID: question.baseLoadID, accounts: Int64(stop.accounts), actor: actor.text, askedAt: now)
            try await store.write { tx in
                try tx.loads.insert(request)
                try tx.record(
                    .personnelAsked, by: actor,
                    detail: [
                        "file_digest": .string(request.fileDigest), "accounts": .integer(request.accounts),
                        "active_accounts": .integer(Int64(stop.activeAccounts)),
                    ], at: now)
            }
        }
        return .needsSecondAdmin
    }
}
