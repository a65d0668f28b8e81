/// Everything a city may set, each with a default that works.
public struct GatewaySettings: Sendable {
    /// The issuer and public URL, without a slash at its end. Links, cookies and metadata are made from it alone, never
    /// from a request's headers.
    public var issuer = "http://localhost:8080"
    public var listenHost = "127.0.0.1"
    public var listenPort = 8080
    /// Metrics and health detail.
    public var metricsHost = "127.0.0.1"
    public var metricsPort = 9090
    /// PEM files; both or none.
    public var tlsCertificate: String?
    public var tlsKey: String?
    /// Addresses and networks (CIDR) of proxies whose `X-Forwarded-For` counts.
    public var trustedProxies: [String] = []

    /// `sqlite:PATH` or `postgres://…`.
    public var database = "sqlite:data/gapura.sqlite"
    /// Folder of the socket, the lock and, by default, the database.
    public var dataFolder = "data"
    /// Folder of the signing and secret keys, mode 0700.
    public var keysFolder = "keys"

    public var cityName = "Kota Nusa Contoh"
    /// PNG, JPEG or WebP file.
    public var cityLogo: String?
    /// `#rrggbb`.
    public var cityColour = "#0f5c6e"
    /// Whom to ask when a sign-in fails, shown on pages.
    public var cityHelp: String?
    /// `Asia/Jakarta`, `Asia/Makassar` or `Asia/Jayapura`.
    public var timeZone = "Asia/Jakarta"

    /// Seconds.
    public var sessionIdle: Int64 = 2 * 3600
    /// Seconds for which a person's consent is remembered.
    public var consentLifetime: Int64 = 180 * 86_400
    public var sessionAbsolute: Int64 = 12 * 3600
    public var codeLifetime: Int64 = 60
    public var tokenLifetime: Int64 = 300
    public var refreshLifetime: Int64 = 12 * 3600
    public var offlineIdle: Int64 = 30 * 86_400
    public var offlineAbsolute: Int64 = 180 * 86_400
    public var setUpLinkLifetime: Int64 = 24 * 3600
    public var resetLinkLifetime: Int64 = 3600
    /// Of a printed code for a first password.
    public var activationCodeLifetime: Int64 = 30 * 86_400
    /// How long one sign-in may take, from the application's request to the password.
    public var flowLifetime: Int64 = 1800
    /// Sign-ins under way at the same time; beyond it the oldest of the network that has most make room.
    public var flowLimit: Int64 = 100_000
    /// Of these from one network (/24, /48); beyond it the oldest of the address that has most make room.
    public var flowNetworkLimit: Int64 = 5_000
    /// Requests a second of one address, and of one client; ten seconds' worth at once. 0 counts none.
    public var addressRate: Int64 = 500
    public var clientRate: Int64 = 500
    /// Refreshes a minute of one sign-in at one client, a minute's worth at once. 0 counts none.
    public var refreshRate: Int64 = 60
    /// Connections of one address at a time, trusted proxies not counted; 0 counts none.
    public var addressConnections: Int64 = 1000
    /// Seconds after a sign-in within which an admin may do what `Verb.needsRecentSignIn` names; 0 asks for nothing.
    public var recentSignIn: Int64 = 3600

    /// KiB, passes, lanes of Argon2id; threads 0 means as many as cores.
    public var passwordMemory: UInt32 = 19_456
    public var passwordPasses: UInt32 = 2
    public var passwordLanes: UInt32 = 1
    public var passwordThreads = 0
    public var passwordQueue = 200
    /// Code points.
    public var passwordMinimum = 12

    /// Accepts impossible people (birth years 18xx): for the sample city and tests only.
    public var acceptsFixtures = false
    /// `kedudukan_hukum` code to account state, over the built-in table.
    public var accountStates: [String: String] = [:]

    /// Whether NIKs are taken from personnel data, encrypted.
    public var loadNIK = false

    /// Percent of the active accounts that a load may take the sign-in from before it has to be confirmed.
    public var loadStopShare = 5
    /// Whether the confirmation must come from another admin than the one who asked.
    public var loadSecondAdmin = false
    /// Days between the first load in which somebody is missing and the suspension of the account.
    public var vanishedGraceDays = 14
    /// Days for which an account that personnel data closed is listed in the recycle bin.
    public var recycleBinDays = 90

    /// Where SIASN's API manager gives tokens.
    public var siasnTokenURL = "https://apimws.bkn.go.id/oauth2/token"
    /// SIASN's web service, without a slash at its end.
    public var siasnURL = "https://apimws.bkn.go.id:8243/apisiasn/1.0"
    /// What BKN gave to the agency; its secret is no setting.
    public var siasnConsumerKey: String?
    /// Seconds for one answer of SIASN.
    public var siasnTimeout: Int64 = 60

    /// Hosts for which `http` redirect URIs may be registered.
    public var testHosts: [String] = []
    /// Private networks (CIDR) that outgoing calls may reach.
    public var outgoingNetworks: [String] = []
    /// PEM file of further certificate authorities for outgoing calls.
    public var outgoingCAFile: String?

    /// Days between rotations of the signing keys; 0 rotates by hand only.
    public var keyRotationDays = 90
    /// Days that ended sessions and answered sign-outs are kept.
    public var sessionHistoryDays = 2
    /// Days that what a load changed and found is kept; 0 keeps it.
    public var loadHistoryDays = 400
    /// Days that audit rows are kept once they are exported; 0 keeps them.
    public var auditDays = 0
    public var logLevel = "info"

    public init() {}

    /// Whether browsers see `https`.
    public var isSecure: Bool { issuer.utf8.starts(with: "https://".utf8) }
}
