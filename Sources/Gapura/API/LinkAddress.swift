/// Where a one-time link leads.
enum LinkAddress {
    static func make(_ secret: String, _ settings: GatewaySettings) -> String {
        "\(settings.issuer)/akun/tautan?kode=\(secret)"
    }
}
