/// What went wrong: the kind chooses the page that a person sees, the reason goes to the log.
struct Problem: Error {
    enum Kind: String {
        case setup, expired, denied, refused, unavailable, form, signout, missing, fault
    }

    let kind: Kind
    let reason: String

    init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }
}
