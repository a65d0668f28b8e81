import Foundation

/// The files of `examples/kota-contoh`, found from this source file.
enum Example {
    static func bytes(_ name: String, from source: String = #filePath) throws -> [UInt8] {
        let root = URL(fileURLWithPath: source).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return [UInt8](try Data(contentsOf: root.appending(path: "examples/kota-contoh/\(name)")))
    }
}
