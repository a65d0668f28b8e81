import GapuraStore

// Models of the pages between a person and an application.

/// The application a person signs in for (oidc-behaviours 65: logo, policy and terms are shown).
package struct SignInApplication: Sendable {
    package var name: String
    /// An own path: no third-party host is ever asked for anything.
    package var logo: String?
    package var policyURI: String?
    package var termsURI: String?

    package init(name: String, logo: String? = nil, policyURI: String? = nil, termsURI: String? = nil) {
        self.name = name
        self.logo = logo
        self.policyURI = policyURI
        self.termsURI = termsURI
    }
}

extension SignInApplication {
    /// As it is shown where somebody signs in for it. A client that registered itself has the name of the application
    /// that an admin entered, whatever it calls itself.
    init(_ client: Client, in tx: Transaction) throws {
        let metadata = client.metadata
        let isSelfMade = try tx.registrations.find(ofClient: client.id) != nil
        let known = isSelfMade ? try tx.applications.find(client.record.applicationID)?.name : nil
        self.init(
            name: known ?? metadata.clientName, logo: try tx.logos.digest(of: client.id).map(LogoEndpoint.address),
            policyURI: metadata.policyURI, termsURI: metadata.termsURI)
    }
}

/// `/izin`: `#consent-form` with `#consent-allow` and `#consent-deny`.
package struct ConsentModel: Sendable {
    package var application: SignInApplication
    /// The agency that owns the application.
    package var agency: String?
    /// What it asks for; as text in the hidden field `dilihat`, so that what is allowed is what was shown.
    package var items: ConsentItems
    /// Hidden field `alur`.
    package var flow: String
    /// The form stood open too long.
    package var isStale: Bool

    package init(
        application: SignInApplication, agency: String?, items: ConsentItems, flow: String, isStale: Bool = false
    ) {
        self.application = application
        self.agency = agency
        self.items = items
        self.flow = flow
        self.isStale = isStale
    }
}

/// `/perangkat`: `#device-form` with `#user-code`, then `#device-answer-form` with `#device-allow` and `#device-deny`.
package struct DeviceModel: Sendable {
    package enum Problem: Sendable, Equatable {
        /// Nobody's code, or not any more.
        case wrong
        /// As in `SignInModel`.
        case wait(seconds: Int)
        case stale
    }

    package enum Outcome: String, Sendable {
        case allowed
        case denied
    }

    package var problem: Problem?
    /// As it was typed, given back.
    package var code: String
    /// What is asked once the code is right; its flow is the code.
    package var question: ConsentModel?
    package var outcome: Outcome?

    package init(problem: Problem? = nil, code: String) {
        self.problem = problem
        self.code = code
    }
}

/// After a sign-out: `#logout-continue`, and a frame for each application that is told through the browser.
package struct LeavingModel: Sendable {
    package var frames: [String]
    /// An own path, or an address that a client registered.
    package var next: String

    package init(frames: [String], next: String) {
        self.frames = frames
        self.next = next
    }
}

/// A form of hidden inputs with a real submit button, which a script submits at once (`response_mode=form_post`).
package struct FormPostModel: Sendable {
    package var action: String
    package var fields: [(name: String, value: String)]

    package init(action: String, fields: [(name: String, value: String)]) {
        self.action = action
        self.fields = fields
    }
}
