package import GapuraStore

/// The settings of personnel loads.
package struct PersonnelOptions: Sendable {
    /// Accepts people born 18xx, as test data has them.
    package var allowsFixtureYears = false
    /// What each `kedudukan_hukum` code means for an account.
    package var states = AccountStateTable()
    /// The ids of our government (`instansi`). Empty: those of the unit file, or what the last load found there.
    package var governmentIDs: Set<String> = []
    /// The share of accounts that may sign in beyond which a load has to be confirmed before it takes that right from
    /// them.
    package var stopShare = 0.05
    /// Whether the number must be repeated by another admin than the one who asked.
    package var needsSecondAdmin = false
    /// Days between the first load in which somebody is missing and the suspension of the account.
    package var graceDays: Int64 = 14
    /// Days for which an account that personnel data closed is listed in the recycle bin.
    package var binDays: Int64 = 90
    /// Seals the NIKs that come along; nil drops them while parsing.
    package var identities: IdentityVault?
    /// Where the city's days begin.
    package var calendar = CityCalendar(timeZone: "Asia/Jakarta")

    package init() {}
}

/// Of whom the rows of a load are.
package enum PersonnelCoverage: String, Sendable, CaseIterable {
    /// Of all people of the city: whoever is not there is missing.
    case everybody
    /// Of some: nothing is said of the others.
    case listed

    /// A load of some people is for as many; more are a file of the city.
    package static let maximumListedRows = 10_000
}

/// What goes along with a load into its transaction: conditions before it, rows that belong to it after it. What either
/// throws undoes the load.
package struct PersonnelCompanion: Sendable {
    let before: @Sendable (Transaction) throws -> Void
    let after: @Sendable (Transaction) throws -> Void

    package init(
        before: @escaping @Sendable (Transaction) throws -> Void = { _ in },
        after: @escaping @Sendable (Transaction) throws -> Void = { _ in }
    ) {
        self.before = before
        self.after = after
    }
}

/// Why a load cannot be planned or applied. Nothing was changed.
package enum PersonnelRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// No unit file was ever read and no setting says which government this is.
    case governmentUnknown
    /// Too many accounts would lose their sign-in; see `PersonnelPlan.Stop`.
    case mustConfirm(PersonnelPlan.Stop)
    /// A second admin has to repeat the number; who asked may not.
    case needsSecondAdmin(PersonnelPlan.Stop)
    /// Another load was applied, the tree changed or somebody was forgotten after this one was planned.
    case outdated
    /// A load of some people has more rows than such a load may have.
    case tooManyRows(Int)

    package var description: String {
        switch self {
        case .governmentUnknown:
            "which government is ours is not known: give the unit file (ref-unor), or set the id of the instansi"
        case .mustConfirm(let stop):
            "\(stop.accounts) of \(stop.activeAccounts) accounts would lose their sign-in; "
                + "repeat the number \(stop.accounts) to go on"
        case .needsSecondAdmin(let stop):
            "\(stop.accounts) of \(stop.activeAccounts) accounts would lose their sign-in; "
                + "another admin has to repeat the number \(stop.accounts)"
        case .outdated:
            "people or units were changed meanwhile; read the file again"
        case .tooManyRows(let limit):
            "a partial load has at most \(limit) rows"
        }
    }
}
