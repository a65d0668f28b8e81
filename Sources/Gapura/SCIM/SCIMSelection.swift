import GapuraFormats

/// Which attributes of a resource are answered: `attributes` and `excludedAttributes` of RFC 7644 section 3.9. What is
/// never returned is in no resource to begin with (attack 242).
struct SCIMSelection: Sendable {
    private let type: SCIMResourceType
    private let only: [SCIMAttributeName]?
    private let without: [SCIMAttributeName]

    /// - Throws: `SCIMProblem` 400.
    init(_ type: SCIMResourceType, attributes: String?, excluded: String?) throws(SCIMProblem) {
        self.type = type
        only = try attributes.map(Self.names)
        without = try excluded.map(Self.names) ?? []
        guard only == nil || without.isEmpty else {
            throw SCIMProblem(.invalidValue, "attributes and excludedAttributes exclude each other.")
        }
    }

    private static func names(_ text: String) throws(SCIMProblem) -> [SCIMAttributeName] {
        let parts = text.utf8.split(separator: UInt8(ascii: ",")).map { part in
            String(decoding: part.filter { $0 != 0x20 }, as: UTF8.self)
        }
        guard parts.count <= 100 else { throw SCIMProblem(.invalidValue, "Too many attributes are named.") }
        var names: [SCIMAttributeName] = []
        for part in parts {
            guard let path = try? SCIMPath(part), path.filter == nil else {
                throw SCIMProblem(.invalidValue, "attributes names attributes, with commas between them.")
            }
            names.append(path.attribute)
        }
        return names
    }

    func apply(_ resource: JSONObject) -> JSONObject {
        if let only { return selected(resource, only) }
        return without.isEmpty ? resource : removed(resource)
    }

    private static let always = ["schemas", "id"]

    private func selected(_ resource: JSONObject, _ names: [SCIMAttributeName]) -> JSONObject {
        var found: JSONObject = [:]
        for key in Self.always { found[key] = resource[key] }
        for name in names {
            if let urn = whole(name) {
                found[urn] = resource[urn]
            } else if let (attribute, urn) = type.find(name) {
                let holder = urn.map { resource[$0]?.object ?? [:] } ?? resource
                guard let value = holder[attribute.name] else { continue }
                let part = name.sub.map { Self.only($0, of: value, attribute) } ?? value
                if let urn {
                    found[urn] = .object((found[urn]?.object ?? [:]).adding(attribute.name, part))
                } else {
                    found[attribute.name] = part
                }
            }
        }
        return found
    }

    private func removed(_ resource: JSONObject) -> JSONObject {
        var rest = resource
        for name in without {
            if let urn = whole(name) {
                rest[urn] = nil
            } else if let (attribute, urn) = type.find(name), !Self.always.contains(attribute.name) {
                var holder = urn.map { rest[$0]?.object ?? [:] } ?? rest
                holder[attribute.name] = name.sub.flatMap { sub in
                    holder[attribute.name].map { Self.without(sub, in: $0, attribute) }
                }
                if let urn { rest[urn] = .object(holder) } else { rest = holder }
            }
        }
        return rest
    }

    /// The URN of an extension, named as a whole: its last part looks like an attribute.
    private func whole(_ name: SCIMAttributeName) -> String? { type.extensionNamed(name.description)?.id }

    private static func only(_ sub: String, of value: JSONValue, _ attribute: SCIMAttribute) -> JSONValue {
        guard let part = attribute.parts.first(where: { $0.isNamed(sub) }) else { return value }
        if let many = value.array {
            return .array(many.map { one in .object(one[part.name].map { [part.name: $0] } ?? [:]) })
        }
        return .object(value[part.name].map { [part.name: $0] } ?? [:])
    }

    private static func without(_ sub: String, in value: JSONValue, _ attribute: SCIMAttribute) -> JSONValue {
        guard let part = attribute.parts.first(where: { $0.isNamed(sub) }) else { return value }
        if let many = value.array {
            return .array(many.map { one in one.object.map { .object($0.removing(part.name)) } ?? one })
        }
        return value.object.map { .object($0.removing(part.name)) } ?? value
    }
}
