package import GapuraFormats

/// One line of what the socket answers: how far an operation is, and at the end its result or its error.
package enum OperationLine: Sendable {
    case progress(Double, String)
    case result(JSONValue)
    case failure(OperationError)

    /// JSON and a line feed.
    package var bytes: [UInt8] {
        let json: JSONValue
        switch self {
        case .progress(let share, let text): json = ["progress": .double(share), "text": .string(text)]
        case .result(let value): json = ["result": value]
        case .failure(let error): json = ["error": .object(error.jsonObject)]
        }
        return json.encoded() + [0x0a]
    }

    /// Nothing for what is no line of ours.
    package init?(_ bytes: some Collection<UInt8>) {
        guard let json = try? StrictJSON.parse(Array(bytes), maximumBytes: Self.maximumBytes).object else { return nil }
        if let error = json["error"]?.object {
            self = .failure(OperationError(json: error))
        } else if let result = json["result"] {
            self = .result(result)
        } else if let share = json["progress"]?.number {
            self = .progress(share, json["text"]?.string ?? "")
        } else {
            return nil
        }
    }

    /// A plan of a province's load with every finding.
    package static let maximumBytes = 256 << 20
}
