import Foundation
import GapuraFormats
import HTTPTypes
import Hummingbird
import NIOCore

/// The arguments in a request: its path, its query, its body, each decoded once and strictly. What a route does not know
/// is refused, since a misspelt member that is ignored does harm.
struct APIRequest: Sendable {
    private let request: Request
    private let context: GapuraContext

    init(_ request: Request, _ context: GapuraContext) {
        self.request = request
        self.context = context
    }

    /// - Throws: `APIProblem` 400, 413, 415.
    func arguments(of route: APIRoute) async throws -> JSONObject {
        var arguments: JSONObject = [:]
        for (index, field) in route.fields(in: .path).enumerated() {
            arguments[field.name] = try field.checked(.string(segment(index + 1)))
        }
        try addQuery(of: route, to: &arguments)
        try await addBody(of: route, to: &arguments)
        return arguments
    }

    private func segment(_ number: Int) throws(APIProblem) -> String {
        guard let text = context.parameters.get("\(number)")?.removingPercentEncoding, !text.isEmpty else {
            throw APIProblem.invalid(
                "The path holds something that is no UTF-8 text.", id: "Alamat memuat sesuatu yang bukan teks UTF-8.")
        }
        return text
    }

    private func addQuery(of route: APIRoute, to arguments: inout JSONObject) throws {
        let fields = route.fields(in: .query)
        let parameters: RequestParameters
        do {
            parameters = try RequestParameters(query: request)
        } catch {
            throw APIProblem.invalid("The query is not a form of UTF-8.", id: "Kueri bukan formulir UTF-8.")
        }
        for (name, value) in parameters.pairs {
            guard let field = fields.first(where: { $0.name.isExactly(name) }) else {
                throw Self.unknown(fields, "The query")
            }
            guard !arguments.contains(name) else {
                throw APIProblem.invalid(
                    "\(field.name) stands in the query twice.", id: "\(field.name) disebut dua kali.")
            }
            arguments[name] = try field.checked(field.value(value))
        }
    }

    private func addBody(of route: APIRoute, to arguments: inout JSONObject) async throws {
        let fields = route.fields(in: .body)
        guard route.isWriting else { return }
        var buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: fields.isEmpty ? 1024 : route.bodyLimit)
        } catch is NIOTooManyBytesError {
            throw APIProblem(.contentTooLarge)
        }
        let bytes = buffer.readBytes(length: buffer.readableBytes) ?? []
        guard !bytes.isEmpty || fields.contains(where: \.isRequired) else { return }
        guard RequestParameters.hasBody(request, of: "application/json", "application/merge-patch+json") else {
            throw APIProblem(
                .unsupportedMediaType, "media_type", "Send JSON: Content-Type: application/json.",
                id: "Kirim JSON: Content-Type: application/json.")
        }
        let object: JSONObject
        do {
            guard let parsed = try StrictJSON.parse(bytes, maximumBytes: route.bodyLimit).object else {
                throw APIProblem.invalid("The body is no JSON object.", id: "Isi bukan objek JSON.")
            }
            object = parsed
        } catch let error as JSONError {
            throw APIProblem.invalid("The body is no strict JSON: \(error).", id: "Isi bukan JSON yang sah: \(error).")
        }
        for (name, value) in object.members {
            guard let field = fields.first(where: { $0.name.isExactly(name) }) else {
                throw Self.unknown(fields, "The body")
            }
            arguments[name] = try field.checked(value)
        }
        for field in fields where field.isRequired && arguments[field.name].map(\.isNull) ?? true {
            throw APIProblem.invalid("\(field.name) is missing.", id: "\(field.name) belum diisi.")
        }
    }

    private static func unknown(_ fields: [APIField], _ place: String) -> APIProblem {
        let names = fields.map(\.name).joined(separator: ", ")
        return names.isEmpty
            ? APIProblem.invalid(
                "\(place) of this request holds nothing.", id: "Permintaan ini tidak memakai isian itu.")
            : APIProblem.invalid(
                "\(place) has a member that is not known here; it takes \(names).", id: "Yang dikenal hanya \(names).")
    }
}
