internal import GapuraFormats
package import GapuraStore

/// What a `kedudukan_hukum` code means for the account of its person: a setting of the city, with the default of the
/// domain notes, section 2.2.
///
/// A code that stands nowhere leaves a known account as it is and gives a new one `menunggu`: nothing unknown ever
/// activates.
package struct AccountStateTable: Sendable {
    /// What one code asks for.
    package enum Rule: Sendable, Equatable {
        case state(AccountState)
        /// A known account keeps its state; a new one waits.
        case keep
    }

    /// A setting that cannot be one.
    package struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
        package let code: String
        package let value: String

        package var description: String {
            let words = AccountState.allCases.map(\.rawValue).joined(separator: ", ")
            return "account state \"\(value)\" for code \(code) is none of \(words), keep"
        }
    }

    private var rules: [ExactText: Rule]
    private var reviewed: Set<ExactText>

    /// The default table.
    package init() {
        rules = [:]
        for code in ["01", "15", "16", "11", "71", "73", "101"] { rules[ExactText(code)] = .state(.aktif) }
        for code in ["51"] { rules[ExactText(code)] = .state(.menunggu) }
        for code in ["03", "05", "06", "07", "08", "12", "20"] { rules[ExactText(code)] = .state(.terbatas) }
        for code in ["02", "13", "04", "14", "92", "90"] { rules[ExactText(code)] = .state(.ditangguhkan) }
        for code in ["52", "66", "67", "68", "69", "70", "77", "88", "89", "91", "98", "99"] {
            rules[ExactText(code)] = .state(.nonaktif)
        }
        for code in ["09", "72"] { rules[ExactText(code)] = .keep }
        reviewed = Set(["05", "06", "07", "08", "12", "09", "72", "90"].map { ExactText($0) })
    }

    /// The default table with some codes decided otherwise: a state's word, or `keep`.
    package init(overrides: [String: String]) throws(Problem) {
        self.init()
        for (code, value) in overrides.sorted(by: { $0.key < $1.key }) {
            if value == "keep" {
                rules[ExactText(code)] = .keep
            } else if let state = AccountState(rawValue: value) {
                rules[ExactText(code)] = .state(state)
            } else {
                throw Problem(code: code, value: value)
            }
            reviewed.remove(ExactText(code))
        }
    }

    /// Whether the code stands in the table.
    package func knows(_ code: String?) -> Bool {
        code.map { rules[ExactText($0)] != nil } ?? false
    }

    /// Whether somebody at BKPSDM should look at a person with this code.
    package func needsReview(_ code: String?) -> Bool {
        guard let code, rules[ExactText(code)] != nil else { return true }
        return reviewed.contains(ExactText(code))
    }

    /// The state an account gets.
    ///
    /// - Parameters:
    ///   - current: the state it has; nil for a new account.
    ///   - worksHere: who works for another government is known, and may not sign in.
    package func state(for code: String?, current: AccountState?, worksHere: Bool) -> AccountState {
        let rule = code.flatMap { rules[ExactText($0)] } ?? .keep
        let state: AccountState =
            switch rule {
            case .state(let state): state
            case .keep: current ?? .menunggu
            }
        return !worksHere && state.maySignIn ? .menunggu : state
    }

    /// What the code itself decides, whatever the account's state; nil where it leaves that as it is.
    func decided(for code: String?, worksHere: Bool) -> AccountState? {
        guard let code, case .state(let state) = rules[ExactText(code)] else { return nil }
        return !worksHere && state.maySignIn ? .menunggu : state
    }
}
