import GapuraFormats
import GapuraStore

/// Typed access to the arguments of an operation; unknown and mistyped ones are refused, since a misspelt flag that is
/// ignored does harm.
struct OperationArguments: Sendable {
    private let object: JSONObject

    init(_ object: JSONObject, of operation: String, _ members: [String]) throws {
        for name in object.keys where !members.contains(where: { $0.isExactly(name) }) {
            throw OperationError(
                .invalid, "\(operation) knows no member of that name; it takes \(members.joined(separator: ", ")).",
                id: "\(operation) hanya mengenal \(members.joined(separator: ", "))."
            )
        }
        self.object = object
    }

    /// Whether it was given at all.
    func has(_ name: String) -> Bool { value(name) != nil }

    func text(_ name: String) throws -> String {
        guard let text = try optionalText(name) else {
            throw OperationError(.invalid, "\(name) is missing.", id: "\(name) belum diisi.")
        }
        return text
    }

    func optionalText(_ name: String) throws -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.string, !text.isEmpty, text.utf8.count <= 4096, !text.utf8.contains(0) else {
            throw wrong(name, "a text")
        }
        return text
    }

    /// A token or password: longer than other texts, and in no error.
    func optionalSecret(_ name: String) throws -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.string, !text.isEmpty, text.utf8.count <= 32_768 else { throw wrong(name, "a text") }
        return text
    }

    func texts(_ name: String) throws -> [String] {
        guard let value = value(name) else { return [] }
        guard let texts = value.strings, texts.count <= 1000 else { throw wrong(name, "an array of strings") }
        return texts
    }

    func optionalInteger(_ name: String, _ range: ClosedRange<Int64>) throws -> Int64? {
        guard let value = value(name) else { return nil }
        guard let number = value.integer, range.contains(number) else {
            throw wrong(name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func flag(_ name: String) throws -> Bool {
        guard let value = value(name) else { return false }
        guard let flag = value.bool else { throw wrong(name, "true or false") }
        return flag
    }

    /// Nil where it was not said.
    func optionalFlag(_ name: String) throws -> Bool? { try has(name) ? flag(name) : nil }

    func optionalID<Entity>(_ name: String, _ type: ID<Entity>.Type = ID<Entity>.self) throws -> ID<Entity>? {
        guard let text = try optionalText(name) else { return nil }
        guard let id = ID<Entity>(text) else { throw wrong(name, "an id") }
        return id
    }

    func object(_ name: String) throws -> JSONObject {
        guard let object = value(name)?.object else { throw wrong(name, "a JSON object") }
        return object
    }

    /// Flat JSON objects: rows of a table.
    func objects(_ name: String, atMost limit: Int) throws -> [JSONObject] {
        guard let values = value(name)?.array else { throw wrong(name, "an array of JSON objects") }
        guard values.count <= limit else { throw wrong(name, "an array of at most \(limit) objects") }
        return try values.map { value in
            guard let object = value.object, object.members.allSatisfy({ $0.value.isFlat }) else {
                throw wrong(name, "an array of JSON objects whose members are texts, numbers or truths")
            }
            return object
        }
    }

    /// A moment: the end of the day `2026-12-31` in the city's time zone, or ISO 8601.
    func optionalTime(_ name: String, in timeZone: String) throws -> Timestamp? {
        guard let text = try optionalText(name) else { return nil }
        guard let moment = TimeText.parse(text, in: timeZone) else {
            throw wrong(name, "a day such as 2026-12-31, or a moment such as 2026-12-31T16:00:00Z")
        }
        return moment
    }

    /// One of the words of an enumeration.
    func optionalWord<Word: RawRepresentable<String> & CaseIterable>(_ name: String, _ type: Word.Type = Word.self)
        throws -> Word?
    {
        guard let text = try optionalText(name) else { return nil }
        guard let word = type.allCases.first(where: { $0.rawValue.isExactly(text) }) else {
            throw wrong(name, "one of " + type.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return word
    }

    private func value(_ name: String) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    private func wrong(_ name: String, _ form: String) -> OperationError {
        OperationError(.invalid, "\(name) must be \(form).", id: "\(name) harus berupa \(form).")
    }
}

extension JSONValue {
    /// Whether nothing is in it: one cell of a table.
    fileprivate var isFlat: Bool { array == nil && object == nil }
}
