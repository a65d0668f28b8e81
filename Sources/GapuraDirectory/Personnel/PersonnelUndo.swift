package import GapuraFormats
package import GapuraStore

/// Something an undo left as it is.
package struct UndoLeft: Sendable, Equatable {
    package enum Reason: String, Sendable, CaseIterable {
        /// A later load, an admin or a job changed it since.
        case changedSince = "changed_since"
        case lastSuperadmin = "last_superadmin"
        /// Somebody else has the number now.
        case numberTaken = "number_taken"
        /// People or units that came later are in it.
        case unitInUse = "unit_in_use"
        /// The unit that somebody would go back to was closed since.
        case unitClosed = "unit_closed"
        /// The row is no longer there.
        case gone

        package var indonesian: String {
            switch self {
            case .changedSince: "Sudah diubah lagi setelah muatan ini; dibiarkan seperti sekarang."
            case .lastSuperadmin: "Superadmin terakhir; akunnya tetap aktif."
            case .numberTaken: "NIP lamanya sekarang dipakai orang lain."
            case .unitInUse: "Unit ini masih dipakai orang atau unit yang datang kemudian."
            case .unitClosed: "Unit lamanya sudah ditutup; orangnya tetap di unit yang sekarang."
            case .gone: "Datanya sudah tidak ada."
            }
        }

        package var english: String {
            switch self {
            case .changedSince: "Changed again after this load; left as it is now."
            case .lastSuperadmin: "The last superadmin; the account keeps its state."
            case .numberTaken: "The former number is somebody else's now."
            case .unitInUse: "People or units that came later are in this unit."
            case .unitClosed: "The former unit was closed since; the person stays in the present one."
            case .gone: "It is no longer there."
            }
        }
    }

    package var entity: LoadChange.Entity
    package var entityID: String
    /// The columns that stay, where not all of them do.
    package var columns: [String]
    package var pnsID: String?
    package var name: String?
    package var reason: Reason
}

/// What taking a load back does, or did.
package struct UndoReport: Sendable, Equatable {
    package var load: LoadID
    /// Nil for a preview.
    package var undo: LoadID?
    /// Rows that go back, by what they are.
    package var people = 0
    package var numbers = 0
    package var accounts = 0
    package var units = 0
    package var scheduled = 0
    /// Of the accounts: made by the load, and `nonaktif` from now on.
    package var disabled = 0
    package var left: [UndoLeft] = []
    package var stop: PersonnelPlan.Stop?

    package var countsJSON: JSONObject {
        func number(_ value: Int) -> JSONValue { .integer(Int64(value)) }
        return JSONObject([
            ("people", number(people)), ("numbers", number(numbers)), ("accounts", number(accounts)),
            ("accounts_disabled", number(disabled)), ("units", number(units)), ("scheduled", number(scheduled)),
            ("left", number(left.count)),
        ])
    }
}

/// Why a load cannot be taken back. Nothing was changed.
package enum UndoRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    case unknown
    case undoneAlready(by: LoadID)
    /// It was applied by a version that did not keep what it changed, or its record was removed.
    case notKept
    case mustConfirm(PersonnelPlan.Stop)
    /// A second admin has to repeat the number; who asked may not.
    case needsSecondAdmin(PersonnelPlan.Stop)

    package var description: String {
        switch self {
        case .unknown: "there is no such load"
        case .undoneAlready(let undo): "the load was taken back already, by \(undo)"
        case .notKept: "what this load changed was not kept"
        case .mustConfirm(let stop):
            "\(stop.accounts) of \(stop.activeAccounts) accounts would lose their sign-in; repeat that number"
        case .needsSecondAdmin(let stop):
            "\(stop.accounts) of \(stop.activeAccounts) accounts would lose their sign-in; "
                + "another admin has to repeat that number"
        }
    }
}

/// Takes a load back: what it changed becomes what it was, unless something newer touched it. Nothing is deleted: whom
/// the load made keeps a closed account in the recycle bin. It is a load of its own, so it can be taken back too.
package struct PersonnelUndo: Sendable {
    private let store: Store
    private let options: PersonnelOptions

    package init(store: Store, options: PersonnelOptions) {
        self.store = store
        self.options = options
    }

    /// What it would do.
    package func preview(_ id: LoadID, now: Timestamp) async throws -> UndoReport {
        let options = options
        return try await store.read { tx in try UndoWork(tx, id, options, now).report }
    }

    /// - Parameters:
    ///   - confirmed: the number that `UndoReport.stop` asked to repeat.
    ///   - companion: what is looked at and written in the same transaction.
    package func run(
        _ id: LoadID, confirmed: Int? = nil, by actor: Actor, now: Timestamp,
        with companion: PersonnelCompanion = PersonnelCompanion()
    ) async throws -> UndoReport {
        let options = options
        let undo = LoadID.make(now: now)
        let (stop, askedBy) = try await confirm(id, confirmed, actor, now)
        return try await store.write { tx in
            try companion.before(tx)
            let work = try UndoWork(tx, id, options, now)
            // What was confirmed is what is done.
            if let found = work.report.stop, found.accounts != stop?.accounts { throw UndoRefusal.mustConfirm(found) }
            let report = try work.write(tx, undo, by: actor, askedBy: askedBy, options)
            try companion.after(tx)
            return report
        }
    }

    /// - Returns: what was confirmed, and by whom it was asked first where two had to agree.
    private func confirm(_ id: LoadID, _ confirmed: Int?, _ actor: Actor, _ now: Timestamp) async throws
        -> (stop: PersonnelPlan.Stop?, askedBy: String?)
    {
        let options = options
        let (stop, base) = try await store.read { tx in
            (try UndoWork(tx, id, options, now).report.stop, try tx.loads.latest()?.id)
        }
        guard let stop else { return (nil, nil) }
        let question = LoadConfirmation.Question(
            fileDigest: "undo \(id.text)", unitsDigest: nil, baseLoadID: base, stop: stop)
        switch try await LoadConfirmation(store, options).ask(question, confirmed, by: actor, at: now) {
        case .confirmed(let first): return (stop, first)
        case .mustConfirm: throw UndoRefusal.mustConfirm(stop)
        case .needsSecondAdmin: throw UndoRefusal.needsSecondAdmin(stop)
        }
    }
}
