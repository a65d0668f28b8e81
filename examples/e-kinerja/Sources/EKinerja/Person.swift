import GapuraTokens

/// Who is signed in, as the gateway's userinfo says. A real application finds its own row by `subject`.
struct Person: Sendable {
    let subject: String
    let name: String
    let nip: String
    let employeeKind: String
    let unit: String
    let agency: String
    let post: String

    init(_ claims: JSONObject) {
        func text(_ name: String, _ member: String? = nil) -> String {
            guard let member else { return claims[name]?.string ?? "" }
            return claims[name]?.object?[member]?.string ?? ""
        }
        subject = text("sub")
        name = text("name")
        nip = text("nip")
        employeeKind = Self.kinds[text("employee_kind")] ?? text("employee_kind")
        unit = text("unor", "name")
        agency = text("opd", "name")
        post = text("position", "name")
    }

    private static let kinds = [
        "PNS": "Pegawai Negeri Sipil (PNS)", "CPNS": "Calon Pegawai Negeri Sipil (CPNS)", "PPPK": "PPPK",
        "PPPK_PW": "PPPK paruh waktu", "NON_ASN": "Non-ASN",
    ]
}
