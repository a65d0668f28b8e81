import Gapura
import GapuraPages

extension Branding {
    /// The city's face as the settings have it.
    init(_ settings: GatewaySettings) throws {
        do {
            try self.init(
                cityName: settings.cityName, colour: settings.cityColour,
                logo: settings.cityLogo.map { try LocalFile.read($0, limit: 1 << 20) },
                contact: settings.cityHelp
            )
        } catch let error as BrandingError {
            let lines = error.description.split(whereSeparator: \.isNewline).map(String.init)
            throw OperationError(.refused, lines.last ?? "", id: lines.first ?? "")
        }
    }
}
