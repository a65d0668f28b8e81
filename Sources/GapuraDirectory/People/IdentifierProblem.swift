/// Why an identifier is none. The raw values are the reasons that a load reports.
package enum IdentifierProblem: String, Error, Sendable, CaseIterable {
    /// Excel stored the identifier as a number; its last digits are lost.
    case numeric = "numeric_identifier"
    /// A character in it that nobody can see.
    case invisible = "invisible_character"
    case missing = "nip_missing"
    case length = "nip_length"
    case birthDate = "nip_birth_date"
    case sexDigit = "nip_sex_digit"
    case serialZero = "nip_serial_zero"
}
