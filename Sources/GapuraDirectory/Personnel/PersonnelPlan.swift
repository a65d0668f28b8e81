package import GapuraFormats
package import GapuraStore
internal import GapuraTabular

/// What a load would do, before it does anything: the file was read and compared with the directory.
package struct PersonnelPlan: Sendable {
    /// A known person who is not in the file, and was in the last one. The account is suspended when the grace is over.
    package struct Vanished: Sendable, Equatable {
        package let pnsID: String
        package let personID: PersonID
        package let name: String
        package let unitID: UnitID?
        package let accountID: AccountID?
        package let state: AccountState?
        /// Whether there is a sign-in to take away, and no admin's word against it.
        package let willSuspend: Bool
    }

    /// Why the load stops: too many accounts would lose their sign-in or lost their person.
    package struct Stop: Sendable, Equatable {
        /// The number to repeat.
        package let accounts: Int
        /// Accounts that may sign in today.
        package let activeAccounts: Int
    }

    /// How many of what. The names are those of the record of the load.
    package struct Counts: Sendable, Equatable {
        package var rows = 0
        package var accepted = 0
        package var rejected = 0
        package var warned = 0
        package var new = 0
        package var changed = 0
        package var unchanged = 0
        /// Of the changed ones: another unit, another name, another NIP, another `kedudukan_hukum`.
        package var moved = 0
        package var renamed = 0
        package var renumbered = 0
        package var restatused = 0
        /// Of known accounts.
        package var stateChanges = 0
        package var accountsAdded = 0
        package var vanished = 0
        /// Missing before, and still.
        package var missing = 0
        /// Of the known ones, by what becomes of the account.
        package var returned = 0
        package var retired = 0
        package var suspended = 0
        /// Will retire on a day to come.
        package var scheduled = 0
    }

    package let fileName: String
    package let source: String
    package let fileDigest: String
    package let unitsDigest: String?
    /// The last load applied had exactly these files: there is nothing to do.
    package let isRepeated: Bool
    package let coverage: PersonnelCoverage
    package let governmentIDs: Set<String>
    package let units: UnitPlan
    package let counts: Counts
    /// Refused rows, in the order of the sheet.
    package let rejected: [PersonnelFinding]
    /// Accepted rows with something to look at, in the order of the sheet.
    package let warnings: [PersonnelFinding]
    package let vanished: [Vanished]
    /// How many accounts go from one state to another; new accounts come from nil.
    package let stateChanges: [StateChange: Int]
    /// Codes of `kedudukan_hukum` that the table does not have, and how many people carry them.
    package let unknownCodes: [String: Int]
    /// Accounts that lose their sign-in, at once or after the grace.
    let losses: Int
    /// Set where the load must be confirmed.
    package let stop: Stop?
    /// When those who vanish now are suspended.
    package let graceEnds: Timestamp
    let binDays: Int64

    /// A change of state, for counting.
    package struct StateChange: Hashable, Sendable {
        package let from: AccountState?
        package let to: AccountState
    }

    /// What to write, person by person.
    let steps: [PersonStep]
    let baseLoadID: LoadID?
    /// The end of the audit when the directory was read: see `PersonnelRun.changesDirectory`.
    let baseSeq: Int64
    /// Of the units that are and that will be.
    let unitNames: [UnitID: String]
    /// What the plan was made of, to be looked at again before it is applied.
    var files: [PlannedFile] = []
    /// NIKs of accepted rows; in no preview, and in no record of the load.
    var identities: [PersonnelIdentity] = []

    struct PlannedFile: Sendable {
        let file: any PersonnelOrigin
        let digest: String
    }

    /// How often each reason occurs.
    package static func count(_ findings: [PersonnelFinding]) -> [(reason: PersonnelReason, count: Int)] {
        let counts = Dictionary(findings.map { ($0.reason, 1) }, uniquingKeysWith: +)
        return PersonnelReason.allCases.compactMap { reason in counts[reason].map { (reason, $0) } }
    }

    /// Refused rows and warnings as delimited text for BKPSDM; harmless in a spreadsheet program.
    package func findingsCSV() -> String {
        var text = CSVWriter.row(["baris", "hasil", "alasan", "pns_id", "keterangan", "explanation"], delimiter: ";")
        for (findings, outcome) in [(rejected, "ditolak"), (warnings, "peringatan")] {
            for finding in findings {
                text += CSVWriter.row(
                    [
                        String(finding.row), outcome, finding.reason.rawValue, finding.pnsID ?? "",
                        finding.reason.indonesian,
                        finding.reason.english,
                    ], delimiter: ";")
            }
        }
        return text
    }

    /// The counts as they stand in the record of the load.
    package var countsJSON: JSONObject {
        func number(_ value: Int) -> JSONValue { .integer(Int64(value)) }
        func reasons(_ findings: [PersonnelFinding]) -> JSONValue {
            .object(JSONObject(Self.count(findings).map { ($0.reason.rawValue, number($0.count)) }))
        }
        var json = JSONObject([
            ("rows", number(counts.rows)), ("accepted", number(counts.accepted)), ("rejected", number(counts.rejected)),
            ("warned", number(counts.warned)), ("new", number(counts.new)), ("changed", number(counts.changed)),
            ("unchanged", number(counts.unchanged)), ("moved", number(counts.moved)),
            ("renamed", number(counts.renamed)),
            ("renumbered", number(counts.renumbered)), ("restatused", number(counts.restatused)),
            ("state_changes", number(counts.stateChanges)), ("accounts_added", number(counts.accountsAdded)),
            ("vanished", number(counts.vanished)), ("missing", number(counts.missing)),
            ("returned", number(counts.returned)), ("retired", number(counts.retired)),
            ("suspended", number(counts.suspended)), ("scheduled", number(counts.scheduled)),
            ("units_added", number(units.added.count)), ("units_changed", number(units.changed.count)),
            ("unit_findings", number(units.findings.count)), ("rejected_by_reason", reasons(rejected)),
            ("warnings_by_reason", reasons(warnings)),
        ])
        // Nothing says the same as ever: everybody.
        if coverage != .everybody { json["coverage"] = .string(coverage.rawValue) }
        return json
    }
}

/// What a load writes for one person.
struct PersonStep: Sendable {
    /// Of the file.
    var row: Int
    var person: Person
    var isNew: Bool
    var isChanged: Bool
    /// The number the person is known by from now on, where it is another one.
    var newNIP: PersonAlias.Kind?
    var nip: String
    /// Nil for a new account.
    var accountID: AccountID?
    var oldState: AccountState?
    /// Nil where the account stays as it is.
    var newState: AccountState?
    var stateBy: StateSource?
    var isActiveSuperadmin = false
    /// The person as known.
    var known: KnownPerson?
    var kinds = ChangeKinds()
    var scheduled: [ScheduledStep] = []
}

/// A person as known before a load; apart, because most steps of a first load have none.
final class KnownPerson: Sendable {
    let person: Person

    init(_ person: Person) {
        self.person = person
    }
}

/// What happens to the things that wait for a person.
struct ScheduledStep: Sendable {
    let isAdded: Bool
    /// As it will be; its load and, of an addition, its person are those of the writing.
    let change: ScheduledChange
    /// As it is; nil for an addition.
    let before: ScheduledChange?
}
