package import GapuraFormats

/// One line of `gapura doctor`.
package struct DoctorCheck: Sendable, Equatable {
    package enum Status: String, Sendable {
        case ok = "OK"
        case warning = "WARN"
        case failure = "FAIL"
    }

    package let name: String
    package let status: Status
    /// What was found and, unless all is well, what to do.
    package let message: String
    package let indonesian: String

    package init(_ name: String, _ status: Status, _ message: String, id indonesian: String) {
        self.name = name
        self.status = status
        self.message = message
        self.indonesian = indonesian
    }

    /// What went wrong, as a failed check.
    package init(_ name: String, _ error: any Error) {
        let error = OperationError(error)
        self.init(name, .failure, error.description, id: error.indonesian)
    }

    package var jsonObject: JSONObject {
        [
            "check": .string(name), "status": .string(status.rawValue), "message": .string(message),
            "pesan": .string(indonesian),
        ]
    }

    package init?(json: JSONValue) {
        guard let name = json["check"]?.string, let status = json["status"]?.string.flatMap(Status.init(rawValue:))
        else { return nil }
        self.init(name, status, json["message"]?.string ?? "", id: json["pesan"]?.string ?? "")
    }
}
