import Gapura
import GapuraFormats
import GapuraStore

/// How the text of a setting becomes a value and a value its text.
struct SettingForm<Value>: Sendable {
    let name: String
    var isList = false
    let parse: @Sendable ([String]) -> Value?
    let print: @Sendable (Value) -> String

    init(
        _ name: String, isList: Bool = false, parse: @escaping @Sendable ([String]) -> Value?,
        print: @escaping @Sendable (Value) -> String
    ) {
        self.name = name
        self.isList = isList
        self.parse = parse
        self.print = print
    }

    /// One text, not a list of them.
    static func one(
        _ name: String, parse: @escaping @Sendable (String) -> Value?, print: @escaping @Sendable (Value) -> String
    ) -> SettingForm {
        SettingForm(name, parse: { texts in texts.count == 1 ? texts.first.flatMap(parse) : nil }, print: print)
    }
}

extension SettingForm where Value == String {
    static var text: SettingForm { words("a text") }
    static var path: SettingForm { words("a path") }

    static var url: SettingForm {
        one(
            "an address such as https://masuk.kota-contoh.go.id: in lower case, with a port only where it is not the usual one, and without path, query, fragment or slash at its end",
            parse: { SettingText.isOrigin($0) ? $0 : nil }, print: { $0 })
    }

    static var service: SettingForm {
        one(
            "an https address such as https://layanan.contoh.go.id:8243/api/1.0, without query, fragment or slash at its end",
            parse: { SettingText.isService($0) ? $0 : nil }, print: { $0 })
    }

    static var colour: SettingForm {
        one("a colour such as #0f5c6e", parse: { SettingText.isColour($0) ? $0 : nil }, print: { $0 })
    }

    static var database: SettingForm {
        one(
            "sqlite:PATH or postgres://USER@HOST/DATABASE", parse: { (try? DatabaseLocation($0)) == nil ? nil : $0 },
            print: { $0 })
    }

    static func choice(_ words: [String]) -> SettingForm {
        one(
            "one of " + words.joined(separator: ", "), parse: { text in words.first { $0.isExactly(text) } },
            print: { $0 })
    }

    private static func words(_ name: String) -> SettingForm {
        one(name, parse: { SettingText.isPrintable($0) ? $0 : nil }, print: { $0 })
    }
}

extension SettingForm where Value == String? {
    static var optionalText: SettingForm { words("a text") }
    static var optionalPath: SettingForm { words("a path") }

    private static func words(_ name: String) -> SettingForm {
        one(name, parse: { SettingText.isPrintable($0) ? .some($0) : nil }, print: { $0 ?? "" })
    }
}

extension SettingForm where Value == Int64 {
    /// Seconds.
    static func duration(_ range: ClosedRange<Int64>) -> SettingForm {
        one(
            "a duration such as 90s, 15m, 12h or 30d, from \(SettingText.duration(range.lowerBound)) to \(SettingText.duration(range.upperBound))",
            parse: { text in SettingText.seconds(text).flatMap { range.contains($0) ? $0 : nil } },
            print: SettingText.duration
        )
    }
}

extension SettingForm where Value: FixedWidthInteger & Sendable {
    static func number(_ range: ClosedRange<Value>) -> SettingForm {
        one(
            "a whole number from \(range.lowerBound) to \(range.upperBound)",
            parse: { text in
                SettingText.digits(text).flatMap { Value(exactly: $0) }.flatMap { range.contains($0) ? $0 : nil }
            },
            print: { "\($0)" }
        )
    }
}

extension SettingForm where Value == Bool {
    static var flag: SettingForm {
        one(
            "true or false",
            parse: { text in
                switch text {
                case "true": true
                case "false": false
                default: nil
                }
            }, print: { $0 ? "true" : "false" }
        )
    }
}

extension SettingForm where Value == [String] {
    static var networks: SettingForm {
        list("a list of addresses or networks such as 10.1.0.0/16") { Network($0) != nil }
    }

    static var hosts: SettingForm {
        list("a list of host names") { SettingText.isHost($0) }
    }

    private static func list(_ name: String, _ isRight: @escaping @Sendable (String) -> Bool) -> SettingForm {
        SettingForm(
            name, isList: true, parse: { $0.allSatisfy(isRight) ? $0 : nil }, print: { $0.joined(separator: ",") })
    }
}

extension SettingForm where Value == [String: String] {
    /// `CODE=STATE` each.
    static func table(_ name: String, states: [String]) -> SettingForm {
        SettingForm(
            name, isList: true,
            parse: { texts in
                var table: [String: String] = [:]
                for text in texts {
                    let parts = text.utf8.split(separator: UInt8(ascii: "="), omittingEmptySubsequences: false).map {
                        String(Substring($0))
                    }
                    guard parts.count == 2, let code = parts.first, !code.isEmpty, let state = parts.last,
                        states.contains(where: { $0.isExactly(state) }), table.updateValue(state, forKey: code) == nil
                    else { return nil }
                }
                return table
            },
            print: { table in table.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",") }
        )
    }
}
