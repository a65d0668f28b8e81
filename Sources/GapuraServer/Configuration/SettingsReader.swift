import Configuration
import Gapura
import GapuraFormats

/// The settings in force and where each was set.
struct LoadedSettings: Sendable {
    let settings: GatewaySettings
    /// `GAPURA_LISTEN`, or `gapura.yaml, line 3`, by key; what is not here has its default.
    let sources: [String: String]
    let file: String?
}

/// Fills `GatewaySettings` from a YAML file and from variables. Variables win; an empty variable counts as none.
/// Unknown keys stop the start.
struct SettingsReader: Sendable {
    let environment: [String: String]

    /// - Parameter path: what `--config` says; else `GAPURA_CONFIG`, else `gapura.yaml` if there is one.
    func read(path: String?) async throws -> LoadedSettings {
        try checkVariables()
        let file = try settingsFile(path)
        try file.map(checkKeys)
        let reader = ConfigReader(providers: try await providers(file))
        var settings = GatewaySettings()
        var sources: [String: String] = [:]
        for setting in SettingCatalogue.all {
            guard let place = place(of: setting, in: file) else { continue }
            guard let texts = texts(of: setting, in: reader), setting.set(&settings, texts) else {
                throw wrong(setting, place)
            }
            sources[setting.key] = place.name
        }
        try SettingsCheck.check(settings)
        return LoadedSettings(settings: settings, sources: sources, file: file?.path)
    }

    // MARK: The sources

    private func settingsFile(_ path: String?) throws -> SettingsFile? {
        if let path = path ?? environment["GAPURA_CONFIG"].flatMap({ $0.isEmpty ? nil : $0 }) {
            return try SettingsFile(path: path)
        }
        return LocalFile.exists("gapura.yaml") ? try SettingsFile(path: "gapura.yaml") : nil
    }

    private func providers(_ file: SettingsFile?) async throws -> [any ConfigProvider] {
        let secrets = Set(SettingCatalogue.all.filter(\.isSecret).flatMap { [$0.key, $0.variable] })
        let variables = EnvironmentVariablesProvider(
            environmentVariables: environment.filter {
                $0.key.utf8.starts(with: Setting.prefix.utf8) && !$0.value.isEmpty
            },
            secretsSpecifier: .specific(secrets)
        ).prefixKeys(with: "gapura")
        guard let file, !file.entries.isEmpty else { return [variables] }
        let place = InMemoryProvider(values: ["filePath": ConfigValue(.string(file.path), isSecret: false)])
        do {
            let yaml = try await FileProvider<YAMLSnapshot>(
                parsingOptions: YAMLSnapshot.ParsingOptions(secretsSpecifier: .specific(secrets)),
                config: ConfigReader(provider: place)
            )
            return [variables, yaml]
        } catch {
            throw SettingsError(
                "\(file.path): a value is neither a text nor a list of texts.",
                id: "\(file.path): ada nilai yang bukan teks atau daftar teks."
            )
        }
    }

    /// Where a setting is set.
    private struct Place {
        let name: String
        let shape: String
    }

    private func place(of setting: Setting, in file: SettingsFile?) -> Place? {
        if let value = environment[setting.variable], !value.isEmpty {
            return Place(name: setting.variable, shape: SettingShape.of(value))
        }
        guard let file, let entry = file.entries.first(where: { $0.key.isExactly(setting.key) }), !entry.isEmpty else {
            return nil
        }
        return Place(name: "\(file.path), line \(entry.line)", shape: entry.shape)
    }

    private func texts(of setting: Setting, in reader: ConfigReader) -> [String]? {
        let key = ConfigKey([setting.key])
        // What cannot be read as text, or as a list of them, is of the wrong shape: the caller says so.
        if setting.isList { return try? reader.requiredStringArray(forKey: key, isSecret: setting.isSecret) }
        return (try? reader.requiredString(forKey: key, isSecret: setting.isSecret)).map { [$0] }
    }

    // MARK: What is refused

    private func checkVariables() throws {
        let known = SettingCatalogue.all.map(\.variable) + SettingCatalogue.otherVariables
        for name in environment.keys.sorted() where name.utf8.starts(with: Setting.prefix.utf8) {
            if known.contains(where: { $0.isExactly(name) })
                || name.utf8.starts(with: SettingCatalogue.foreignPrefix.utf8)
            {
                continue
            }
            throw unknown("The variable \(name)", "Variabel \(name)", NearestWord.find(name, in: known))
        }
    }

    private func checkKeys(_ file: SettingsFile) throws {
        for entry in file.entries where SettingCatalogue.find(entry.key) == nil {
            let key = TerminalText.plain(entry.key)
            throw unknown(
                "\(file.path), line \(entry.line): the key \(key)", "\(file.path), baris \(entry.line): kunci \(key)",
                NearestWord.find(entry.key, in: SettingCatalogue.all.map(\.key))
            )
        }
    }

    private func unknown(_ english: String, _ indonesian: String, _ nearest: String?) -> SettingsError {
        SettingsError(
            "\(english) is unknown; " + (nearest.map { "did you mean \($0)?" } ?? "see `gapura settings`."),
            id: "\(indonesian) tidak dikenal; " + (nearest.map { "maksud Anda \($0)?" } ?? "lihat `gapura settings`.")
        )
    }

    private func wrong(_ setting: Setting, _ place: Place) -> SettingsError {
        SettingsError(
            "\(place.name): \(setting.key) must be \(setting.form); found \(place.shape).",
            id: "\(place.name): \(setting.key) harus berupa \(setting.form); yang ada: \(place.shape)."
        )
    }
}

/// What must hold between settings.
enum SettingsCheck {
    static func check(_ settings: GatewaySettings) throws {
        guard (settings.tlsCertificate == nil) == (settings.tlsKey == nil) else {
            throw SettingsError(
                "tls_certificate and tls_key go together: set both or none.",
                id: "tls_certificate dan tls_key harus diisi keduanya atau tidak sama sekali."
            )
        }
        guard settings.sessionIdle <= settings.sessionAbsolute else {
            throw SettingsError(
                "session_idle must not be longer than session_absolute.",
                id: "session_idle tidak boleh lebih lama daripada session_absolute."
            )
        }
        guard settings.offlineIdle <= settings.offlineAbsolute else {
            throw SettingsError(
                "offline_idle must not be longer than offline_absolute.",
                id: "offline_idle tidak boleh lebih lama daripada offline_absolute."
            )
        }
        let host = SettingText.host(ofOrigin: settings.issuer)
        guard
            settings.isSecure
                || (["localhost", "127.0.0.1", "::1"] + settings.testHosts).contains(where: { $0.isExactly(host) })
        else {
            throw SettingsError(
                "issuer must begin with https:// unless it is this machine or one of test_hosts.",
                id: "issuer harus diawali https:// kecuali untuk komputer ini atau salah satu test_hosts."
            )
        }
    }
}
