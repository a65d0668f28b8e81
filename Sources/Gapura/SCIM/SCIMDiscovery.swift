import GapuraFormats
import Hummingbird

/// What the service can do, its resource types and schemas (RFC 7643 sections 5 to 7).
enum SCIMDiscovery {
    static let listSchema = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

    static let schemas = SCIMResourceType.all.flatMap(\.schemas)

    static func configuration(base: String) -> JSONObject {
        [
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": ["supported": true],
            "bulk": [
                "supported": true, "maxOperations": .integer(Int64(SCIMBulk.maximumOperations)),
                "maxPayloadSize": .integer(Int64(SCIMEndpoint.maximumBytes)),
            ],
            "filter": ["supported": true, "maxResults": .integer(SCIMRequest.maximumCount)],
            "changePassword": ["supported": false], "sort": ["supported": false], "etag": ["supported": true],
            "authenticationSchemes": [
                [
                    "type": "oauthbearertoken", "name": "OAuth 2",
                    "description": "A token by client_credentials with the scope personnel.",
                    "specUri": "https://www.rfc-editor.org/rfc/rfc6750", "primary": true,
                ]
            ],
            "meta": [
                "resourceType": "ServiceProviderConfig", "location": .string("\(base)/ServiceProviderConfig"),
            ],
        ]
    }

    /// All of them. A filter is refused (RFC 7644 section 4).
    static func list(_ items: [JSONObject], _ request: SCIMRequest) throws(SCIMProblem) -> Response {
        guard try request.query().query.filter == nil else {
            throw SCIMProblem(.forbidden, nil, "These are not filtered.")
        }
        return SCIMAnswer.make([
            "schemas": [.string(listSchema)], "totalResults": .integer(Int64(items.count)), "startIndex": 1,
            "itemsPerPage": .integer(Int64(items.count)), "Resources": .array(items.map { .object($0) }),
        ])
    }

    static func one(_ items: [JSONObject], _ request: SCIMRequest) throws(SCIMProblem) -> Response {
        let id = try request.segment()
        guard let item = items.first(where: { $0["id"]?.string?.isExactly(id) == true }) else {
            throw SCIMProblem.unknown
        }
        return SCIMAnswer.make(item)
    }
}
