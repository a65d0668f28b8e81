import Gapura

/// A person's own data as lines of label and value; what is not known is left out.
func personValues(_ person: PersonModel, _ texts: Texts) -> [Values] {
    let lines: [(key: String, value: String?)] = [
        ("person-name", person.fullName),
        ("person-nip", person.nip.map(spacedNIP)),
        ("person-user-name", person.userName),
        ("person-kind", person.employeeKind.map { kindText($0, texts) }),
        ("person-post", person.post),
        ("person-grade", person.grade),
        ("person-unit", person.unit),
        ("person-agency", person.agency),
        ("person-email", person.email),
        ("person-phone", person.phone),
    ]
    return lines.compactMap { line in
        guard let value = line.value, !value.isEmpty else { return nil }
        return ["label": .text(texts(line.key)), "value": .text(value.forDisplay(limit: 300))]
    }
}

/// The two kinds of employee whose code is not the name people use; the others (PNS, CPNS, PPPK) are.
private func kindText(_ kind: String, _ texts: Texts) -> String {
    switch kind {
    case "PPPK_PW": texts("kind-part-time")
    case "NON_ASN": texts("kind-non-asn")
    default: kind
    }
}

/// The 18 digits as they stand on a civil servant's papers: `18851212 191012 1 001`. Anything else stays as it is.
func spacedNIP(_ nip: String) -> String {
    let digits = Array(nip.utf8)
    guard digits.count == 18, digits.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nip }
    let groups = [digits[0..<8], digits[8..<14], digits[14..<15], digits[15..<18]]
    return groups.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
}
