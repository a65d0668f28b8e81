import GapuraDirectory

/// Why SIASN gave no usable answer, in words for whoever asked it. Nothing of an answer, an address of a person or a
/// token is in it.
enum SIASNProblem: Error, Sendable, Equatable {
    /// No answer came, or no whole one.
    case line(OutgoingError)
    case fault(SIASNFault)
    /// The API manager knows no such consumer.
    case consumerRefused(Int)
    /// It gave no token, for another reason.
    case tokenFault(SIASNFault)
    /// The token of the operator is not good any more.
    case operatorTokenOver

    var english: String {
        switch self {
        case .line(let error): Self.words(of: error).english
        case .fault(let fault): Self.words(of: fault).english
        case .consumerRefused(let status):
            "SIASN's API manager refuses the consumer key or secret (\(status)); look at siasn_consumer_key and the secret."
        case .tokenFault(let fault): "No token from SIASN's API manager: " + Self.words(of: fault).english
        case .operatorTokenOver:
            "The operator's SSO token is no longer good; sign in to SIASN again and paste a new one."
        }
    }

    var indonesian: String {
        switch self {
        case .line(let error): Self.words(of: error).indonesian
        case .fault(let fault): Self.words(of: fault).indonesian
        case .consumerRefused(let status):
            "API manager SIASN menolak consumer key atau secret (\(status)); periksa siasn_consumer_key dan secret-nya."
        case .tokenFault(let fault): "API manager SIASN tidak memberi token: " + Self.words(of: fault).indonesian
        case .operatorTokenOver:
            "Token SSO operator sudah tidak berlaku; masuk lagi ke SIASN lalu tempelkan token yang baru."
        }
    }

    private static func words(of error: OutgoingError) -> (english: String, indonesian: String) {
        switch error.kind {
        case .unresolved, .connection, .closed:
            (
                "SIASN cannot be reached; look whether this server may call out, to port 8243 too.",
                "SIASN tidak dapat dihubungi; periksa apakah server ini boleh keluar, juga ke port 8243."
            )
        case .timeout:
            (
                "SIASN gave no whole answer in time; it may be busy.",
                "SIASN tidak memberi jawaban utuh pada waktunya; mungkin sedang sibuk."
            )
        case .tooLarge:
            (
                "SIASN's answer is far larger than one person's data; it was not read.",
                "Jawaban SIASN jauh lebih besar daripada data satu orang; tidak dibaca."
            )
        case .badAnswer:
            ("SIASN's answer broke off.", "Jawaban SIASN terputus.")
        case .tls:
            (
                "The certificate of SIASN's address cannot be trusted; look at siasn_url and the clock of this server.",
                "Sertifikat alamat SIASN tidak dapat dipercaya; periksa siasn_url dan jam server ini."
            )
        case .refusedAddress:
            (
                "The address of siasn_url or siasn_token_url is a private one and in no network of outgoing_networks.",
                "Alamat siasn_url atau siasn_token_url adalah alamat privat dan tidak ada di outgoing_networks."
            )
        case .badURL, .badSetting:
            ("siasn_url or siasn_token_url is no address.", "siasn_url atau siasn_token_url bukan alamat yang sah.")
        }
    }

    private static func words(of fault: SIASNFault) -> (english: String, indonesian: String) {
        switch fault {
        case .unauthorised: ("SIASN answered 401.", "SIASN menjawab 401.")
        case .status(let status, let code):
            (
                "SIASN answered \(status)\(code.map { ", fault \($0)" } ?? "").",
                "SIASN menjawab \(status)\(code.map { ", kode \($0)" } ?? "")."
            )
        case .unreadable:
            (
                "SIASN answered with something that is not its data: a page for people, or half an answer.",
                "SIASN menjawab dengan sesuatu yang bukan datanya: halaman web, atau jawaban yang terpotong."
            )
        case .meaningless:
            (
                "SIASN's answer is not what data-utama answers.",
                "Jawaban SIASN tidak berbentuk data-utama."
            )
        case .anotherPerson:
            (
                "SIASN answered about somebody else than was asked for.",
                "SIASN menjawab tentang orang lain, bukan yang ditanyakan."
            )
        }
    }
}

extension OperationError {
    /// - Parameters:
    ///   - place: at which person it was, from 1.
    ///   - kept: how many have answered.
    init(_ problem: SIASNProblem, at place: Int, of count: Int, kept: Int) {
        self.init(
            .unavailable,
            "\(problem.english) It was at person \(place) of \(count); nothing was changed, and the \(kept) answers before are kept for a day. Go on with: gapura personnel refresh --resume",
            id:
                "\(problem.indonesian) Terjadi pada orang ke-\(place) dari \(count); tidak ada yang berubah, dan \(kept) jawaban sebelumnya disimpan sehari. Lanjutkan dengan: gapura personnel refresh --resume"
        )
    }
}
