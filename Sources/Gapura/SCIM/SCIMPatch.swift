import GapuraFormats

/// A PATCH request (RFC 7644 section 3.5.2): operations, one after the other, on what may be written of a resource.
struct SCIMPatch: Sendable {
    static let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
    private static let maximumOperations = 100
    /// Elements of one attribute; more than a unit has members.
    private static let maximumElements = 10_000
    /// Elements that the filters of one PATCH look at.
    private static let maximumVisits = 100_000

    fileprivate enum Verb: String {
        case add
        case replace
        case remove
    }

    fileprivate struct Operation: Sendable {
        let verb: Verb
        let path: SCIMPath?
        let value: JSONValue?
    }

    private let operations: [Operation]

    /// - Throws: `SCIMProblem` 400.
    init(_ body: JSONObject) throws(SCIMProblem) {
        guard
            body.member("schemas")?.strings?.contains(where: { $0.lowercased().isExactly(Self.schema.lowercased()) })
                == true
        else { throw SCIMProblem(.invalidSyntax, "A PATCH has the schema \(Self.schema).") }
        guard let list = body.member("Operations")?.array, !list.isEmpty, list.count <= Self.maximumOperations else {
            throw SCIMProblem(.invalidSyntax, "Operations has 1 to \(Self.maximumOperations) operations.")
        }
        var operations: [Operation] = []
        for item in list {
            guard let object = item.object,
                let verb = object.member("op")?.string.flatMap({ Verb(rawValue: $0.lowercased()) })
            else { throw SCIMProblem(.invalidSyntax, "op is add, replace or remove.") }
            var path: SCIMPath?
            if let given = object.member("path"), !given.isNull {
                guard let text = given.string, let parsed = try? SCIMPath(text) else {
                    throw SCIMProblem(.invalidPath, "A path cannot be understood.")
                }
                path = parsed
            }
            let value = object.member("value")
            guard verb == .remove || value != nil else {
                throw SCIMProblem(.invalidValue, "\(verb.rawValue) needs a value.")
            }
            guard verb != .remove || path != nil else { throw SCIMProblem(.noTarget, "remove needs a path.") }
            operations.append(Operation(verb: verb, path: path, value: value))
        }
        self.operations = operations
    }

    /// The resource after the operations.
    /// - Throws: `SCIMProblem` 400.
    func apply(to resource: JSONObject, of type: SCIMResourceType) throws(SCIMProblem) -> JSONObject {
        var resource = resource
        var visits = 0
        for operation in operations {
            if let path = operation.path {
                if path.filter != nil {
                    visits += Self.elements(of: path, resource, type)
                    guard visits <= Self.maximumVisits else {
                        throw SCIMProblem(.tooMany, "The filters of this PATCH look at too many elements; send less.")
                    }
                }
                try Self.change(operation, path, &resource, type)
            } else {
                try Self.merge(operation, &resource, type)
            }
        }
        return resource
    }

    /// Without a path the value is a part of the resource.
    private static func merge(_ operation: Operation, _ resource: inout JSONObject, _ type: SCIMResourceType)
        throws(SCIMProblem)
    {
        guard let object = operation.value?.object else {
            throw SCIMProblem(.invalidValue, "Without a path, value is an object.")
        }
        for (key, value) in object.members {
            if let own = type.extensionNamed(key) {
                guard let members = value.object else { throw SCIMProblem(.invalidValue, "\(own.name) is an object.") }
                for (name, value) in members.members {
                    try one(operation, SCIMAttributeName(schema: own.id, name: name), value, &resource, type)
                }
            } else {
                guard let name = try? SCIMPath(key), name.filter == nil else {
                    throw SCIMProblem(.invalidPath, "value has a member that is no attribute.")
                }
                try one(operation, name.attribute, value, &resource, type)
            }
        }
    }

    private static func one(
        _ operation: Operation, _ name: SCIMAttributeName, _ value: JSONValue, _ resource: inout JSONObject,
        _ type: SCIMResourceType
    ) throws(SCIMProblem) {
        // Who sends the whole resource back sends what cannot be written as it is.
        if let (attribute, urn) = type.find(name), attribute.mutability == .readOnly {
            let holder = urn.map { resource[$0]?.object ?? [:] } ?? resource
            if attribute.isNamed("schemas") || holder[attribute.name] == value { return }
        }
        let path = SCIMPath(whole: name)
        try change(Operation(verb: operation.verb, path: path, value: value), path, &resource, type)
    }

    // MARK: One attribute

    private static func change(
        _ operation: Operation, _ path: SCIMPath, _ resource: inout JSONObject, _ type: SCIMResourceType
    ) throws(SCIMProblem) {
        guard let (attribute, urn) = type.find(path.attribute) else {
            throw SCIMProblem(.invalidPath, "There is no attribute \(path.attribute).")
        }
        guard attribute.mutability != .readOnly else { throw readOnly(attribute) }
        var holder = urn.map { resource[$0]?.object ?? [:] } ?? resource
        let name = attribute.name
        if let filter = path.filter {
            guard attribute.isMany, path.attribute.sub == nil else {
                throw SCIMProblem(.invalidPath, "\(name) has no elements to choose from.")
            }
            holder[name] = try elements(holder[name]?.array ?? [], attribute, filter, path.sub, operation)
        } else if let sub = path.attribute.sub {
            let part = try part(sub, of: attribute)
            if attribute.isMany {
                let many = (holder[name]?.array ?? []).compactMap(\.object)
                guard !many.isEmpty || operation.verb != .remove else { throw noTarget }
                let changed = (many.isEmpty ? [[:]] : many).map { $0.setting(part.name, operation) }
                holder[name] = .array(changed.map { .object($0) })
            } else {
                holder[name] = .object((holder[name]?.object ?? [:]).setting(part.name, operation))
            }
        } else {
            holder[name] = try whole(holder[name], attribute, operation)
        }
        if let urn { resource[urn] = .object(holder) } else { resource = holder }
    }

    private static func whole(_ old: JSONValue?, _ attribute: SCIMAttribute, _ operation: Operation)
        throws(SCIMProblem) -> JSONValue?
    {
        guard operation.verb != .remove, let value = operation.value, !value.isNull else { return nil }
        if attribute.isMany {
            let given = value.array ?? [value]
            guard given.allSatisfy({ $0.object != nil }) else {
                throw SCIMProblem(.invalidValue, "\(attribute.name) holds objects.")
            }
            guard given.count <= maximumElements else { throw tooMany(attribute) }
            guard operation.verb == .add else { return .array(given) }
            let known = old?.array ?? []
            let values = Set(known.compactMap { $0["value"]?.string }.map(ExactText.init))
            let bare = known.filter { $0["value"] == nil }
            let new = given.filter { one in
                guard let value = one["value"] else { return !bare.contains(one) }
                return value.string.map { !values.contains(ExactText($0)) } ?? true
            }
            guard known.count + new.count <= maximumElements else { throw tooMany(attribute) }
            return .array(known + new)
        }
        if attribute.kind == .complex {
            guard let object = value.object else {
                throw SCIMProblem(.invalidValue, "\(attribute.name) is an object.")
            }
            var merged = old?.object ?? [:]
            for (key, value) in object.members {
                guard let part = attribute.parts.first(where: { $0.isNamed(key) }), part.mutability != .readOnly else {
                    continue
                }
                merged[part.name] = value.isNull ? nil : value
            }
            return .object(merged)
        }
        return value
    }

    private static func tooMany(_ attribute: SCIMAttribute) -> SCIMProblem {
        SCIMProblem(.tooMany, "\(attribute.name) has at most \(maximumElements) elements.")
    }

    /// How many elements a filter of a path would look at.
    private static func elements(of path: SCIMPath, _ resource: JSONObject, _ type: SCIMResourceType) -> Int {
        guard let (attribute, urn) = type.find(path.attribute) else { return 0 }
        let holder = urn.map { resource[$0]?.object ?? [:] } ?? resource
        return holder[attribute.name]?.array?.count ?? 0
    }

    private static func elements(
        _ elements: [JSONValue], _ attribute: SCIMAttribute, _ filter: SCIMFilter, _ sub: String?,
        _ operation: Operation
    ) throws(SCIMProblem) -> JSONValue? {
        var part: SCIMAttribute?
        if let sub { part = try Self.part(sub, of: attribute) }
        var result: [JSONValue] = []
        var isFound = false
        for element in elements {
            guard let object = element.object, try matches(object, filter, attribute) else {
                result.append(element)
                continue
            }
            isFound = true
            if let part {
                result.append(.object(object.setting(part.name, operation)))
            } else if operation.verb != .remove {
                guard let new = operation.value?.object else {
                    throw SCIMProblem(.invalidValue, "\(attribute.name) holds objects.")
                }
                var merged = operation.verb == .add ? object : [:]
                for (key, value) in new.members { merged[key] = value }
                result.append(.object(merged))
            }
        }
        guard isFound else { throw noTarget }
        return result.isEmpty ? nil : .array(result)
    }

    /// Whether an element fulfils a filter of a path: texts and truths that are equal or not, or there at all.
    private static func matches(_ element: JSONObject, _ filter: SCIMFilter, _ attribute: SCIMAttribute)
        throws(SCIMProblem) -> Bool
    {
        switch filter {
        case .present(let name):
            return element[try part(name.description, of: attribute).name].map { !$0.isNull } ?? false
        case .compare(let name, let comparison, let value):
            let known = element[try part(name.description, of: attribute).name]
            switch comparison {
            case .equal: return known == value
            case .notEqual: return known != value
            case .contains, .startsWith, .endsWith, .greater, .greaterOrEqual, .less, .lessOrEqual:
                throw SCIMProblem(.invalidFilter, "The filter of a path compares by eq or ne.")
            }
        case .all(let terms):
            for term in terms where try !matches(element, term, attribute) { return false }
            return true
        case .any(let terms):
            for term in terms where try matches(element, term, attribute) { return true }
            return false
        case .not(let term): return try !matches(element, term, attribute)
        case .element: throw SCIMProblem(.invalidFilter, "The filter of a path names parts of one element.")
        }
    }

    private static func part(_ name: String, of attribute: SCIMAttribute) throws(SCIMProblem) -> SCIMAttribute {
        guard let part = attribute.parts.first(where: { $0.isNamed(name) }) else {
            throw SCIMProblem(.invalidPath, "\(attribute.name) has no part of that name.")
        }
        return part
    }

    private static func readOnly(_ attribute: SCIMAttribute) -> SCIMProblem {
        SCIMProblem(.mutability, "\(attribute.name) cannot be written. \(attribute.summary)")
    }

    private static let noTarget = SCIMProblem(.noTarget, "No element is as the path says.")
}

extension JSONObject {
    /// A member by its name without case, as SCIM wants it.
    func member(_ name: String) -> JSONValue? {
        self[name] ?? members.first { $0.key.lowercased().isExactly(name.lowercased()) }?.value
    }

    fileprivate func setting(_ name: String, _ operation: SCIMPatch.Operation) -> JSONObject {
        var copy = self
        copy[name] = operation.verb == .remove || operation.value?.isNull == true ? nil : operation.value
        return copy
    }
}
