import GapuraFormats
import Yams

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The keys of the YAML file with their lines: swift-configuration answers what it is asked for and does not tell what
/// nobody asks for.
struct SettingsFile: Sendable {
    struct Entry: Sendable {
        let key: String
        let line: Int
        /// What stands there, for errors: "a list of 3", "text of 5 characters".
        let shape: String
        let isEmpty: Bool
    }

    let path: String
    let entries: [Entry]

    init(path: String) throws {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw SettingsError(
                "The settings file \(path) cannot be read; check its path and its mode.",
                id: "Berkas pengaturan \(path) tidak dapat dibaca; periksa letak dan izinnya."
            )
        }
        try self.init(path: path, text: String(decoding: data, as: UTF8.self))
    }

    init(path: String, text: String) throws {
        self.path = path
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw Self.malformed(path, error)
        }
        guard let node else {
            entries = []
            return
        }
        guard let mapping = node.mapping else {
            throw SettingsError(
                "\(path): this is not a list of `key: value` lines.",
                id: "\(path): isinya bukan baris-baris `kunci: nilai`."
            )
        }
        entries = mapping.map { key, value in
            Entry(
                key: key.scalar?.string ?? "?", line: key.mark?.line ?? 0, shape: Self.shape(value),
                isEmpty: value.scalar.map { $0.string.isEmpty } ?? false
            )
        }
    }

    private static func shape(_ node: Node) -> String {
        if let sequence = node.sequence { return "a list of \(sequence.count)" }
        if let mapping = node.mapping { return "a group of \(mapping.count) keys" }
        return SettingShape.of(node.scalar?.string ?? "")
    }

    /// Yams quotes the line in its message, and the line may hold a password.
    private static func malformed(_ path: String, _ error: any Error) -> SettingsError {
        let line =
            switch error {
            case YamlError.scanner(_, _, let mark, _), YamlError.parser(_, _, let mark, _),
                YamlError.composer(_, _, let mark, _):
                mark.line
            case YamlError.duplicatedKeysInMapping(_, let context): context.mark.line
            default: 0
            }
        let place = line > 0 ? "\(path), line \(line)" : path
        let tempat = line > 0 ? "\(path), baris \(line)" : path
        if case YamlError.duplicatedKeysInMapping = error {
            return SettingsError(
                "\(place): a key stands there twice; keep one of them.",
                id: "\(tempat): satu kunci ditulis dua kali; sisakan satu.")
        }
        return SettingsError(
            "\(place): this is not YAML; check the indentation and the quotes.",
            id: "\(tempat): bukan YAML; periksa indentasi dan tanda kutipnya."
        )
    }
}

/// What a wrong value looks like, without the value.
enum SettingShape {
    static func of(_ text: String) -> String {
        if SettingText.digits(text) != nil { return "a number of \(text.utf8.count) digits" }
        return text.isEmpty ? "nothing" : "a text of \(text.unicodeScalars.count) characters"
    }
}
