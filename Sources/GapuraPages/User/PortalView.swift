import Gapura

/// `/portal`.
struct PortalView: PageView {
    let model: PortalModel

    func body(_ texts: Texts) -> PageBody {
        let dates = DateText(zone: model.zone, language: texts.language)
        let tiles = model.limited ? [] : model.tiles.compactMap { tile($0, dates) }
        return PageBody(
            template: "portal",
            title: texts("portal-title"),
            layout: .inside,
            values: [
                "limited": .flag(model.limited),
                "ending": .group(model.ending.flatMap { Self.ending($0, dates, texts) }),
                "is-empty": .flag(tiles.isEmpty && !model.limited),
                "has-tiles": .flag(!tiles.isEmpty),
                "tiles": .list(tiles),
                "lines": .list(personValues(model.person, texts)),
            ]
        )
    }

    /// The last minute is named, since midnight after the last day reads like a day more.
    private static func ending(_ ending: PortalModel.Ending, _ dates: DateText, _ texts: Texts) -> Values? {
        guard let last = dates.text(ending.at.adding(milliseconds: -1)) else { return nil }
        let sponsor = ending.sponsor.map { texts("portal-ending-do", ["sponsor": $0.forDisplay(limit: 120)]) }
        return [
            "what": .text(texts("portal-ending", ["time": last])),
            "advice": .text(sponsor ?? texts("portal-ending-do-nobody")),
        ]
    }

    /// Nothing for an application whose address no browser should open.
    private func tile(_ tile: PortalModel.Tile, _ dates: DateText) -> Values? {
        guard let address = SafeLink.web(tile.url) else { return nil }
        let name = tile.name.forDisplay(limit: 120)
        return [
            "name": .text(name),
            "letter": .text(Self.letter(of: name)),
            "address": .text(address),
            "description": .text(tile.description?.forDisplay(limit: 240)),
            "agency": .text(tile.agency?.forDisplay(limit: 160)),
            "used": .text(tile.lastUsed.flatMap(dates.text)),
            "used-machine": .text(tile.lastUsed.flatMap(dates.machine)),
        ]
    }

    /// First letter of a name, past the "e-" with which half of them begin.
    static func letter(of name: String) -> String {
        let scalars = name.unicodeScalars.filter {
            $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "-"
        }
        let isElectronic =
            scalars.count > 2 && (scalars.first == "e" || scalars.first == "E") && scalars.dropFirst().first == "-"
        let first = scalars.dropFirst(isElectronic ? 2 : 0).first { $0 != "-" }
        return first?.properties.uppercaseMapping ?? "·"
    }
}
