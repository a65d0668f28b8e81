import Gapura
import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Every setting, in the order of the reference page.
enum SettingCatalogue {
    static let all: [Setting] = addresses + storage + city + times + passwords + people + applications + upkeep

    static func find(_ key: String) -> Setting? {
        all.first { $0.key.isExactly(key) }
    }

    /// Variables that begin with `GAPURA_` and are no settings.
    static let otherVariables =
        ["GAPURA_CONFIG", PersonnelProfile.passwordVariable] + PersonnelRefreshSecrets.variables
    /// Variables of tests and scripts; the gateway does not look at them.
    static let foreignPrefix = "GAPURA_TEST_"

    private static let addresses: [Setting] = [
        Setting(
            "issuer", \.issuer, .url,
            "The public address of the gateway, and the issuer in every token: what people see in their browser. Changing it later makes every application configure anew. Plain http only for this machine and for `test_hosts`."
        ),
        address("listen", \.listenHost, \.listenPort, "Where the gateway listens."),
        address(
            "metrics_listen", \.metricsHost, \.metricsPort,
            "Where `/metrics` and health detail are served; keep it away from the public."
        ),
        Setting(
            "tls_certificate", \.tlsCertificate, .optionalPath,
            "PEM file with the certificate and its chain. With `tls_key`, the gateway speaks TLS itself."),
        Setting("tls_key", \.tlsKey, .optionalPath, "PEM file with the private key of the certificate, mode 0600."),
        Setting(
            "trusted_proxies", \.trustedProxies, .networks,
            "Proxies in front whose `X-Forwarded-For` is believed. From anybody else the header is ignored."
        ),
    ]

    private static let storage: [Setting] = [
        Setting(
            "database", \.database, .database, isSecret: true,
            "Where everything is stored. SQLite needs nothing else; PostgreSQL is for two nodes and more."
        ),
        Setting(
            "data_folder", \.dataFolder, .path,
            "Folder of the command socket and, by default, the database; mode 0700. At most 88 bytes long as an absolute path."
        ),
        Setting(
            "keys_folder", \.keysFolder, .path,
            "Folder of the signing and secret keys; mode 0700. Back it up apart from the database."),
    ]

    private static let city: [Setting] = [
        Setting("city_name", \.cityName, .text, "The name on every page."),
        Setting("city_logo", \.cityLogo, .optionalPath, "PNG, JPEG or WebP file of the logo."),
        Setting("city_colour", \.cityColour, .colour, "The colour of buttons and of the head of pages."),
        Setting(
            "city_help", \.cityHelp, .optionalText,
            "Whom to ask when a sign-in fails, shown on pages: a telephone number, a counter."),
        Setting(
            "time_zone", \.timeZone, .choice(["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"]),
            "The city's time zone."),
    ]

    private static let times: [Setting] = [
        Setting("session_idle", \.sessionIdle, .duration(60...86_400), "A session ends after so long without use."),
        Setting(
            "session_absolute", \.sessionAbsolute, .duration(300...604_800),
            "A session ends after so long however much it is used."),
        Setting(
            "code_lifetime", \.codeLifetime, .duration(10...600), "How long an authorization code can be redeemed."),
        Setting("token_lifetime", \.tokenLifetime, .duration(60...3600), "How long ID and access tokens are good."),
        Setting(
            "refresh_lifetime", \.refreshLifetime, .duration(300...2_592_000),
            "How long a refresh token of a web application is good; never beyond the session without `offline_access`."
        ),
        Setting(
            "offline_idle", \.offlineIdle, .duration(3600...31_536_000),
            "A refresh token with `offline_access` dies after so long without use."),
        Setting(
            "offline_absolute", \.offlineAbsolute, .duration(3600...94_608_000),
            "A refresh token with `offline_access` dies after so long."),
        Setting(
            "consent_lifetime", \.consentLifetime, .duration(60...94_608_000),
            "How long it is remembered what somebody allowed an application that is not the city's own."),
        Setting(
            "set_up_link_lifetime", \.setUpLinkLifetime, .duration(300...604_800),
            "How long a set-up link for a first password is good."),
        Setting(
            "reset_link_lifetime", \.resetLinkLifetime, .duration(300...86_400),
            "How long a link to a new password is good."),
        Setting(
            "activation_code_lifetime", \.activationCodeLifetime, .duration(3600...7_776_000),
            "How long a printed one-time code for a first password is good."),
        Setting(
            "flow_lifetime", \.flowLifetime, .duration(60...86_400),
            "How long one sign-in may take, from the application to the password."),
        Setting(
            "flow_limit", \.flowLimit, .number(100...10_000_000),
            "Sign-ins under way at the same time; beyond it the oldest of the network that has most make room."),
        Setting(
            "flow_network_limit", \.flowNetworkLimit, .number(100...1_000_000),
            "Of these from one network (/24, /48); beyond it the oldest of the address that has most make room."),
        Setting(
            "address_rate", \.addressRate, .number(0...1_000_000),
            "Requests a second that one address (of IPv6 a /64) may make, ten seconds' worth at once; beyond it 429 with `Retry-After`. A whole office may be one address, and everybody is one where `trusted_proxies` leaves a proxy out. 0 counts none."
        ),
        Setting(
            "address_connections", \.addressConnections, .number(0...1_000_000),
            "Connections that one address (of IPv6 a /64) may have open; those of `trusted_proxies` are not counted. A whole office may be one address. 0 counts none."
        ),
        Setting(
            "client_rate", \.clientRate, .number(0...1_000_000),
            "Requests a second that one client may make in its own name or with its tokens, ten seconds' worth at once. 0 counts none."
        ),
        Setting(
            "refresh_rate", \.refreshRate, .number(0...1_000_000),
            "Refreshes a minute of one sign-in at one client, a minute's worth at once; beyond it 429 with `Retry-After`, and the refresh token stays as it is. 0 counts none."
        ),
        Setting(
            "recent_sign_in", \.recentSignIn, .duration(0...86_400),
            "Giving rights to admins, printing codes and reading or erasing what is held about somebody need a sign-in no longer ago, in the administration API (RFC 9470). 0s asks for none."
        ),
    ]

    private static let passwords: [Setting] = [
        Setting("password_minimum", \.passwordMinimum, .number(8...64), "Characters a new password has at least."),
        Setting(
            "password_memory", \.passwordMemory, .number(8192...Argon2Parameters.limit.memory),
            "Argon2id: KiB of memory per password."),
        Setting(
            "password_passes", \.passwordPasses, .number(1...Argon2Parameters.limit.passes),
            "Argon2id: passes over the memory."),
        Setting("password_lanes", \.passwordLanes, .number(1...Argon2Parameters.limit.lanes), "Argon2id: lanes."),
        Setting(
            "password_threads", \.passwordThreads, .number(0...256),
            "Threads that hash passwords; 0 means as many as cores."),
        Setting(
            "password_queue", \.passwordQueue, .number(1...100_000),
            "Passwords that may wait to be hashed; beyond it 503 with `Retry-After`."),
    ]

    private static let people: [Setting] = [
        Setting(
            "account_states", \.accountStates,
            .table(
                "a list of CODE=STATE, where a state is that of an account or keep",
                states: AccountState.allCases.map(\.rawValue) + ["keep"]),
            "What a `kedudukan_hukum` code makes of an account, over the built-in table: `01=aktif`, `77=ditangguhkan`, `09=keep`."
        ),
        Setting(
            "load_stop_share", \.loadStopShare, .number(0...100),
            "A load of personnel data that takes the sign-in from more than so many percent of the active accounts (disabled, suspended and vanished together) stops, and goes on only when its number is repeated. Of loads of some people (push, SCIM, SIASN) those of a day count together."
        ),
        Setting(
            "load_second_admin", \.loadSecondAdmin, .flag,
            "Whether the number of a load that stopped, or of taking one back, must be repeated by another admin than the one who first gave it."
        ),
        Setting(
            "vanished_grace_days", \.vanishedGraceDays, .number(0...365),
            "Days after the first load in which somebody is missing until the account is suspended. Who is in a later file is back at once."
        ),
        Setting(
            "recycle_bin_days", \.recycleBinDays, .number(1...3650),
            "Days for which an account that personnel data closed is listed by `gapura personnel bin`. Nothing is deleted after that."
        ),
        Setting(
            "load_nik", \.loadNIK, .flag,
            "Takes the NIK from personnel data, encrypted under a key in `keys/`, for applications of electronic signatures (`gapura client add … --tte`). Otherwise it is dropped while the file is read."
        ),
        Setting(
            "siasn_consumer_key", \.siasnConsumerKey, .optionalText,
            "The consumer key that BKN gave to the agency for SIASN's web service (`gapura personnel refresh`). Its secret is no setting: the command asks for it, and for the operator's token."
        ),
        Setting(
            "siasn_url", \.siasnURL, .service,
            "SIASN's web service. Calls go out to port 8243; the address of BKN's training system is for tests."),
        Setting(
            "siasn_token_url", \.siasnTokenURL, .service, "Where the API manager of SIASN gives its token."),
        Setting(
            "siasn_timeout", \.siasnTimeout, .duration(1...60), "How long one answer of SIASN may take."),
        Setting(
            "accepts_fixtures", \.acceptsFixtures, .flag,
            "Accepts impossible people (birth years 18xx): for the sample city and tests, never for a real city."
        ),
    ]

    private static let applications: [Setting] = [
        Setting(
            "test_hosts", \.testHosts, .hosts,
            "Hosts for which `http` redirect URIs may be registered, besides this machine for native clients."),
        Setting(
            "outgoing_networks", \.outgoingNetworks, .networks,
            "Private networks of the city that outgoing calls (sign-out, key sets) may reach."),
        Setting(
            "outgoing_ca_file", \.outgoingCAFile, .optionalPath,
            "PEM file of further certificate authorities for outgoing calls."),
    ]

    private static let upkeep: [Setting] = [
        Setting(
            "key_rotation_days", \.keyRotationDays, .number(0...3650),
            "Days between rotations of the signing keys; 0 rotates by hand only."),
        Setting(
            "session_history_days", \.sessionHistoryDays, .number(1...3650),
            "Days that ended sessions and answered sign-outs are kept. The audit has every sign-in for longer; a city of 10,000 people that sign in five times a day needs about 40 MB for each day."
        ),
        Setting(
            "load_history_days", \.loadHistoryDays, .number(0...36_500),
            "Days that what a load changed and found is kept, so that it can be explained and taken back. 0 keeps it."),
        Setting(
            "audit_days", \.auditDays, .number(0...36_500),
            "Days that the rows of the audit are kept in the database; older ones are removed once `gapura audit export` has written them to a file. 0 keeps them."
        ),
        Setting(
            "log_level", \.logLevel, .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
            "The least important lines that are logged."
        ),
    ]

    private static func address(
        _ key: String, _ host: any WritableKeyPath<GatewaySettings, String> & Sendable,
        _ port: any WritableKeyPath<GatewaySettings, Int> & Sendable,
        _ text: String
    ) -> Setting {
        Setting(
            key, form: "HOST:PORT", text,
            print: { settings in
                let name = settings[keyPath: host]
                return name.utf8.contains(UInt8(ascii: ":"))
                    ? "[\(name)]:\(settings[keyPath: port])" : "\(name):\(settings[keyPath: port])"
            },
            set: { settings, text in
                guard let address = SettingText.address(text) else { return false }
                settings[keyPath: host] = address.host
                settings[keyPath: port] = address.port
                return true
            }
        )
    }
}
