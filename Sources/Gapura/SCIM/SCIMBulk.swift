import GapuraDirectory
import GapuraFormats
import HTTPTypes

/// Many requests in one (RFC 7644 section 3.7), one after the other, those last that need the ids of others.
struct SCIMBulk: Sendable {
    static let requestSchema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
    static let responseSchema = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
    static let maximumOperations = 100

    private let directory: SCIMDirectory

    init(_ directory: SCIMDirectory) {
        self.directory = directory
    }

    private struct Operation: Sendable {
        let method: HTTPRequest.Method
        let path: String
        let bulkID: String?
        let data: JSONObject
        let version: String?
        /// The ids of others in this request that it needs.
        let needs: Set<String>
    }

    /// - Throws: `SCIMProblem` for a request that is none; what is wrong with one operation stands in its answer.
    func run(_ body: JSONObject, base: String) async throws -> JSONObject {
        guard body.member("schemas")?.strings?.contains(Self.requestSchema) == true,
            let list = body.member("Operations")?.array, !list.isEmpty
        else { throw SCIMProblem(.invalidSyntax, "A bulk has the schema \(Self.requestSchema) and Operations.") }
        guard list.count <= Self.maximumOperations else {
            throw SCIMProblem(.contentTooLarge, nil, "At most \(Self.maximumOperations) operations are taken at once.")
        }
        let limit = body.member("failOnErrors")?.integer.map { max(1, $0) } ?? .max
        let operations = try list.map(Self.operation)
        let ids = operations.compactMap(\.bulkID)
        guard Set(ids).count == ids.count else {
            throw SCIMProblem(.invalidValue, "A bulkId is there twice.")
        }
        var answers = [JSONObject?](repeating: nil, count: operations.count)
        var made: [String: String] = [:]
        var (failures, waiting) = (Int64(0), Array(operations.indices))
        while !waiting.isEmpty, failures < limit {
            var rest: [Int] = []
            for index in waiting where failures < limit {
                let operation = operations[index]
                guard operation.needs.allSatisfy({ made[$0] != nil }) else {
                    rest.append(index)
                    continue
                }
                let (answer, id) = await carryOut(operation, made)
                answers[index] = answer
                if let id, let bulkID = operation.bulkID { made[bulkID] = id }
                if id == nil { failures += 1 }
            }
            guard rest.count < waiting.count else {
                // Nothing can begin any more: what they need failed, is not there, or is each other.
                for index in rest where failures < limit {
                    answers[index] = Self.answer(
                        operations[index], stuck(operations[index], rest.map { operations[$0] }, ids))
                    failures += 1
                }
                break
            }
            waiting = rest
        }
        return [
            "schemas": [.string(Self.responseSchema)],
            "Operations": .array(answers.compactMap { $0.map { .object($0) } }),
        ]
    }

    private func stuck(_ operation: Operation, _ rest: [Operation], _ ids: [String]) -> SCIMProblem {
        let waiting = Set(rest.compactMap(\.bulkID))
        guard operation.needs.isSubset(of: ids) else {
            return SCIMProblem(.invalidValue, "It names a bulkId that is not in this request.")
        }
        return operation.needs.isDisjoint(with: waiting)
            ? SCIMProblem(.invalidValue, "What it needs was not made.")
            : SCIMProblem(.conflict, nil, "It needs what needs it.")
    }

    // MARK: One operation

    private static func operation(_ item: JSONValue) throws(SCIMProblem) -> Operation {
        guard let object = item.object, let name = object.member("method")?.string?.uppercased(),
            let method = HTTPRequest.Method(name), [.post, .put, .patch, .delete].contains(method),
            let path = object.member("path")?.string
        else { throw SCIMProblem(.invalidSyntax, "An operation has a method (POST, PUT, PATCH, DELETE) and a path.") }
        let bulkID = object.member("bulkId")?.string
        guard method != .post || bulkID?.isEmpty == false else {
            throw SCIMProblem(.invalidSyntax, "An operation with POST has a bulkId.")
        }
        let data = object.member("data")?.object ?? [:]
        guard method == .delete || object.member("data")?.object != nil else {
            throw SCIMProblem(.invalidSyntax, "An operation with \(name) has data.")
        }
        var needs: Set<String> = []
        collect(.object(data), &needs)
        for part in path.split(separator: "/") { reference(String(part)).map { _ = needs.insert($0) } }
        return Operation(
            method: method, path: path, bulkID: bulkID, data: data, version: object.member("version")?.string,
            needs: needs)
    }

    private static func reference(_ text: String) -> String? {
        text.utf8.starts(with: "bulkId:".utf8) ? String(Substring(text.utf8.dropFirst(7))) : nil
    }

    /// The depth of the body was limited when it was read.
    private static func collect(_ value: JSONValue, _ found: inout Set<String>) {
        switch value {
        case .string(let text): if let id = reference(text) { found.insert(id) }
        case .array(let values): for value in values { collect(value, &found) }
        case .object(let object): for member in object.members { collect(member.value, &found) }
        case .null, .bool, .integer, .double: break
        }
    }

    private static func resolved(_ value: JSONValue, _ made: [String: String]) -> JSONValue {
        switch value {
        case .string(let text): .string(reference(text).flatMap { made[$0] } ?? text)
        case .array(let values): .array(values.map { resolved($0, made) })
        case .object(let object): .object(JSONObject(object.members.map { ($0.key, resolved($0.value, made)) }))
        case .null, .bool, .integer, .double: value
        }
    }

    /// - Returns: its answer, and the id of the resource if it went well.
    private func carryOut(_ operation: Operation, _ made: [String: String]) async -> (JSONObject, String?) {
        do {
            let resource = try await resource(operation, made)
            var answer = Self.answer(operation)
            answer["location"] = resource["meta"]?["location"]
            answer["version"] = resource["meta"]?["version"]
            answer["status"] = operation.method == .post ? "201" : "200"
            return (answer, resource["id"]?.string)
        } catch {
            return (Self.answer(operation, SCIMProblem(error)), nil)
        }
    }

    private func resource(_ operation: Operation, _ made: [String: String]) async throws -> JSONObject {
        let parts = operation.path.split(separator: "/").map { part in
            Self.reference(String(part)).flatMap { made[$0] } ?? String(part)
        }
        guard let type = SCIMResourceType.all.first(where: { $0.endpoint.isExactly("/\(parts.first ?? "")") }),
            parts.count == (operation.method == .post ? 1 : 2)
        else { throw SCIMProblem(.invalidPath, "A path is /Users or /Groups, with an id unless it is POST.") }
        let isUser = type.name == "User"
        guard let data = Self.resolved(.object(operation.data), made).object else { throw SCIMProblem.unknown }
        let (id, version) = (parts.last ?? "", operation.version)
        switch operation.method {
        case .post: return try await isUser ? directory.addUser(data) : directory.addGroup(data)
        case .put:
            return try await isUser
                ? directory.replaceUser(id, data, if: version) : directory.replaceGroup(id, data, if: version)
        case .patch:
            let patch = try SCIMPatch(data)
            return try await isUser
                ? directory.patchUser(id, patch, if: version) : directory.patchGroup(id, patch, if: version)
        default:
            _ = try await isUser ? directory.user(id) : directory.group(id)
            throw Self.deletion(isUser)
        }
    }

    private static func answer(_ operation: Operation, _ problem: SCIMProblem? = nil) -> JSONObject {
        var json: JSONObject = ["method": .string(operation.method.rawValue)]
        json["bulkId"] = operation.bulkID.map { .string($0) }
        guard let problem else { return json }
        // A path of ours and not what somebody wrote.
        json["status"] = .string("\(problem.status.code)")
        json["response"] = .object(problem.jsonObject)
        return json
    }

    /// Nothing is deleted: people leave by what their status says, units by a reorganisation.
    static func deletion(_ isUser: Bool) -> SCIMProblem {
        SCIMProblem(
            .forbidden, nil,
            isUser
                ? "Nobody is deleted by a feed: send the status (kedudukan_hukum_id) with which they leave."
                : "A unit is closed by a reorganisation (gapura unit draft), not by a feed.")
    }
}
