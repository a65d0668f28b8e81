internal import GapuraFormats
internal import GapuraStore

/// A row of the directory as the columns that a load may change, so that what changed can be kept and put back.
protocol ChangedValues {
    /// Every column with its value, always in the same order.
    var values: [(column: String, value: JSONValue)] { get }
    /// Sets a column; one it does not know is left alone.
    mutating func set(_ column: String, _ value: JSONValue)
}

extension ChangedValues {
    /// The columns that differ, as they were and as they are.
    func difference(to other: Self) -> (before: JSONObject, after: JSONObject)? {
        var before = JSONObject()
        var after = JSONObject()
        for (old, new) in zip(values, other.values) where !old.value.isSame(new.value) {
            before[old.column] = old.value
            after[new.column] = new.value
        }
        return after.isEmpty ? nil : (before, after)
    }

    func value(_ column: String) -> JSONValue? {
        values.first { $0.column == column }?.value
    }
}

extension JSONValue {
    /// Texts are the same when their bytes are.
    func isSame(_ other: JSONValue) -> Bool {
        switch (self, other) {
        case (.string(let left), .string(let right)): left.isExactly(right)
        case (.integer(let left), .integer(let right)): left == right
        case (.null, .null): true
        default: false
        }
    }

    fileprivate init(_ text: String?) { self = text.map { .string($0) } ?? .null }
    fileprivate init(_ moment: Timestamp?) { self = moment.map { .integer($0.milliseconds) } ?? .null }
    fileprivate init(_ flag: Bool) { self = .integer(flag ? 1 : 0) }
    fileprivate var moment: Timestamp? { integer.map { Timestamp(milliseconds: $0) } }
}

extension Person: ChangedValues {
    var values: [(column: String, value: JSONValue)] {
        [
            ("name", JSONValue(name)), ("front_title", JSONValue(frontTitle)), ("back_title", JSONValue(backTitle)),
            ("employee_kind", JSONValue(employeeKind.rawValue)), ("status_code", JSONValue(statusCode)),
            ("status_name", JSONValue(statusName)), ("grade", JSONValue(grade)), ("post_kind", JSONValue(postKind)),
            ("post_id", JSONValue(postID)), ("post_name", JSONValue(postName)), ("post_since", JSONValue(postSince)),
            ("unit_id", JSONValue(unitID?.text)), ("works_here", JSONValue(worksHere)), ("email", JSONValue(email)),
            ("phone", JSONValue(phone)), ("needs_review", JSONValue(needsReview)),
        ]
    }

    mutating func set(_ column: String, _ value: JSONValue) {
        switch column {
        case "name": name = value.string ?? name
        case "front_title": frontTitle = value.string
        case "back_title": backTitle = value.string
        case "employee_kind": employeeKind = value.string.flatMap(EmployeeKind.init) ?? employeeKind
        case "status_code": statusCode = value.string
        case "status_name": statusName = value.string
        case "grade": grade = value.string
        case "post_kind": postKind = value.string
        case "post_id": postID = value.string
        case "post_name": postName = value.string
        case "post_since": postSince = value.moment
        case "unit_id": unitID = value.string.flatMap { UnitID($0) }
        case "works_here": worksHere = value.integer == 1
        case "email": email = value.string
        case "phone": phone = value.string
        case "needs_review": needsReview = value.integer == 1
        default: break
        }
    }
}

extension Unit: ChangedValues {
    /// Those that say where a unit stands; they go back together or not at all.
    static let place: Set<String> = ["parent_id", "agency_id", "path"]

    var values: [(column: String, value: JSONValue)] {
        [
            ("parent_id", JSONValue(parentID?.text)), ("agency_id", JSONValue(agencyID?.text)),
            ("path", JSONValue(path)),
            ("name", JSONValue(name)), ("post_name", JSONValue(postName)), ("kind", JSONValue(kind)),
            ("echelon", JSONValue(echelon)), ("head_pns_id", JSONValue(headPNSID)), ("valid_to", JSONValue(validTo)),
        ]
    }

    mutating func set(_ column: String, _ value: JSONValue) {
        switch column {
        case "parent_id": parentID = value.string.flatMap { UnitID($0) }
        case "agency_id": agencyID = value.string.flatMap { UnitID($0) }
        case "path": path = value.string ?? path
        case "name": name = value.string ?? name
        case "post_name": postName = value.string
        case "kind": kind = value.string
        case "echelon": echelon = value.string
        case "head_pns_id": headPNSID = value.string
        case "valid_to": validTo = value.moment
        default: break
        }
    }
}

extension ScheduledChange: ChangedValues {
    var values: [(column: String, value: JSONValue)] {
        [
            ("state", JSONValue(state.rawValue)), ("state_before", JSONValue(stateBefore?.rawValue)),
            ("decided_at", JSONValue(decidedAt)),
        ]
    }

    mutating func set(_ column: String, _ value: JSONValue) {
        switch column {
        case "state": state = value.string.flatMap(State.init) ?? state
        case "state_before": stateBefore = value.string.flatMap(AccountState.init)
        case "decided_at": decidedAt = value.moment
        default: break
        }
    }
}

extension LoadChange {
    /// Nil where nothing differs.
    init?<Value: ChangedValues>(_ entity: Entity, _ id: String, from old: Value, to new: Value) {
        guard let difference = old.difference(to: new) else { return nil }
        self.init(
            entity: entity, entityID: id, before: JSONValue.object(difference.before).encodedText(),
            after: JSONValue.object(difference.after).encodedText())
    }

    /// A row that was made; `after` is what an undo compares with.
    init(made entity: Entity, _ id: String, _ after: JSONObject) {
        self.init(entity: entity, entityID: id, before: nil, after: JSONValue.object(after).encodedText())
    }

    /// An account's state and who decided it.
    init(_ account: AccountID, from old: (AccountState, StateSource), to new: (AccountState, StateSource)) {
        self.init(
            entity: .account, entityID: account.text, before: Self.state(old), after: Self.state(new))
    }

    static func state(_ state: (AccountState, StateSource)) -> String {
        JSONValue.object(["state": .string(state.0.rawValue), "by": .string(state.1.rawValue)]).encodedText()
    }

    /// An alias that ended, or whose end was taken back.
    init(_ alias: AliasID, endFrom old: Timestamp?, to new: Timestamp?) {
        self.init(
            entity: .alias, entityID: alias.text,
            before: JSONValue.object(["valid_to": JSONValue(old)]).encodedText(),
            after: JSONValue.object(["valid_to": JSONValue(new)]).encodedText())
    }
}
