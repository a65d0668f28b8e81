import Gapura
import GapuraDirectory
import GapuraFormats
import Yams

/// A mapping profile in YAML as the JSON that an operation takes. Whatever stands in it is text: `01` stays `01`, and
/// `null` is the word that the source writes.
enum ProfileFile {
    private static let maximumBytes = 256 * 1024
    /// What aliases multiply is counted each time.
    private static let maximumNodes = 20_000

    /// - Throws: `OperationError`, with the path and where known the line.
    static func read(_ path: String) throws -> JSONObject {
        let bytes = try LocalFile.read(path, limit: maximumBytes)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw OperationError(.invalid, "\(path) is not UTF-8.", id: "\(path) bukan UTF-8.")
        }
        let object = try parse(text, path: path)
        // Checked here too, so that the message names the file.
        do { _ = try PersonnelProfile(object) } catch {
            throw OperationError(.invalid, "\(path): \(error.message).", id: "\(path): \(error.indonesian).")
        }
        return object
    }

    static func parse(_ text: String, path: String) throws -> JSONObject {
        let node: Node?
        do { node = try Yams.compose(yaml: text) } catch { throw malformed(path, error) }
        var left = maximumNodes
        guard let node, let object = try node.mapping.map({ try value(.mapping($0), path, &left) })?.object else {
            throw OperationError(
                .invalid, "\(path): this is not a list of `key: value` lines.",
                id: "\(path): isinya bukan baris-baris `kunci: nilai`.")
        }
        return object
    }

    private static func value(_ node: Node, _ path: String, _ left: inout Int) throws -> JSONValue {
        left -= 1
        guard left > 0 else {
            throw OperationError(.invalid, "\(path) is too large.", id: "\(path) terlalu besar.")
        }
        switch node {
        case .scalar(let scalar): return .string(scalar.string)
        case .sequence(let sequence): return .array(try sequence.map { try value($0, path, &left) })
        case .mapping(let mapping):
            var object = JSONObject()
            for (key, item) in mapping {
                guard let name = key.scalar?.string, !object.contains(name) else {
                    throw OperationError(
                        .invalid, "\(path), line \(key.mark?.line ?? 0): a key stands there twice, or is none.",
                        id: "\(path), baris \(key.mark?.line ?? 0): satu kunci ditulis dua kali, atau bukan kunci.")
                }
                object[name] = try value(item, path, &left)
            }
            return .object(object)
        case .alias:
            throw OperationError(
                .invalid, "\(path): aliases (*name) are not read.", id: "\(path): alias (*nama) tidak dibaca.")
        }
    }

    private static func malformed(_ path: String, _ error: any Error) -> OperationError {
        let line =
            switch error {
            case YamlError.scanner(_, _, let mark, _), YamlError.parser(_, _, let mark, _),
                YamlError.composer(_, _, let mark, _):
                mark.line
            case YamlError.duplicatedKeysInMapping(_, let context): context.mark.line
            default: 0
            }
        return OperationError(
            .invalid, "\(path), line \(line): this is not YAML, or a key stands there twice.",
            id: "\(path), baris \(line): bukan YAML, atau satu kunci ditulis dua kali.")
    }
}
