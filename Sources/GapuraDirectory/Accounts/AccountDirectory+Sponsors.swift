package import GapuraFormats
package import GapuraStore

/// Accounts without a person: somebody answers for each, and none lasts longer than who answers for it.
extension AccountDirectory {
    /// Refuses who cannot answer for others: a sponsor is somebody of the city, and may use applications.
    func check(sponsor: Account) throws {
        guard sponsor.state(at: now).mayUseApplications else {
            let state = sponsor.state(at: now).rawValue
            throw DirectoryError(
                .refused, "The sponsor is \(state); choose somebody whose account is aktif.",
                id: "Penanggung jawab berstatus \(state); pilih yang akunnya aktif."
            )
        }
        guard sponsor.sponsorID == nil else {
            throw DirectoryError(
                .refused, "The sponsor has a sponsor; choose a civil servant or an admin.",
                id: "Penanggung jawab itu sendiri memiliki penanggung jawab; pilih pegawai atau admin."
            )
        }
    }

    /// Refuses an end beyond the sponsor's own: the end of that account, or a retirement that personnel data has a date
    /// for.
    func check(end: Timestamp, sponsor: Account) throws {
        guard now < end else {
            throw DirectoryError(
                .invalid, "The end date has passed; choose a later one.",
                id: "Tanggal akhir sudah lewat; pilih tanggal yang lebih lambat."
            )
        }
        guard let limit = try lastMoment(ofSponsor: sponsor), limit < end else { return }
        throw DirectoryError(
            .refused,
            "The end date is beyond the sponsor's own (\(Self.text(limit))); choose that or an earlier one, or another sponsor.",
            id:
                "Tanggal akhir melewati masa penanggung jawab (\(Self.text(limit))); pilih tanggal itu atau lebih awal, atau penanggung jawab lain."
        )
    }

    /// When a sponsor ceases to be one, as far as is known.
    private func lastMoment(ofSponsor sponsor: Account) throws -> Timestamp? {
        let retirements = try sponsor.personID.map { try tx.schedule.list(of: $0) } ?? []
        let retiresAt = retirements.filter { $0.kind == .retired && $0.state == .waiting }.map(\.dueAt)
        return (retiresAt + [sponsor.endsAt].compactMap { $0 }).min()
    }

    /// The last day before an end, for people: seven hours after 15:00, 16:00 or 17:00 UTC, when days end in the three
    /// zones, it is that day still.
    private static func text(_ moment: Timestamp) -> String {
        let day = CalendarDate(daysSince1970: Int(moment.adding(seconds: 7 * 3600 - 1).seconds / 86_400))
        return day?.iso8601 ?? "-"
    }

    /// Sets until when an account without a person lasts, and who answers for it from now on.
    /// - Parameter sponsor: nothing keeps the one it has.
    package func extend(_ account: Account, until end: Timestamp, sponsor: Account? = nil) throws {
        guard account.personID == nil, account.sponsorID != nil || account.endsAt != nil else {
            throw DirectoryError(
                .refused,
                "Only accounts with a sponsor have an end date; those of civil servants follow personnel data.",
                id:
                    "Hanya akun dengan penanggung jawab yang memiliki tanggal akhir; akun pegawai mengikuti data kepegawaian."
            )
        }
        let known = try account.sponsorID.flatMap { try tx.accounts.find($0) }
        guard let responsible = sponsor ?? known else {
            throw DirectoryError(
                .invalid, "The account has no sponsor; name one.",
                id: "Akun ini belum memiliki penanggung jawab; sebutkan satu."
            )
        }
        try check(sponsor: responsible)
        try check(end: end, sponsor: responsible)
        guard account.endsAt != end || account.sponsorID != responsible.id else { return }
        var changed = account
        changed.endsAt = end
        changed.sponsorID = responsible.id
        changed.updatedAt = now
        try tx.accounts.update(changed)
        try tx.record(
            .accountExtended, by: actor, subject: account.id.text,
            detail: [
                "ends_before": account.endsAt.map { .integer($0.milliseconds) } ?? .null,
                "ends_after": .integer(end.milliseconds),
                "sponsor_before": account.sponsorID.map { .string($0.text) } ?? .null,
                "sponsor_after": .string(responsible.id.text),
            ], at: now)
    }
}

/// Signs accounts out everywhere whose end has come, or whose sponsor may not sign in any more.
///
/// They cannot do anything from that moment on, because `Account.state(at:)` is read with every account; this ends
/// their sessions, so that applications hear of it, and nothing lives again if an end is moved.
package enum AccountEnds {
    /// How many accounts in one transaction: the others wait for it.
    private static let portion: Int64 = 100

    /// Everything that is due. With two nodes both may try: the second finds nothing.
    /// - Returns: how many accounts were signed out.
    package static func act(in store: Store, at now: Timestamp) async throws -> Int {
        var total = 0
        while try await store.read({ try !$0.activation.lapsed(at: now, limit: 1).isEmpty }) {
            let count = try await store.write { tx in
                let lapsed = try tx.activation.lapsed(at: now, limit: portion)
                try SessionEnding.endAll(of: lapsed, reason: .accountState, by: .system, in: tx, at: now)
                return lapsed.count
            }
            guard count > 0 else { break }
            total += count
        }
        return total
    }
}
