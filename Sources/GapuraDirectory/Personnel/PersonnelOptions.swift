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

    package init() {}
}

/// Why a load cannot be planned or applied. Nothing was changed.
package enum PersonnelRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// No unit file was ever read and no setting says which government this is.
    case governmentUnknown
    /// Too many accounts would lose their sign-in; see `PersonnelPlan.Stop`.
    case mustConfirm(PersonnelPlan.Stop)
    /// Another load was applied after this one was planned.
    case outdated

    package var description: String {
        switch self {
        case .governmentUnknown:
            "which government is ours is not known: give the unit file (ref-unor), or set the id of the instansi"
        case .mustConfirm(let stop):
            "\(stop.accounts) of \(stop.activeAccounts) accounts would lose their sign-in; "
                + "repeat the number \(stop.accounts) to go on"
        case .outdated:
            "another load was applied meanwhile; read the file again"
        }
    }
}
