import Foundation
import Gapura
import GapuraDirectory
import GapuraFormats
import Testing

@testable import GapuraServer

@Suite("Settings")
struct SettingsTests {
    private func read(_ yaml: String? = nil, _ variables: [String: String] = [:]) async throws -> LoadedSettings {
        guard let yaml else { return try await SettingsReader(environment: variables).read(path: nil) }
        let world = try TemporaryFolder()
        let path = world.path("gapura.yaml")
        try Data(yaml.utf8).write(to: URL(fileURLWithPath: path))
        return try await SettingsReader(environment: variables).read(path: path)
    }

    private func problem(_ yaml: String? = nil, _ variables: [String: String] = [:]) async -> SettingsError? {
        await #expect(throws: SettingsError.self) { try await read(yaml, variables) }
    }

    @Test("every setting fills a property from file and from variable, and prints what it was given")
    func fillsEverything() async throws {
        let values: [String: String] = [
            "issuer": "https://masuk.contoh.go.id", "listen": "0.0.0.0:8443", "metrics_listen": "[::1]:9999",
            "tls_certificate": "/c.pem",
            "tls_key": "/k.pem", "trusted_proxies": "10.0.0.1,10.1.0.0/16", "database": "postgres://gapura@db/gapura",
            "data_folder": "/d",
            "keys_folder": "/k", "city_name": "Kota Uji", "city_logo": "/l.png", "city_colour": "#aabbcc",
            "city_help": "Loket 3",
            "time_zone": "Asia/Makassar", "session_idle": "30m", "session_absolute": "8h", "code_lifetime": "30s",
            "consent_lifetime": "90d",
            "token_lifetime": "2m",
            "refresh_lifetime": "6h", "offline_idle": "20d", "offline_absolute": "90d", "set_up_link_lifetime": "12h",
            "reset_link_lifetime": "30m", "activation_code_lifetime": "14d",
            "flow_lifetime": "10m", "flow_limit": "5000", "flow_network_limit": "700", "address_rate": "90",
            "address_connections": "70",
            "client_rate": "80", "refresh_rate": "40", "recent_sign_in": "20m", "password_minimum": "14",
            "password_memory": "20000",
            "password_passes": "3",
            "password_lanes": "2", "password_threads": "3", "password_queue": "50",
            "account_states": "01=aktif,77=ditangguhkan",
            "load_stop_share": "10", "load_second_admin": "true", "vanished_grace_days": "30",
            "recycle_bin_days": "120",
            "siasn_consumer_key": "kunci", "siasn_url": "https://siasn.contoh.go.id:8243/apisiasn/1.0",
            "siasn_token_url": "https://siasn.contoh.go.id/oauth2/token", "siasn_timeout": "20s",
            "load_nik": "true", "accepts_fixtures": "true", "test_hosts": "uji.contoh",
            "outgoing_networks": "10.0.0.0/8",
            "outgoing_ca_file": "/ca.pem",
            "key_rotation_days": "30", "session_history_days": "10", "load_history_days": "500", "audit_days": "730",
            "log_level": "debug",
        ]
        #expect(Set(values.keys) == Set(SettingCatalogue.all.map(\.key)))
        var lines: [String] = []
        var variables: [String: String] = [:]
        for setting in SettingCatalogue.all {
            let value = try #require(values[setting.key])
            lines.append(
                "\(setting.key): \(setting.isList ? "[\"" + value.replacing(",", with: "\", \"") + "\"]" : "\"\(value)\"")"
            )
            variables[setting.variable] = value
        }
        for loaded in [try await read(lines.joined(separator: "\n")), try await read(nil, variables)] {
            for setting in SettingCatalogue.all {
                #expect(setting.print(loaded.settings) == values[setting.key], "\(setting.key)")
                #expect(loaded.sources[setting.key] != nil)
            }
            #expect(loaded.settings.listenPort == 8443)
            #expect(loaded.settings.metricsHost == "::1")
            #expect(loaded.settings.sessionIdle == 1800)
        }
    }

    @Test("every default passes its own form")
    func defaultsAreRight() throws {
        let defaults = GatewaySettings()
        for setting in SettingCatalogue.all {
            let text = setting.print(defaults)
            guard !text.isEmpty else { continue }
            var settings = GatewaySettings()
            #expect(
                setting.set(&settings, setting.isList ? text.split(separator: ",").map(String.init) : [text]),
                "\(setting.key) = \(text)")
        }
        #expect(throws: Never.self) { try SettingsCheck.check(defaults) }
    }

    @Test("a variable wins over the file, and an empty one counts as none")
    func variablesWin() async throws {
        let loaded = try await read(
            "city_name: Dari berkas\nlog_level: debug", ["GAPURA_CITY_NAME": "Dari variabel", "GAPURA_LOG_LEVEL": ""])
        #expect(loaded.settings.cityName == "Dari variabel")
        #expect(loaded.settings.logLevel == "debug")
        #expect(loaded.sources["city_name"] == "GAPURA_CITY_NAME")
        #expect(loaded.sources["log_level"]?.hasSuffix("gapura.yaml, line 2") == true)
    }

    @Test("unquoted YAML numbers and booleans are read as what is written")
    func bareScalars() async throws {
        let loaded = try await read(
            "password_minimum: 15\naccepts_fixtures: true\nsession_idle: 1h\ntrusted_proxies: [10.0.0.1]")
        #expect(loaded.settings.passwordMinimum == 15)
        #expect(loaded.settings.acceptsFixtures)
        #expect(loaded.settings.sessionIdle == 3600)
        #expect(loaded.settings.trustedProxies == ["10.0.0.1"])
    }

    @Test("an unknown key stops the start with its line and the nearest known key")
    func unknownKey() async throws {
        let error = try #require(await problem("issuer: https://a.contoh\ncity_nmae: X"))
        #expect(error.message.contains("line 2"))
        #expect(error.message.contains("city_nmae"))
        #expect(error.message.contains("did you mean city_name?"))
        #expect(error.indonesian.contains("maksud Anda city_name?"))
    }

    @Test("the password of a personnel database is no setting and no unknown variable either")
    func personnelPassword() async throws {
        _ = try await read(nil, ["GAPURA_PERSONNEL_PASSWORD": "x"])
    }

    @Test("an unknown variable stops the start with the nearest known one")
    func unknownVariable() async throws {
        let error = try #require(await problem(nil, ["GAPURA_DATABSE": "sqlite:x"]))
        #expect(error.message.contains("GAPURA_DATABSE"))
        #expect(error.message.contains("did you mean GAPURA_DATABASE?"))
        _ = try await read(nil, ["GAPURA_TEST_POSTGRES": "x", "GAPURA_CONFIG": "", "PATH": "/bin"])
    }

    @Test("a wrong type names key and shape and never the value")
    func wrongType() async throws {
        let error = try #require(await problem("session_idle: rahasia123"))
        #expect(error.message.contains("session_idle must be a duration"))
        #expect(error.message.contains("a text of 10 characters"))
        #expect(!error.message.contains("rahasia123"))
        let list = try #require(await problem("city_name: [a, b]"))
        #expect(list.message.contains("a list of 2"))
        let scalar = try #require(await problem("trusted_proxies: 10.0.0.1"))
        #expect(scalar.message.contains("trusted_proxies must be a list"))
        let secret = try #require(await problem(nil, ["GAPURA_DATABASE": "mysql://user:s3kr1t@db/x"]))
        #expect(!secret.message.contains("s3kr1t"))
        let group = try #require(await problem("city_name:\n  a: b"))
        #expect(group.message.contains("city_name"))
    }

    @Test(
        "values beyond sense are refused",
        arguments: [
            "listen: 8080", "listen: 127.0.0.1:99999", "metrics_listen: \"a b:1\"", "session_idle: 90",
            "session_idle: -1h", "session_idle: 1w",
            "city_colour: blue", "time_zone: Europe/Berlin", "issuer: https://a.contoh/",
            "issuer: \"https://a.contoh?x\"", "issuer: ftp://a",
            "issuer: http://masuk.contoh.go.id", "issuer: https://a.contoh/masuk", "issuer: \"https://a.contoh#x\"",
            "issuer: https://A.contoh", "issuer: HTTPS://a.contoh", "issuer: https://a.contoh:443",
            "issuer: http://localhost:80", "issuer: https://a.contoh:08443", "issuer: https://a.contoh:0",
            "issuer: https://a.contoh:", "issuer: https://u@a.contoh", "issuer: https://a..contoh",
            "issuer: https://300.1.1.1", "issuer: \"https://[::g]\"", "issuer: https://",
            "trusted_proxies: [10.0.0.0/33]", "trusted_proxies: [300.1.1.1]", "trusted_proxies: [10.0.0.0/+8]",
            "trusted_proxies: [\"1:2:3\"]", "trusted_proxies: [\"::ffff:10.0.0.0/104\"]",
            "outgoing_networks: [010.0.0.1]", "listen: \"[1:2:3]:80\"", "password_passes: 11",
            "password_memory: 262145",
            "tls_key: /k.pem",
            "session_idle: 20h", "password_minimum: 4", "accepts_fixtures: \"yes\"", "account_states: [\"01=active\"]",
            "- a", "a: b: c",
            "city_name: A\ncity_name: B", "log_level: loud", "data_folder: \"a\\nb\"",
        ])
    func refused(_ yaml: String) async throws {
        let error = try #require(await problem(yaml))
        #expect(!error.message.contains("\n"))
        #expect(!error.indonesian.isEmpty)
    }

    @Test(
        "an issuer has a host and perhaps a port",
        arguments: ["https://a.contoh", "https://a.contoh:8443", "https://10.1.2.3", "https://[2001:db8::1]:8443"])
    func issuers(_ text: String) async throws {
        #expect(try await read("issuer: \"\(text)\"").settings.issuer == text)
    }

    @Test("what a refused issuer should look like is said")
    func issuerText() async throws {
        let error = try #require(await problem("issuer: https://Masuk.contoh/sso/"))
        for word in ["lower case", "port", "path", "query", "fragment", "slash"] {
            #expect(error.message.contains(word), "\(word)")
        }
    }

    @Test("every network that the settings take, the gateway takes", arguments: ["10.1.0.0/16", "::/0", "2001:db8::1"])
    func networks(_ text: String) async throws {
        #expect(try await read("trusted_proxies: [\"\(text)\"]").settings.trustedProxies == [text])
        #expect(throws: Never.self) { try SourceAddress(trustedProxies: [text]) }
    }

    @Test("a password hashed with the most passes that may be set is verified")
    func mostPasses() async throws {
        let loaded = try await read("password_passes: \(Argon2Parameters.limit.passes)\npassword_memory: 8192")
        let settings = loaded.settings
        let hasher = try PasswordHasher(
            parameters: Argon2Parameters(memory: settings.passwordMemory, passes: settings.passwordPasses), threads: 1)
        let hash = try await hasher.hash("kuda lumping merah 77")
        #expect(try await hasher.verify("kuda lumping merah 77", against: hash) == .right)
        hasher.shutdown()
    }

    @Test("plain http is for this machine and for test hosts")
    func plainHTTP() async throws {
        #expect(try await read("issuer: http://localhost:8080").settings.isSecure == false)
        #expect(
            try await read("issuer: http://gapura:8080\ntest_hosts: [gapura]").settings.issuer == "http://gapura:8080")
    }

    @Test("a missing settings file is an error that names it")
    func missingFile() async throws {
        let error = await #expect(throws: SettingsError.self) {
            try await SettingsReader(environment: [:]).read(path: "/nowhere/g.yaml")
        }
        #expect(error?.message.contains("/nowhere/g.yaml") == true)
    }

    @Test("docs/settings.md is what `gapura settings` prints")
    func referencePage() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../docs/settings.md")
        #expect(
            try String(contentsOf: page, encoding: .utf8) == SettingsReference.markdown(),
            "run `gapura settings > docs/settings.md`")
    }

    @Test(
        "durations are read and written",
        arguments: [("90s", Int64(90)), ("15m", 900), ("12h", 43_200), ("30d", 2_592_000), ("24h", 86_400)])
    func durations(_ text: String, _ seconds: Int64) {
        #expect(SettingText.seconds(text) == seconds)
        #expect(SettingText.duration(seconds) == text)
    }

    @Test("the nearest word is the one with the fewest changes, and nothing is better than nonsense")
    func nearest() {
        #expect(NearestWord.find("isuer", in: ["issuer", "listen"]) == "issuer")
        #expect(NearestWord.find("completely-different", in: ["issuer", "listen"]) == nil)
        #expect(NearestWord.distance(Array("kitten".utf8), Array("sitting".utf8)) == 3)
        #expect(NearestWord.distance([], Array("abc".utf8)) == 3)
    }
}
