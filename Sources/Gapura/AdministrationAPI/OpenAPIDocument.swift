import Foundation
import GapuraDirectory
package import GapuraFormats
import HTTPTypes

/// The administration API as an OpenAPI 3.1 document, from the table of its routes.
package enum OpenAPIDocument {
    /// - Parameter issuer: the gateway's address.
    package static func make(issuer: String) -> JSONValue {
        var paths: JSONObject = [:]
        for routes in APIRoutes.byPath {
            guard let path = routes.first?.path else { continue }
            var item = paths[path]?.object ?? [:]
            for route in routes { item[method(route)] = operation(route) }
            paths[path] = .object(item)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Gapura administration API", "version": "1",
                "description":
                    "The operations behind the commands of gapura, for admins through a tool of theirs and for the personnel agency's application. What an admin may do is what their role allows.",
            ],
            "servers": [["url": .string(issuer + APIRoutes.base)]],
            "security": [["gapura": ["admin"]]],
            "paths": .object(paths),
            "components": .object(components(issuer)),
        ]
    }

    private static func method(_ route: APIRoute) -> String {
        String(decoding: route.method.rawValue.utf8.map { $0 | 0x20 }, as: UTF8.self)
    }

    private static func operation(_ route: APIRoute) -> JSONValue {
        var json: JSONObject = [
            "operationId": .string("\(method(route)) \(route.path)".identifier),
            "summary": .string(route.summary),
            "tags": [.string(String(route.operation.prefix { $0 != "." }))],
            "x-gapura-operation": .string(route.operation),
        ]
        let query = route.fields(in: .query)
        var parameters = (route.fields(in: .path) + query).map(parameter)
        if route.isWriting { parameters.append(["$ref": "#/components/parameters/IdempotencyKey"]) }
        if route.resource != nil {
            parameters.append([
                "$ref": .string("#/components/parameters/\(route.isWriting ? "IfMatch" : "IfNoneMatch")")
            ])
        }
        if !parameters.isEmpty { json["parameters"] = .array(parameters) }
        let body = route.fields(in: .body)
        if !body.isEmpty {
            json["requestBody"] = [
                "required": .bool(body.contains(where: \.isRequired)),
                "content": ["application/json": ["schema": .object(object(of: body))]],
            ]
        }
        if let verb = try? Operations.find(route.operation).access.verb, Authority.feedVerbs.contains(verb) {
            json["security"] = [["gapura": ["admin"]], ["gapura": ["personnel"]]]
        }
        json["responses"] = .object(responses(route))
        return .object(json)
    }

    private static func responses(_ route: APIRoute) -> JSONObject {
        var success: JSONObject = [
            "description": .string(route.isWriting ? "What it is now" : "What was asked for"),
            "content": ["application/json": ["schema": .object(answer(route))]],
        ]
        var headers: JSONObject = [:]
        if !route.isWriting, route.resource != nil {
            headers["ETag"] = ["schema": ["type": "string"], "description": "For If-Match of a change."]
        }
        if route.page != nil {
            headers["Link"] = ["schema": ["type": "string"], "description": "The next page, rel=next (RFC 8288)."]
        }
        if !headers.isEmpty { success["headers"] = .object(headers) }
        var responses: JSONObject = ["200": .object(success)]
        if route.method == .post { responses["201"] = .object(success.adding("description", "It was made")) }
        responses["default"] = ["$ref": "#/components/responses/Problem"]
        return responses
    }

    /// What of an answer is sure for every route; its other members are those that commands show with `--json`.
    private static func answer(_ route: APIRoute) -> JSONObject {
        guard let page = route.page else { return ["type": "object"] }
        return [
            "type": "object",
            "required": [.string(page.list), "more"],
            "properties": [
                page.list: [
                    "type": "array",
                    "items": [
                        "type": "object", "required": [.string(page.key)],
                        "properties": [page.key: ["type": .string(page.key.isExactly("seq") ? "integer" : "string")]],
                    ],
                ],
                "more": ["type": "boolean", "description": "Whether there is another page."],
                "next": ["type": "string", "description": "The cursor of the next page; not on the last one."],
            ],
        ]
    }

    // MARK: Fields

    private static func parameter(_ field: APIField) -> JSONValue {
        var json: JSONObject = [
            "name": .string(field.name), "in": .string(field.place.rawValue), "required": .bool(field.isRequired),
            "schema": .object(schema(field)),
        ]
        if !field.summary.isEmpty { json["description"] = .string(field.summary) }
        return .object(json)
    }

    private static func object(of fields: [APIField]) -> JSONObject {
        var json: JSONObject = [
            "type": "object", "additionalProperties": false,
            "properties": .object(
                JSONObject(
                    fields.map { field in
                        (field.name, .object(schema(field).adding("description", .string(field.summary))))
                    })),
        ]
        let required = fields.filter(\.isRequired)
        if !required.isEmpty { json["required"] = .array(required.map { .string($0.name) }) }
        return json
    }

    private static func schema(_ field: APIField) -> JSONObject {
        switch field.kind {
        case .text:
            [
                "type": "string", "minLength": 1,
                "maxLength": .integer(field.place == .body ? 4096 : APIField.maximumInURL),
            ]
        case .texts: ["type": "array", "items": ["type": "string"], "maxItems": 1000]
        case .flag: ["type": "boolean"]
        case .integer(let range):
            ["type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound)]
        case .day: ["type": "string", "format": "date"]
        case .word(let words): ["type": "string", "enum": .array(words.map { .string($0) })]
        case .object: ["type": "object"]
        case .objects(let limit):
            [
                "type": "array", "maxItems": .integer(Int64(limit)),
                "items": [
                    "type": "object", "additionalProperties": ["type": ["string", "number", "boolean", "null"]],
                ],
            ]
        }
    }

    // MARK: Components

    private static func components(_ issuer: String) -> JSONObject {
        func header(_ name: String, _ summary: String) -> JSONValue {
            [
                "name": .string(name), "in": "header", "required": false, "schema": ["type": "string"],
                "description": .string(summary),
            ]
        }
        return [
            "securitySchemes": [
                "gapura": [
                    "type": "oauth2",
                    "flows": [
                        "authorizationCode": [
                            "authorizationUrl": .string(issuer + "/oauth2/authorize"),
                            "tokenUrl": .string(issuer + "/oauth2/token"),
                            "scopes": ["admin": "What the admin's role allows"],
                        ],
                        "clientCredentials": [
                            "tokenUrl": .string(issuer + "/oauth2/token"),
                            "scopes": ["personnel": "Delivering personnel data"],
                        ],
                    ],
                ]
            ],
            "parameters": [
                "IdempotencyKey": header(
                    "Idempotency-Key",
                    "The same key and request again within a day answers the same and changes nothing."),
                "IfMatch": header("If-Match", "The ETag of what was read: 412 if it was changed since."),
                "IfNoneMatch": header("If-None-Match", "304 if it is still that."),
            ],
            "responses": [
                "Problem": [
                    "description": "Why not, in two languages (RFC 9457)",
                    "content": ["application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]],
                ]
            ],
            "schemas": [
                "Problem": [
                    "type": "object", "required": ["type", "title", "status", "code", "detail", "pesan", "request_id"],
                    "properties": [
                        "type": ["type": "string"], "title": ["type": "string"], "status": ["type": "integer"],
                        "code": ["type": "string", "description": "For programs."],
                        "detail": ["type": "string", "description": "For people, in English."],
                        "pesan": ["type": "string", "description": "For people, in Indonesian."],
                        "request_id": ["type": "string", "description": "Under which the log knows the request."],
                    ],
                ]
            ],
        ]
    }
}

extension String {
    /// Letters and digits, words joined: `get /accounts/{name}` is `getAccountsName`.
    fileprivate var identifier: String {
        let words = utf8.split { byte in
            !((0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte))
        }.map { String(Substring($0)) }
        return (words.first ?? "") + words.dropFirst().map(\.capitalized).joined()
    }
}
