package import GapuraStore

extension EmployeeKind {
    /// The kind of employment as the personnel data tells it.
    ///
    /// `kedudukan_hukum_id` names PPPK that are in service (71, 72, 73; 101 for paruh waktu). Once they left, only the
    /// layout of their number still says so. `status_cpns_pns` is `P` for PPPK too, so it decides last.
    package init(statusCode: String?, cpnsOrPNS: String?, layout: NIP.Layout?) {
        switch statusCode {
        case "101": self = .pppkPartTime
        case "71", "72", "73": self = .pppk
        default:
            switch (layout, cpnsOrPNS?.uppercased()) {
            case (.pppk, _): self = .pppk
            case (nil, _): self = .nonASN
            case (_, "C"): self = .cpns
            default: self = statusCode == "51" ? .cpns : .pns
            }
        }
    }
}
