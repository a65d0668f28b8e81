import Gapura

/// One thing a city may set: its key in the YAML file, its variable, what it means, and how its text becomes a value.
///
/// The catalogue is the only source: the reader, the reference page and `gapura settings` are made from it, and the
/// default is read from `GatewaySettings` itself.
struct Setting: Sendable {
    let key: String
    /// What may stand there, for the reference page and for errors: "a duration such as 90s, 15m, 12h or 30d".
    let form: String
    let text: String
    /// Its value is never printed.
    let isSecret: Bool
    /// Whether the file gives a list, and the variable values separated by commas.
    let isList: Bool
    /// The value in force, as it would be written.
    let print: @Sendable (GatewaySettings) -> String
    /// Takes the value in, or says by `false` that it has not the form.
    let set: @Sendable (inout GatewaySettings, [String]) -> Bool

    /// `GAPURA_CITY_NAME` for `city_name`.
    var variable: String { Self.prefix + key.uppercased() }
    static let prefix = "GAPURA_"

    init<Value>(
        _ key: String, _ path: any WritableKeyPath<GatewaySettings, Value> & Sendable, _ form: SettingForm<Value>,
        isSecret: Bool = false,
        _ text: String
    ) {
        self.key = key
        self.form = form.name
        self.text = text
        self.isSecret = isSecret
        isList = form.isList
        print = { form.print($0[keyPath: path]) }
        set = { settings, texts in
            guard let value = form.parse(texts) else { return false }
            settings[keyPath: path] = value
            return true
        }
    }

    /// For a setting that fills more than one property: `listen`.
    init(
        _ key: String, form: String, _ text: String, print: @escaping @Sendable (GatewaySettings) -> String,
        set: @escaping @Sendable (inout GatewaySettings, String) -> Bool
    ) {
        self.key = key
        self.form = form
        self.text = text
        isSecret = false
        isList = false
        self.print = print
        self.set = { settings, texts in texts.count == 1 && set(&settings, texts.first ?? "") }
    }
}
