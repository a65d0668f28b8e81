import GapuraTokens

/// One sign-in under way: what was sent to the gateway and must come back.
struct PendingSignIn: Sendable {
    let nonce: String
    let verifier: String
    let browser: ExactText
    let startedAt: Timestamp
}

/// One signed-in browser. The gateway's `sid` lives in here, beside the application's own data.
struct Session: Sendable {
    let person: Person
    let sid: ExactText
    let issuedAt: Timestamp
    let idToken: String
    let formToken: String
    let signedInAt: Timestamp
    var lastSeen: Timestamp
    var activities: [String] = []
}

/// Sessions and sign-ins under way, in memory and bounded; protects both tables. A restart signs everybody out, and the
/// gateway lets them in again without a password.
actor Sessions {
    static let maximumPending = 10_000
    static let maximumSessions = 10_000
    static let maximumActivities = 20
    static let pendingSeconds: Int64 = 900

    private var pending: [ExactText: PendingSignIn] = [:]
    private var sessions: [ExactText: Session] = [:]
    /// Ended by the gateway, remembered as long as a session could live: a logout token may overtake its sign-in.
    private var endedSessions: [ExactText: Timestamp] = [:]
    private var endedSubjects: [ExactText: Timestamp] = [:]

    /// Remembers a sign-in under a new `state`.
    func begin(browser: ExactText, now: Timestamp) -> (state: String, flow: PendingSignIn) {
        if pending.count >= Self.maximumPending {
            let oldest = now.adding(seconds: -Self.pendingSeconds)
            pending = pending.filter { $0.value.startedAt > oldest }
            if pending.count >= Self.maximumPending,
                let first = pending.min(by: { $0.value.startedAt < $1.value.startedAt })
            {
                pending[first.key] = nil
            }
        }
        let flow = PendingSignIn(
            nonce: SecureRandom.text(), verifier: SecureRandom.text(), browser: browser, startedAt: now)
        let state = SecureRandom.text()
        pending[ExactText(state)] = flow
        return (state, flow)
    }

    /// Takes a sign-in out: a `state` works once, in the browser that it was given to.
    func take(state: String, browser: ExactText?, now: Timestamp) -> PendingSignIn? {
        guard let flow = pending[ExactText(state)], flow.browser == browser else { return nil }
        pending[ExactText(state)] = nil
        return flow.startedAt.adding(seconds: Self.pendingSeconds) > now ? flow : nil
    }

    /// A new session id for every sign-in; nil when the gateway has ended this session meanwhile.
    func open(_ session: Session, settings: Settings) -> ExactText? {
        if isEnded(session) { return nil }
        if sessions.count >= Self.maximumSessions {
            sessions = sessions.filter { isAlive($0.value, settings, now: session.signedInAt) }
            if sessions.count >= Self.maximumSessions,
                let first = sessions.min(by: { $0.value.lastSeen < $1.value.lastSeen })
            {
                sessions[first.key] = nil
            }
        }
        let id = ExactText(SecureRandom.text())
        sessions[id] = session
        return id
    }

    /// The session, if it is neither too old nor idle for too long nor ended by the gateway.
    func find(_ id: ExactText, settings: Settings, now: Timestamp) -> Session? {
        guard var session = sessions[id] else { return nil }
        guard isAlive(session, settings, now: now) else {
            sessions[id] = nil
            return nil
        }
        session.lastSeen = now
        sessions[id] = session
        return session
    }

    func close(_ id: ExactText) {
        sessions[id] = nil
    }

    func add(activity: String, to id: ExactText) {
        guard var session = sessions[id] else { return }
        session.activities = Array(([activity] + session.activities).prefix(Self.maximumActivities))
        sessions[id] = session
    }

    /// Back-channel logout: a `sid` ends for good; a `sub` ends what was signed in until then.
    func end(sid: String?, subject: String?, issuedAt: Timestamp, settings: Settings, now: Timestamp) {
        let oldest = now.adding(seconds: -settings.absolute - 3600)
        endedSessions = endedSessions.filter { $0.value > oldest }
        endedSubjects = endedSubjects.filter { $0.value > oldest }
        if let sid {
            endedSessions[ExactText(sid)] = now
        } else if let subject {
            endedSubjects[ExactText(subject)] = issuedAt
        }
        sessions = sessions.filter { !isEnded($0.value) }
    }

    private func isAlive(_ session: Session, _ settings: Settings, now: Timestamp) -> Bool {
        session.signedInAt.adding(seconds: settings.absolute) > now
            && session.lastSeen.adding(seconds: settings.idle) > now && !isEnded(session)
    }

    private func isEnded(_ session: Session) -> Bool {
        if endedSessions[session.sid] != nil { return true }
        guard let until = endedSubjects[ExactText(session.person.subject)] else { return false }
        return session.issuedAt <= until
    }
}
