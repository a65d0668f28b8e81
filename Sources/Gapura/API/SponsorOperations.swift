import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Accounts without a person, which end: who answers for them, until when, and whose end is near.
enum SponsorOperations {
    static let all = [extend, ending]

    private static let extend = Operation("account.extend", ["name", "until", "sponsor"], .scoped(.accountsChange)) {
        arguments, context in
        let name = try arguments.text("name")
        guard let until = try arguments.optionalTime("until", in: context.settings.timeZone) else {
            throw OperationError(.invalid, "until is missing.", id: "until belum diisi.")
        }
        let sponsor = try arguments.optionalText("sponsor")
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx, authority in
            let directory = AccountDirectory(tx, by: actor, at: now)
            let account = try authority.account(name, for: .accountsChange, in: tx, at: now)
            let guardian = try sponsor.map { try authority.find($0, in: tx, at: now) }
            try directory.extend(account, until: until, sponsor: guardian)
            return .object(try AccountJSON.make(try tx.accounts.find(account.id) ?? account, tx, at: now))
        }
    }

    private static let ending = Operation("account.ending", ["days"], .scoped(.accountsRead)) { arguments, context in
        let days = try arguments.optionalInteger("days", 0...3650) ?? 30
        let now = context.now
        let calendar = CityCalendar(timeZone: context.settings.timeZone)
        return try await context.store.read { tx, authority in
            let visible = try authority.path.map(tx.accounts.ids(under:))
            let ends = try tx.activation.sponsored().filter { visible?.contains($0.account.id) ?? true }
                .compactMap { End($0, at: now) }
                .filter { $0.moment <= now.adding(seconds: days * 86_400) }
                .sorted { ($0.moment, $0.sponsored.account.id) < ($1.moment, $1.sponsored.account.id) }
            return ["accounts": .array(ends.map { $0.json(calendar, at: now) })]
        }
    }

    /// When an account ends, and why then.
    private struct End {
        enum Reason: String {
            case ownEnd = "own_end"
            case sponsorEnds = "sponsor_ends"
            case sponsorRetires = "sponsor_retires"
            /// The sponsor may not sign in, and so neither may the account.
            case sponsorLost = "sponsor_lost"

            var words: (english: String, indonesian: String) {
                switch self {
                case .ownEnd: ("its end date", "tanggal akhirnya")
                case .sponsorEnds: ("the sponsor's account ends", "akun penanggung jawab berakhir")
                case .sponsorRetires: ("the sponsor retires", "penanggung jawab pensiun")
                case .sponsorLost:
                    (
                        "the sponsor may not sign in; name another",
                        "penanggung jawab tidak dapat masuk; tunjuk yang lain"
                    )
                }
            }
        }

        let sponsored: SponsoredAccount
        let moment: Timestamp
        let reason: Reason

        /// Nothing for an account that has ended already, or has no end.
        init?(_ sponsored: SponsoredAccount, at now: Timestamp) {
            self.sponsored = sponsored
            let account = sponsored.account
            if let own = account.endsAt, own <= now { return nil }
            if let sponsor = account.sponsor, !sponsor.stands(at: now) {
                (moment, reason) = (now, .sponsorLost)
                return
            }
            let ends: [(Timestamp?, Reason)] = [
                (account.endsAt, .ownEnd), (account.sponsor?.endsAt, .sponsorEnds),
                (sponsored.sponsorRetiresAt, .sponsorRetires),
            ]
            guard let first = ends.compactMap({ end in end.0.map { ($0, end.1) } }).min(by: { $0.0 < $1.0 }) else {
                return nil
            }
            (moment, reason) = first
        }

        func json(_ calendar: CityCalendar, at now: Timestamp) -> JSONValue {
            let account = sponsored.account
            return [
                "id": .string(account.id.text), "user_name": .text(account.userName),
                "name": .text(account.displayName), "ends_at": .time(moment),
                "last_day": .text(
                    reason == .sponsorLost ? nil : calendar.lastDay(before: moment)?.iso8601),
                "days": .integer((moment.milliseconds - now.milliseconds + 86_399_999) / 86_400_000),
                "reason": .string(reason.rawValue), "message": .string(reason.words.english),
                "pesan": .string(reason.words.indonesian), "sponsor": .text(sponsored.sponsorName),
                "sponsor_nip": .text(sponsored.sponsorNIP),
            ]
        }
    }
}
