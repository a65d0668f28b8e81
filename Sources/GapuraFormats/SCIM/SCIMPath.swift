/// The name of an attribute: `userName`, `name.honorificPrefix`, or behind the URN of its schema (RFC 7644 section 3.10).
/// Names compare without case (RFC 7643 section 2.1).
public struct SCIMAttributeName: Sendable, Equatable, CustomStringConvertible {
    /// The URN before the last colon; nothing for a short name.
    public let schema: String?
    public let name: String
    public let sub: String?

    public init(schema: String? = nil, name: String, sub: String? = nil) {
        self.schema = schema
        self.name = name
        self.sub = sub
    }

    /// All of it in lower case, to look things up by: `name.honorificprefix`.
    public var key: String { asciiLowercase(description) }

    public var description: String {
        (schema.map { "\($0):" } ?? "") + name + (sub.map { ".\($0)" } ?? "")
    }
}

/// Where a PATCH changes something (RFC 7644 section 3.5.2): an attribute, elements of one that has many, or a part of
/// these.
public struct SCIMPath: Sendable, Equatable {
    public let attribute: SCIMAttributeName
    /// Which elements: `emails[type eq "work"]`.
    public let filter: SCIMFilter?
    /// Of these elements: `emails[type eq "work"].value`.
    public let sub: String?

    /// A whole attribute, or one part of it.
    public init(whole attribute: SCIMAttributeName) {
        self.attribute = attribute
        filter = nil
        sub = nil
    }

    /// - Throws: `SCIMSyntaxError`.
    public init(_ text: String) throws(SCIMSyntaxError) {
        var parser = try SCIMParser(text)
        let attribute = try parser.attribute()
        var (filter, sub): (SCIMFilter?, String?) = (nil, nil)
        if parser.take(UInt8(ascii: "[")) {
            filter = try parser.filter(depth: 1)
            guard parser.take(UInt8(ascii: "]")) else { throw parser.error }
            if parser.take(UInt8(ascii: ".")) { sub = try parser.name() }
        }
        guard parser.isAtEnd else { throw parser.error }
        self.attribute = attribute
        self.filter = filter
        self.sub = sub
    }
}

/// A text of SCIM that is none.
public struct SCIMSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Bytes before what was not understood.
    public let offset: Int
    public let isTooLong: Bool

    public var description: String {
        isTooLong
            ? "it is longer than \(SCIMFilter.maximumBytes) bytes or nested deeper than \(SCIMFilter.maximumDepth)"
            : "it cannot be understood from character \(offset) on"
    }
}

/// Letters of ASCII in lower case, everything else as it is.
func asciiLowercase(_ text: String) -> String {
    String(decoding: text.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
}
