import AsyncHTTPClient
package import GapuraDirectory
package import GapuraFormats
package import GapuraStore
package import Logging

/// Everything the gateway's parts are wired from. Parts take what they need through `init`; this value is for wiring
/// only.
package struct Services: Sendable {
    package let settings: GatewaySettings
    package let store: Store
    package let clock: WallClock
    package let keyring: SigningKeyring
    package let secrets: SecretKeys
    package let passwords: PasswordHasher
    package let pages: any Pages
    package let outgoing: OutgoingHTTP
    package let limits: RequestLimits
    package let proofKeys = ProofKeys()
    package let logger: Logger

    package init(
        settings: GatewaySettings, store: Store, clock: WallClock, keyring: SigningKeyring, secrets: SecretKeys,
        passwords: PasswordHasher,
        pages: any Pages, outgoing: OutgoingHTTP, logger: Logger
    ) {
        self.settings = settings
        self.store = store
        self.clock = clock
        self.keyring = keyring
        self.secrets = secrets
        self.passwords = passwords
        self.pages = pages
        self.outgoing = outgoing
        limits = RequestLimits(settings)
        self.logger = logger
    }
}
