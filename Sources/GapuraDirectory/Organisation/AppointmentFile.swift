internal import GapuraTabular

/// The columns of a list of letters, as BKPSDM keeps it.
private enum AppointmentColumn: String, Sendable, CaseIterable {
    case kind = "jenis"
    case pnsID = "pns_id"
    case nip
    case unitID = "unor_id"
    case postName = "jabatan"
    case start = "mulai"
    case end = "selesai"
    case letterNumber = "nomor_surat"
}

extension PersonnelFile {
    /// No city writes as many letters in a lifetime; what has more rows is another file.
    private static let maximumAppointments = 100_000

    /// Reads the file as a list of letters, CSV or XLSX. It takes as long as the file is: call it on a thread.
    /// - Returns: its rows, and the SHA-256 of what was read.
    package func readAppointments() async throws -> (requests: [AppointmentRequest], digest: String) {
        try await PersonnelThread.run { cancellation in
            var requests: [AppointmentRequest] = []
            let digest = try readAsTable { reader in
                try readTable(reader, columns: AppointmentColumn.self) { number, cells in
                    guard cells.values.contains(where: { !$0.isBlank }) else { return }
                    guard requests.count < Self.maximumAppointments else {
                        throw PersonnelSourceError.file(
                            "\(name) has more than \(Self.maximumAppointments) rows")
                    }
                    if number.isMultiple(of: 1000) { try cancellation.check() }
                    requests.append(Self.request(number, cells))
                }
            }
            return (requests, digest)
        }
    }

    private static func request(_ number: Int, _ cells: [AppointmentColumn: TabularCell]) -> AppointmentRequest {
        func id(_ column: AppointmentColumn) -> String? { cells[column].flatMap { CellText.identifier($0) } }
        func name(_ column: AppointmentColumn) -> String? { cells[column].flatMap { CellText.name($0) } }
        func day(_ column: AppointmentColumn) -> WrittenDay {
            guard let cell = cells[column], !cell.isBlank else { return .missing }
            if case .text(let text) = cell { return WrittenDay(text) }
            return CellText.date(cell).map { .day($0) } ?? .unreadable
        }
        var request = AppointmentRequest(
            row: number, kind: id(.kind), pnsID: id(.pnsID), nip: id(.nip), unitSourceID: id(.unitID),
            postName: name(.postName), start: day(.start), end: day(.end), letterNumber: name(.letterNumber)
        )
        let identifiers: [AppointmentColumn] = [.pnsID, .nip, .unitID]
        request.hasNumericIdentifier = identifiers.contains { column in
            switch cells[column] {
            case .number(let raw): IdentifierText.isFloat(raw) || raw.utf8.count > 15
            case .text(let text): IdentifierText.cleaned(text).map { IdentifierText.isFloat($0) } ?? false
            default: false
            }
        }
        return request
    }
}
