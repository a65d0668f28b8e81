import GapuraDirectory
import GapuraFormats

/// The preview of a load for a terminal: how many of what, and the first people.
enum PersonnelPreview {
    /// - Parameter result: of the operation `personnel.load`.
    static func lines(_ result: JSONValue) -> [String] {
        var lines: [String] = []
        let kinds = result["kinds"]?.object?.members ?? []
        if !kinds.isEmpty {
            lines += Console.tableLines(
                ["PERUBAHAN", "CHANGE", "ORANG"],
                kinds.map { kind, people in
                    [PersonnelChange.Kind(rawValue: kind)?.indonesian ?? kind, kind, TerminalText.of(people)]
                })
        }
        for change in result["state_changes"]?.array ?? [] {
            lines.append(
                "accounts \(TerminalText.of(change, "from")) -> \(TerminalText.of(change, "to")): \(TerminalText.of(change, "accounts"))"
            )
        }
        for (code, count) in result["unknown_codes"]?.object?.members ?? [] {
            lines.append("kedudukan_hukum \(TerminalText.plain(code)) is unknown: \(TerminalText.of(count)) people")
        }
        if let grants = result["ending_grants"]?.array, !grants.isEmpty {
            lines.append("roles given in a former unit end / peran di unit lama berakhir: \(grants.count)")
        }
        lines += units(result) + people(result)
        return lines
    }

    /// How many units are named.
    private static let glance = 10

    private static func units(_ result: JSONValue) -> [String] {
        let units = result["units"]?.array ?? []
        let renamed = units.filter { $0["change"]?.string == "renamed" }
        return renamed.prefix(glance).map {
            "unit: \(TerminalText.of($0, "name_before")) -> \(TerminalText.of($0, "name"))"
        }
    }

    private static func people(_ result: JSONValue) -> [String] {
        let changes = (result["changes"]?.array ?? []).filter { $0["reason"]?.string == nil }
        guard !changes.isEmpty else { return [] }
        var lines = Console.tableLines(
            ["NAMA", "PNS_ID", "PERUBAHAN", "AKUN", "SESI", "TOKEN", "PERAN", "UNIT", "BERLAKU"],
            changes.map { change in
                [
                    TerminalText.of(change, "name"), TerminalText.of(change, "pns_id"),
                    TerminalText.of(change, "perubahan"), step(change, "account_before", "account_after"),
                    TerminalText.of(change, "sessions"), TerminalText.of(change, "token_families"),
                    TerminalText.of(change, "grants"),
                    step(change, "unit_before", "unit_after"), TerminalText.of(change, "effective"),
                ]
            })
        let everybody =
            (result["counts"]?["new"]?.integer ?? 0) + (result["counts"]?["changed"]?.integer ?? 0)
            + (result["counts"]?["vanished"]?.integer ?? 0)
        let rest = everybody - Int64(changes.count)
        if rest > 0 {
            lines.append("… dan \(rest) orang lagi: --changes FILE atau --json / and \(rest) more people")
        }
        return lines
    }

    /// `aktif -> nonaktif`, or one word where nothing changes.
    private static func step(_ change: JSONValue, _ before: String, _ after: String) -> String {
        let (old, new) = (TerminalText.of(change, before), TerminalText.of(change, after))
        return old == new || new == "-" && before.hasPrefix("unit") ? old : "\(old) -> \(new)"
    }
}
