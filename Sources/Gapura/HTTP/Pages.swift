package import GapuraFormats

/// What the gateway asks for when a person is to see something; `GapuraPages` answers.
package protocol Pages: Sendable {
    /// One whole HTML document.
    func html(_ page: Page, in frame: PageFrame) throws -> String
    /// A static file under `/aset/`, such as `gapura.css`; nothing for an unknown name.
    func asset(_ name: String) -> PageAsset?
}

/// A static file: bytes, media type, and an entity tag.
package struct PageAsset: Sendable {
    package let bytes: [UInt8]
    package let contentType: String
    package let etag: String

    package init(bytes: [UInt8], contentType: String, etag: String) {
        self.bytes = bytes
        self.contentType = contentType
        self.etag = etag
    }
}

/// The two languages of every page; Indonesian comes first.
package enum Language: String, Sendable, CaseIterable {
    case indonesian = "id"
    case english = "en"
}

/// What surrounds every page.
package struct PageFrame: Sendable {
    package var language: Language
    /// For the one `<script src>` of a page: `script-src 'nonce-…'`.
    package var nonce: String
    /// Hidden field `csrf` of every form.
    package var csrf: String
    /// Who is signed in: shown in the head with a way out.
    package var signedInName: String?
    /// Path (own, safe) of this page for the language switch, which is a link to `path?bahasa=en`.
    package var path: String

    package init(language: Language, nonce: String, csrf: String, signedInName: String? = nil, path: String) {
        self.language = language
        self.nonce = nonce
        self.csrf = csrf
        self.signedInName = signedInName
        self.path = path
    }
}

/// Every page of the gateway, each with its typed model.
package enum Page: Sendable {
    case signIn(SignInModel)
    case activation(ActivationModel)
    case setPassword(SetPasswordModel)
    case consent(ConsentModel)
    case device(DeviceModel)
    case notice(NoticeModel)
    case signOut(SignOutModel)
    case leaving(LeavingModel)
    case formPost(FormPostModel)
    case error(ErrorModel)
    case portal(PortalModel)
    case account(AccountModel)
}

/// `/masuk`: `#login-form` with `#username`, `#password`, `#login-submit`.
package struct SignInModel: Sendable {
    package enum Problem: Sendable, Equatable {
        /// "NIP atau kata sandi tidak sesuai."
        case wrongCredentials
        /// Too many tries; seconds to wait.
        case wait(seconds: Int)
        /// The password pool is full.
        case busy
        /// The form stood open too long, or cookies are not allowed: its token does not fit.
        case stale
        /// The account is known and the password was right, but it may not sign in (state).
        case mayNotSignIn
        /// Input longer than anybody's.
        case tooLong
    }

    package var problem: Problem?
    /// What the person typed as a name, given back.
    package var name: String
    /// Asked to sign in again although signed in: "Untuk keamanan, masukkan kembali kata sandi Anda".
    package var again: Bool
    /// For which application, with its links.
    package var application: SignInApplication?
    /// Hidden field `alur`: the sign-in under way that this one is for.
    package var flow: String?

    package init(problem: Problem? = nil, name: String = "", again: Bool = false, application: SignInApplication? = nil)
    {
        self.problem = problem
        self.name = name
        self.again = again
        self.application = application
    }
}

/// `/akun/aktivasi`, for a first password by a printed code: `#activation-form` with `#username`, `#code`,
/// `#activation-submit`.
package struct ActivationModel: Sendable {
    package enum Problem: Sendable, Equatable {
        /// The code does not fit: mistyped, another's, used, replaced, too old; or there is no such account.
        case wrong
        /// No code has that form, whoever's it is.
        case malformed
        /// As in `SignInModel`.
        case wait(seconds: Int)
        case stale
        case tooLong
    }

    package var problem: Problem?
    /// What the person typed as a name, given back.
    package var name: String

    package init(problem: Problem? = nil, name: String = "") {
        self.problem = problem
        self.name = name
    }
}

/// `/akun/kata-sandi`, reached by a one-time link: `#password-form` with `#new-password`, `#repeat-password`,
/// `#password-submit`.
package struct SetPasswordModel: Sendable {
    package enum Problem: Sendable, Equatable {
        case tooShort(minimum: Int)
        case tooLong
        case notEqual
        /// Contains the NIP, the name, or is one of the commonest passwords.
        case guessable
        /// As in `SignInModel`.
        case stale
    }

    package var problem: Problem?
    package var personName: String
    /// The names with which this account signs in, to show and for password managers (`autocomplete="username"`, read
    /// only).
    package var userName: String

    package init(problem: Problem? = nil, personName: String, userName: String) {
        self.problem = problem
        self.personName = personName
        self.userName = userName
    }
}

/// A page that only tells something good, with at most one way on.
package struct NoticeModel: Sendable {
    package enum Kind: String, Sendable {
        /// "Anda sudah keluar."
        case signedOut
        /// "Kata sandi tersimpan. Silakan masuk."
        case passwordSet
    }

    package var kind: Kind
    /// Own path that leads on.
    package var next: String?

    package init(kind: Kind, next: String?) {
        self.kind = kind
        self.next = next
    }
}

/// `/keluar` and the confirmation of a sign-out that an application started: `#logout-form` with `#logout-confirm`.
package struct SignOutModel: Sendable {
    /// Path the form posts to, and hidden fields to send along.
    package var action: String
    package var fields: [(name: String, value: String)]
    /// Name of the application that asked, if one did.
    package var applicationName: String?

    package init(action: String, fields: [(name: String, value: String)], applicationName: String?) {
        self.action = action
        self.fields = fields
        self.applicationName = applicationName
    }
}

/// Any error: `#error-code`, `role="alert"`, what it means and what to do.
package struct ErrorModel: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// The application sent something wrong (OAuth errors that may not be redirected).
        case badRequest
        /// The person is signed in, and may not use this application.
        case noAccess
        /// The one-time link is unknown, used or too old.
        case linkUnusable
        /// This sign-in is over or belongs to another browser.
        case flowLost
        case notFound
        /// CSRF or cross-site post.
        case forbidden
        case tooMany
        /// Overloaded, or the database cannot be reached.
        case unavailable
        case internalError
        case methodNotAllowed
        case tooLarge
        case misdirected
    }

    package var kind: Kind
    /// Shown as `#error-code`: `invalid_request`, `not_found` …
    package var code: String
    /// One short ASCII sentence for an application's developer, from our fixed texts, never foreign text.
    package var developerHint: String?
    /// The number under which the log knows this answer.
    package var requestID: String
    /// Name of the application concerned, if known.
    package var applicationName: String?
    /// For a signed-in admin.
    package var diagnosis: RequestDiagnosis?

    package init(
        kind: Kind, code: String, developerHint: String? = nil, requestID: String, applicationName: String? = nil,
        diagnosis: RequestDiagnosis? = nil
    ) {
        self.diagnosis = diagnosis
        self.kind = kind
        self.code = code
        self.developerHint = developerHint
        self.requestID = requestID
        self.applicationName = applicationName
    }
}

/// `/portal`: the applications this person may use, and the person's own data.
package struct PortalModel: Sendable {
    package struct Tile: Sendable {
        package var name: String
        package var description: String?
        package var url: String
        package var agency: String?
        package var lastUsed: Timestamp?

        package init(name: String, description: String?, url: String, agency: String?, lastUsed: Timestamp?) {
            self.name = name
            self.description = description
            self.url = url
            self.agency = agency
            self.lastUsed = lastUsed
        }
    }

    /// The account ends within the next days, and who answers for it can say until when it is needed.
    package struct Ending: Sendable {
        package var at: Timestamp
        package var sponsor: String?

        package init(at: Timestamp, sponsor: String?) {
            self.at = at
            self.sponsor = sponsor
        }
    }

    package var personName: String
    package var tiles: [Tile]
    package var person: PersonModel
    /// The account is `terbatas`: no applications now, and why.
    package var limited: Bool
    package var ending: Ending?
    /// UTC offset of the city's time zone in seconds, and its name (WIB, WITA, WIT).
    package var zone: (offsetSeconds: Int, name: String)

    package init(
        personName: String, tiles: [Tile], person: PersonModel, limited: Bool, ending: Ending? = nil,
        zone: (offsetSeconds: Int, name: String)
    ) {
        self.personName = personName
        self.tiles = tiles
        self.person = person
        self.limited = limited
        self.ending = ending
        self.zone = zone
    }
}

/// A person's own data as the city knows it.
package struct PersonModel: Sendable {
    package var fullName: String
    package var nip: String?
    package var userName: String?
    package var employeeKind: String?
    package var grade: String?
    package var post: String?
    package var unit: String?
    package var agency: String?
    package var email: String?
    package var phone: String?

    package init(
        fullName: String, nip: String? = nil, userName: String? = nil, employeeKind: String? = nil,
        grade: String? = nil, post: String? = nil,
        unit: String? = nil, agency: String? = nil, email: String? = nil, phone: String? = nil
    ) {
        self.fullName = fullName
        self.nip = nip
        self.userName = userName
        self.employeeKind = employeeKind
        self.grade = grade
        self.post = post
        self.unit = unit
        self.agency = agency
        self.email = email
        self.phone = phone
    }
}

/// `/akun`: own data, and the sessions of this account.
package struct AccountModel: Sendable {
    package struct SessionLine: Sendable {
        package var id: String
        package var isCurrent: Bool
        package var userAgent: String?
        package var address: String?
        package var startedAt: Timestamp
        package var lastSeenAt: Timestamp

        package init(
            id: String, isCurrent: Bool, userAgent: String?, address: String?, startedAt: Timestamp,
            lastSeenAt: Timestamp
        ) {
            self.id = id
            self.isCurrent = isCurrent
            self.userAgent = userAgent
            self.address = address
            self.startedAt = startedAt
            self.lastSeenAt = lastSeenAt
        }
    }

    /// What one application received about the person.
    package struct DisclosureLine: Sendable {
        package var application: String
        /// Names of claims.
        package var claims: [String]
        package var firstAt: Timestamp
        package var lastAt: Timestamp

        package init(application: String, claims: [String], firstAt: Timestamp, lastAt: Timestamp) {
            self.application = application
            self.claims = claims
            self.firstAt = firstAt
            self.lastAt = lastAt
        }
    }

    /// What the person allowed an application that is not the city's own.
    package struct ConsentLine: Sendable {
        package var clientID: String
        package var application: String
        package var items: ConsentItems
        package var givenAt: Timestamp
        package var expiresAt: Timestamp

        package init(
            clientID: String, application: String, items: ConsentItems, givenAt: Timestamp, expiresAt: Timestamp
        ) {
            self.clientID = clientID
            self.application = application
            self.items = items
            self.givenAt = givenAt
            self.expiresAt = expiresAt
        }
    }

    package var person: PersonModel
    package var sessions: [SessionLine]
    package var consents: [ConsentLine]
    package var disclosures: [DisclosureLine]
    package var zone: (offsetSeconds: Int, name: String)

    package init(
        person: PersonModel, sessions: [SessionLine], consents: [ConsentLine] = [],
        disclosures: [DisclosureLine] = [],
        zone: (offsetSeconds: Int, name: String)
    ) {
        self.person = person
        self.sessions = sessions
        self.consents = consents
        self.disclosures = disclosures
        self.zone = zone
    }
}
