/// A reader of HTML for tests: the tags of a document, each with its attributes, as a browser would see them.
struct Markup {
    struct Tag: Equatable {
        let name: String
        let attributes: [(name: String, value: String)]

        func value(_ name: String) -> String? { attributes.first { $0.name == name }?.value }

        static func == (left: Tag, right: Tag) -> Bool {
            left.name == right.name && left.attributes.map(\.name) == right.attributes.map(\.name)
        }
    }

    private(set) var tags: [Tag] = []

    init(_ html: String) {
        let bytes = Array(html.utf8)
        var index = 0
        while let open = bytes[index...].firstIndex(of: UInt8(ascii: "<")) {
            index = open + 1
            var words: [UInt8] = []
            var quote: UInt8?
            while index < bytes.count {
                let byte = bytes[index]
                if let end = quote {
                    if byte == end { quote = nil }
                } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                    quote = byte
                } else if byte == UInt8(ascii: ">") {
                    break
                }
                words.append(byte)
                index += 1
            }
            tags.append(Self.tag(words))
        }
    }

    func all(_ name: String) -> [Tag] { tags.filter { $0.name == name } }

    func element(id: String) -> Tag? { tags.first { $0.value("id") == id } }

    private static func tag(_ words: [UInt8]) -> Tag {
        var rest = words[...]
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }
        func take(while matches: (UInt8) -> Bool) -> String {
            let taken = rest.prefix(while: matches)
            rest = rest.dropFirst(taken.count)
            return String(decoding: taken, as: UTF8.self)
        }
        let name = take { !isSpace($0) }
        var attributes: [(String, String)] = []
        while true {
            _ = take(while: isSpace)
            let attribute = take { !isSpace($0) && $0 != UInt8(ascii: "=") }
            guard !attribute.isEmpty else { break }
            var value = ""
            if rest.first == UInt8(ascii: "=") {
                rest = rest.dropFirst()
                if let quote = rest.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
                    rest = rest.dropFirst()
                    value = take { $0 != quote }
                    rest = rest.dropFirst()
                } else {
                    value = take { !isSpace($0) }
                }
            }
            attributes.append((attribute, value))
        }
        return Tag(name: name, attributes: attributes)
    }
}
