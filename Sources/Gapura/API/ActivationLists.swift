import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTabular
import Synchronization

/// Where new codes go: files that an operator named, and the answer for a few accounts that were named one by one. They
/// can be read nowhere else.
///
/// The mutex protects what is open: codes come on a thread of the database, and from the beginning again if the
/// transaction has to run once more. Files that are not finished are removed.
final class ActivationLists: Sendable {
    /// The files of one run of the transaction.
    private struct Open {
        var csv: NewFile?
        var sheet: NewFile?
        /// Whose page is being written.
        var page: UnitID??
        var listed: [JSONValue] = []
    }

    private let csv: String?
    private let sheet: String?
    private let isAnswered: Bool
    private let layout: ActivationSheet
    private let calendar: CityCalendar
    private let expiresAt: Timestamp
    private let open = Mutex<Open>(Open())

    /// - Parameter isAnswered: whether codes stand in the answer.
    /// - Throws: `OperationError` if there is a file of either name.
    init(
        csv: String?, sheet: String?, isAnswered: Bool, _ settings: GatewaySettings, expiresAt: Timestamp
    ) throws {
        if let csv, let sheet, csv.isExactly(sheet) {
            throw OperationError(
                .invalid, "The two files need two names.", id: "Kedua berkas memerlukan dua nama.")
        }
        for path in [csv, sheet].compactMap({ $0 }) { try NewFile.checkFree(path) }
        self.csv = csv
        self.sheet = sheet
        self.isAnswered = isAnswered
        self.expiresAt = expiresAt
        calendar = CityCalendar(timeZone: settings.timeZone)
        layout = ActivationSheet(
            city: settings.cityName, address: settings.issuer + ActivationEndpoint.path,
            expires: calendar.indonesian(expiresAt))
    }

    /// Once at the beginning of each run.
    func begin() throws {
        // What an earlier run wrote has to go before its names can be taken again.
        discard()
        try open.withLock { open in
            open.csv = try csv.map(NewFile.init)
            open.sheet = try sheet.map(NewFile.init)
            try open.csv?.write(CSVWriter.row(["nip", "name", "phone", "code", "url", "expires"], delimiter: ";"))
            try open.sheet?.write(layout.beginning)
        }
    }

    func write(_ newcomer: Newcomer, _ code: ActivationCode) throws {
        try open.withLock { open in
            try open.csv?.write(row(newcomer, code))
            if let sheet = open.sheet {
                if open.page != .some(newcomer.place?.id) {
                    if open.page != nil { try sheet.write(layout.unitEnd) }
                    try sheet.write(layout.unit(newcomer.place))
                    open.page = .some(newcomer.place?.id)
                }
                try sheet.write(layout.slip(newcomer, code))
            }
            guard isAnswered else { return }
            open.listed.append([
                "account": .string(newcomer.account.id.text), "name": .string(newcomer.name),
                "sign_in_name": .text(newcomer.signInName), "phone": .text(newcomer.phone),
                "code": .string(code.printed),
            ])
        }
    }

    /// Before the transaction commits: codes that are in no file, or in one that a power cut would take, may not be
    /// stored.
    func sync() throws {
        try open.withLock { open in
            if let sheet = open.sheet {
                if open.page != nil { try sheet.write(layout.unitEnd) }
                try sheet.write(layout.end)
                try sheet.sync()
            }
            try open.csv?.sync()
        }
    }

    /// After it has failed, or nobody got a code: the files go.
    func discard() {
        open.withLock { $0 = Open() }
    }

    /// After it has: the files stay. Nothing can go wrong any more, since the codes before these are dead.
    func finish() -> [JSONValue] {
        open.withLock { open in
            open.csv?.keep()
            open.sheet?.keep()
            return open.listed
        }
    }

    /// What a message gateway needs. A number for messages is digits, without the plus that a spreadsheet program takes
    /// for a formula.
    private func row(_ newcomer: Newcomer, _ code: ActivationCode) -> String {
        let phone = newcomer.phone ?? ""
        return CSVWriter.row(
            [
                newcomer.nip.map { "'" + $0 } ?? newcomer.account.userName ?? "", newcomer.name,
                phone.utf8.first == UInt8(ascii: "+") ? String(phone.dropFirst()) : phone, code.printed,
                layout.address, calendar.iso8601(expiresAt),
            ], delimiter: ";")
    }
}
