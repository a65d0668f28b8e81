import Gapura
import GapuraFormats
import GapuraPages
import Testing

/// One page as a test sees it: a name for its golden file, the model, and who is signed in.
struct Sample: Sendable, CustomTestStringConvertible {
    let name: String
    let page: Page
    var signedInName: String?
    var path = "/masuk"

    var testDescription: String { name }

    func html(_ language: Language, _ pages: SitePages) throws -> String {
        try pages.html(page, in: frame(language))
    }

    func frame(_ language: Language) -> PageFrame {
        PageFrame(
            language: language, nonce: "nonce-of-a-test", csrf: "csrf-of-a-test", signedInName: signedInName, path: path
        )
    }
}

/// Pages of a city that cannot exist, and of people born in 18xx.
enum Samples {
    static func pages(_ branding: Branding? = nil) throws -> SitePages {
        try SitePages(branding: branding ?? Branding(cityName: "Kota Nusa Contoh"))
    }

    static let wib = (offsetSeconds: 7 * 3600, name: "WIB")
    /// 22 November 2026 07.30 WIB.
    static let morning = Timestamp(seconds: 1_795_307_400)

    /// One for each page; these have golden files.
    static let ordinary: [Sample] = named(Words())

    /// Further states of the same pages.
    static let states: [Sample] = {
        let application = SignInApplication(
            name: "e-kinerja", policyURI: "https://e-kinerja.invalid/privasi",
            termsURI: "https://e-kinerja.invalid/ketentuan")
        let person = PersonModel(fullName: "Cut Nyak Meutia")
        let signInProblems: [SignInModel.Problem] = [
            .wrongCredentials, .wait(seconds: 90), .busy, .stale, .mayNotSignIn, .tooLong,
        ]
        let passwordProblems: [SetPasswordModel.Problem] = [
            .tooShort(minimum: 12), .tooLong, .notEqual, .guessable, .stale,
        ]
        let activationProblems: [ActivationModel.Problem] = [.wrong, .malformed, .wait(seconds: 90), .stale, .tooLong]
        let activation = activationProblems.enumerated().map { number, problem in
            Sample(
                name: "activation-problem-\(number)",
                page: .activation(ActivationModel(problem: problem, name: "18851212 191012 1 001")),
                path: "/akun/aktivasi")
        }
        return activation
            + signInProblems.enumerated().map { number, problem in
                Sample(
                    name: "sign-in-problem-\(number)",
                    page: .signIn(
                        SignInModel(problem: problem, name: "18851212 191012 1 001", application: application)))
            }
            + passwordProblems.enumerated().map { number, problem in
                Sample(
                    name: "set-password-problem-\(number)",
                    page: .setPassword(
                        SetPasswordModel(
                            problem: problem, personName: "Cut Nyak Meutia", userName: "188512121910121001")),
                    path: "/akun/kata-sandi?tautan=abc"
                )
            }
            + ErrorModel.Kind.allCases.map {
                Sample(
                    name: "error-\($0.rawValue)",
                    page: .error(ErrorModel(kind: $0, code: "some_code", requestID: "0192f3a1")))
            }
            + [
                Sample(name: "sign-in-plain", page: .signIn(SignInModel())),
                Sample(
                    name: "sign-in-again", page: .signIn(SignInModel(name: "cut.meutia", again: true)),
                    signedInName: "Cut Nyak Meutia"),
                Sample(name: "notice-password", page: .notice(NoticeModel(kind: .passwordSet, next: "/masuk"))),
                Sample(name: "notice-plain", page: .notice(NoticeModel(kind: .signedOut, next: nil))),
                Sample(
                    name: "sign-out-plain",
                    page: .signOut(SignOutModel(action: "/keluar", fields: [], applicationName: nil)),
                    signedInName: "Cut Nyak Meutia", path: "/keluar"
                ),
                Sample(
                    name: "portal-empty",
                    page: .portal(
                        PortalModel(personName: "Cut Nyak Meutia", tiles: [], person: person, limited: false, zone: wib)
                    ),
                    signedInName: "Cut Nyak Meutia", path: "/portal"
                ),
                Sample(
                    name: "portal-limited",
                    page: .portal(
                        PortalModel(personName: "Cut Nyak Meutia", tiles: [], person: person, limited: true, zone: wib)),
                    signedInName: "Cut Nyak Meutia", path: "/portal"
                ),
                Sample(
                    name: "portal-ending-for-nobody",
                    page: .portal(
                        PortalModel(
                            personName: "Cut Nyak Meutia", tiles: [], person: person, limited: false,
                            ending: .init(at: morning, sponsor: nil), zone: wib)),
                    signedInName: "Cut Nyak Meutia", path: "/portal"
                ),
                Sample(
                    name: "account-empty", page: .account(AccountModel(person: person, sessions: [], zone: wib)),
                    signedInName: "Cut Nyak Meutia",
                    path: "/akun"
                ),
            ]
    }()

    static let all: [Sample] = ordinary + states

    private static func device(_ application: SignInApplication, _ agency: String) -> DeviceModel {
        var model = DeviceModel(code: "BCDF-GHJK")
        model.question = ConsentModel(
            application: application, agency: agency, items: ConsentItems(names: ["asn", "openid", "profile"]),
            flow: "BCDF-GHJK")
        return model
    }

    /// Every page with the same text in every place where a person, an application or a browser may put some.
    static func hostile(_ text: String) -> [Sample] {
        named(Words(everywhere: text))
    }

    /// Texts of others.
    struct Words {
        var person = "Ratna Dewi Lestari, S.Pd."
        var nip = "189004211914212001"
        var userName = "ratna"
        var post = "Kepala Seksi Kurikulum Sekolah Dasar"
        var unit = "Bidang Pembinaan Sekolah Dasar"
        var agency = "Dinas Pendidikan dan Kebudayaan"
        var kind = "PNS"
        var grade = "III/d"
        var email = "ratna@dindik.invalid"
        var phone = "0000 1234 567"
        var application = "e-kinerja"
        var description = "Sasaran kerja dan penilaian kinerja bulanan"
        var typed = "189004211914212001"
        var field = "xyz"
        var userAgent =
            "Mozilla/5.0 (Linux; Android 9; SM-A105G) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
        var address = "10.20.30.40"
        var code = "invalid_request"
        var hint = "redirect_uri is not registered for this client"
        var requestID = "0192f3a1-7c11"
        var sessionID = "0192f3a1-0001"
        var scope = "surat.tulis"
        var resource = "https://arsip.contoh.invalid"

        init() {}

        init(everywhere text: String) {
            person = text
            nip = text
            userName = text
            post = text
            unit = text
            agency = text
            kind = text
            grade = text
            email = text
            phone = text
            application = text
            description = text
            typed = text
            field = text
            userAgent = text
            address = text
            code = text
            hint = text
            requestID = text
            sessionID = text
            scope = text
            resource = text
        }
    }

    private static func named(_ words: Words) -> [Sample] {
        let person = PersonModel(
            fullName: words.person, nip: words.nip, userName: words.userName, employeeKind: words.kind,
            grade: words.grade, post: words.post,
            unit: words.unit, agency: words.agency, email: words.email, phone: words.phone
        )
        func tile(_ name: String, _ description: String?, _ port: Int, _ agency: String?, _ lastUsed: Timestamp?)
            -> PortalModel.Tile
        {
            PortalModel.Tile(
                name: name, description: description, url: "http://127.0.0.1:\(port)/", agency: agency,
                lastUsed: lastUsed)
        }
        let tiles = [
            tile(
                "e-absensi", "Kehadiran harian, izin, dan cuti", 8081,
                "Badan Kepegawaian dan Pengembangan Sumber Daya Manusia", morning),
            tile(
                "e-surat", "Surat masuk, disposisi, dan surat keluar", 8082, "Sekretariat Daerah",
                morning.adding(seconds: -86400 * 31)),
            tile(words.application, words.description, 8083, words.agency, nil),
        ]
        let sessions = [
            AccountModel.SessionLine(
                id: words.sessionID, isCurrent: true, userAgent: words.userAgent, address: words.address,
                startedAt: morning,
                lastSeenAt: morning.adding(seconds: 900)
            ),
            AccountModel.SessionLine(
                id: "0192f3a1-0002", isCurrent: false,
                userAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
                address: "2001:db8::7",
                startedAt: morning.adding(seconds: -86400), lastSeenAt: morning.adding(seconds: -3600)
            ),
            AccountModel.SessionLine(
                id: "0192f3a1-0003", isCurrent: false, userAgent: nil, address: nil,
                startedAt: morning.adding(seconds: -172_800),
                lastSeenAt: morning.adding(seconds: -90000)
            ),
        ]
        let application = SignInApplication(
            name: words.application, logo: "/aset/klien/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            policyURI: "https://e-kinerja.invalid/privasi", termsURI: "https://e-kinerja.invalid/ketentuan"
        )
        return [
            Sample(
                name: "sign-in",
                page: .signIn(SignInModel(problem: .wrongCredentials, name: words.typed, application: application))),
            Sample(
                name: "consent",
                page: .consent(
                    ConsentModel(
                        application: application, agency: words.agency,
                        items: ConsentItems(names: [
                            "asn", "email", "offline_access", "openid", "profile", "resource:" + words.resource,
                            words.scope,
                        ]), flow: "AAAAAAAAAAAAAAAAAAAAAA")),
                path: "/izin"
            ),
            Sample(
                name: "device", page: .device(device(application, words.agency)), path: "/perangkat"
            ),
            Sample(
                name: "activation", page: .activation(ActivationModel(problem: .wrong, name: words.typed)),
                path: "/akun/aktivasi"
            ),
            Sample(
                name: "set-password",
                page: .setPassword(SetPasswordModel(personName: words.person, userName: words.typed)),
                path: "/akun/kata-sandi"
            ),
            Sample(name: "notice", page: .notice(NoticeModel(kind: .signedOut, next: "/masuk")), path: "/keluar"),
            Sample(
                name: "leaving",
                page: .leaving(
                    LeavingModel(
                        frames: ["https://e-kinerja.invalid/keluar?iss=https%3A%2F%2Fsso.invalid&sid=AAAA"],
                        next: "https://e-kinerja.invalid/selesai")),
                path: "/oauth2/logout"
            ),
            Sample(
                name: "sign-out",
                page: .signOut(
                    SignOutModel(
                        action: "/oauth2/logout", fields: [("state", words.field), (words.field, "1")],
                        applicationName: words.application)
                ),
                signedInName: words.person, path: "/keluar"
            ),
            Sample(
                name: "form-post",
                page: .formPost(
                    FormPostModel(
                        action: "https://e-surat.invalid/balik",
                        fields: [("code", "abc"), ("state", words.field), (words.field, "1")])
                ),
                signedInName: words.person, path: "/oauth2/authorize"
            ),
            Sample(
                name: "error",
                page: .error(
                    ErrorModel(
                        kind: .badRequest, code: words.code, developerHint: words.hint, requestID: words.requestID,
                        applicationName: words.application
                    )
                )
            ),
            Sample(
                name: "portal",
                page: .portal(
                    PortalModel(personName: words.person, tiles: tiles, person: person, limited: false, zone: wib)),
                signedInName: words.person, path: "/portal"
            ),
            // 31 December 2026 in WIB is the last day.
            Sample(
                name: "portal-ending",
                page: .portal(
                    PortalModel(
                        personName: words.person, tiles: [], person: PersonModel(fullName: words.person),
                        limited: false,
                        ending: .init(at: Timestamp(seconds: 1_798_736_400), sponsor: words.person), zone: wib)),
                signedInName: words.person, path: "/portal"
            ),
            Sample(
                name: "account",
                page: .account(
                    AccountModel(
                        person: person, sessions: sessions,
                        consents: [
                            AccountModel.ConsentLine(
                                clientID: words.field, application: words.application,
                                items: ConsentItems(names: ["asn", "openid", "profile", words.scope]),
                                givenAt: morning.adding(seconds: -86400), expiresAt: morning.adding(seconds: 86_400))
                        ],
                        disclosures: [
                            AccountModel.DisclosureLine(
                                application: words.application,
                                claims: ["sub", "name", "email", "phone_number", "nip", "roles", "nik"],
                                firstAt: morning.adding(seconds: -86400), lastAt: morning)
                        ], zone: wib)),
                signedInName: words.person, path: "/akun"
            ),
        ]
    }
}
