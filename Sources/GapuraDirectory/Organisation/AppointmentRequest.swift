package import GapuraStore

/// A day as somebody wrote it.
package enum WrittenDay: Sendable, Equatable {
    case missing
    case unreadable
    case day(CalendarDate)

    /// `dd-mm-yyyy` or `yyyy-mm-dd`.
    package init(_ text: String?) {
        guard let text, let cleaned = IdentifierText.cleaned(text) else {
            self = .missing
            return
        }
        self = CalendarDate(cleaned).map { .day($0) } ?? .unreadable
    }
}

/// An appointment as a file or a command asks for it, before anything is looked up.
package struct AppointmentRequest: Sendable, Equatable {
    /// Of the file: the header is row 1. 0 for a command.
    package var row: Int
    /// `jenis`: the code, with or without a dot, in any case.
    package var kind: String?
    package var pnsID: String?
    package var nip: String?
    /// The unit's id in personnel data.
    package var unitSourceID: String?
    package var postName: String?
    package var start: WrittenDay
    /// Included.
    package var end: WrittenDay
    package var letterNumber: String?
    /// Excel stored an identifier as a number.
    package var hasNumericIdentifier = false

    package init(
        row: Int = 0, kind: String?, pnsID: String?, nip: String?, unitSourceID: String?, postName: String?,
        start: WrittenDay, end: WrittenDay, letterNumber: String?
    ) {
        self.row = row
        self.kind = kind
        self.pnsID = pnsID
        self.nip = nip
        self.unitSourceID = unitSourceID
        self.postName = postName
        self.start = start
        self.end = end
        self.letterNumber = letterNumber
    }

    /// The eighteen digits, freed of what people put between them.
    var nipDigits: String? {
        guard let nip, let cleaned = IdentifierText.cleaned(nip) else { return nil }
        guard case .nip(let digits) = SignInName(cleaned) else { return cleaned }
        return digits
    }

    var knownKind: Appointment.Kind? {
        let word = kind.flatMap { IdentifierText.cleaned($0) }?.uppercased().utf8.filter { $0 != UInt8(ascii: ".") }
        return word.flatMap { Appointment.Kind(rawValue: String(decoding: $0, as: UTF8.self)) }
    }
}

/// What became of a request.
package struct AppointmentOutcome: Sendable, Equatable {
    package enum Verdict: Sendable, Equatable {
        case new(Appointment)
        /// The same letter has appointed the same person before.
        case present(Appointment)
        /// `other`: the appointment that stands in the way.
        case refused(AppointmentReason, other: Appointment?)
    }

    package var row: Int
    package var verdict: Verdict
    /// Of a new one: what to look at.
    package var warnings: [AppointmentReason] = []

    package var appointment: Appointment? {
        switch verdict {
        case .new(let appointment), .present(let appointment): appointment
        case .refused: nil
        }
    }
}
