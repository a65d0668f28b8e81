import Gapura

/// The reference page `docs/settings.md`, which `gapura settings` prints.
enum SettingsReference {
    static func markdown() -> String {
        let defaults = GatewaySettings()
        var lines = [
            "# Settings",
            "",
            "<!-- Made by `gapura settings > docs/settings.md`; do not edit. -->",
            "",
            "A setting stands in a YAML file or in a variable; the variable wins, and an empty one counts as none. The file is the one that",
            "`--config` or `GAPURA_CONFIG` names, else `gapura.yaml` in the current folder if it is there. Lists are YAML lists in the file and",
            "separated by commas in a variable. Unknown keys stop the start. Paths are relative to the folder in which the program starts.",
            "`gapura settings --effective` shows what is in force and where it was set.",
            "",
            "```yaml",
            "issuer: https://masuk.kota-contoh.go.id",
            "listen: 127.0.0.1:8080",
            "trusted_proxies: [10.10.0.5]",
            "session_idle: 2h",
            "```",
            "",
            "| Key | Variable | Default | Form |",
            "|---|---|---|---|",
        ]
        for setting in SettingCatalogue.all {
            let value = setting.print(defaults)
            lines.append(
                "| `\(setting.key)` | `\(setting.variable)` | \(value.isEmpty ? "none" : "`\(value)`") | \(setting.form) |"
            )
        }
        for setting in SettingCatalogue.all {
            lines += ["", "## `\(setting.key)`", "", setting.text]
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
