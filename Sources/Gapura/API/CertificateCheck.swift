package import GapuraFormats
import NIOSSL

/// When the certificate of the gateway ends.
package enum CertificateCheck {
    package static func run(_ settings: GatewaySettings, at now: Timestamp) -> DoctorCheck {
        guard let path = settings.tlsCertificate else {
            guard settings.isSecure else {
                return DoctorCheck(
                    "tls", .ok, "None: a test on this machine.", id: "Tidak ada: uji coba di komputer ini.")
            }
            return DoctorCheck("tls", .ok, "A proxy in front does TLS.", id: "TLS ditangani proksi di depan.")
        }
        guard let certificate = try? NIOSSLCertificate.fromPEMFile(path).first else {
            return DoctorCheck(
                "tls", .failure, "\(path) cannot be read as a PEM certificate; correct tls_certificate.",
                id: "\(path) bukan sertifikat PEM yang dapat dibaca; perbaiki tls_certificate."
            )
        }
        let days = (Int64(certificate.notValidAfter) - now.seconds) / 86_400
        guard Int64(certificate.notValidAfter) > now.seconds else {
            return DoctorCheck(
                "tls", .failure, "The certificate has run out; renew it.", id: "Sertifikat sudah kedaluwarsa; perbarui."
            )
        }
        guard days >= 21 else {
            return DoctorCheck(
                "tls", .warning, "The certificate runs out in \(days) days; renew it.",
                id: "Sertifikat habis dalam \(days) hari; perbarui.")
        }
        return DoctorCheck(
            "tls", .ok, "The certificate is good for \(days) days.", id: "Sertifikat berlaku \(days) hari lagi.")
    }
}
