internal import CXML

/// What hears the events of an XML document while it is read.
protocol XMLStreamHandler: AnyObject {
    /// The local name of an element that begins, and its attributes; both live only during the call.
    func start(_ name: XMLName, _ attributes: XMLAttributes)
    func end(_ name: XMLName)
    func text(_ bytes: UnsafeBufferPointer<UInt8>)
}

/// The local name of an element, compared without making a `String` of it.
struct XMLName {
    fileprivate let pointer: UnsafePointer<UInt8>

    static func == (name: XMLName, text: StaticString) -> Bool {
        let expected = text.utf8Start
        var index = 0
        while name.pointer[index] == expected[index] {
            // A static string ends with a NUL, as names of libxml2 do.
            if expected[index] == 0 { return true }
            index += 1
        }
        return false
    }

    static func ~= (text: StaticString, name: XMLName) -> Bool {
        name == text
    }
}

/// The attributes of one start tag; namespaces are ignored, as local names decide.
struct XMLAttributes {
    fileprivate let pointer: UnsafeMutablePointer<UnsafePointer<UInt8>?>?
    fileprivate let count: Int

    /// The bytes of a value, in the parser's buffer.
    func bytes(_ name: StaticString) -> UnsafeBufferPointer<UInt8>? {
        guard let pointer else { return nil }
        // Five pointers each: local name, prefix, namespace, beginning and end of the value.
        for index in 0..<count {
            guard let local = pointer[index * 5], XMLName(pointer: local) == name else { continue }
            guard let begin = pointer[index * 5 + 3], let end = pointer[index * 5 + 4] else { return nil }
            return UnsafeBufferPointer(start: begin, count: end - begin)
        }
        return nil
    }

    func text(_ name: StaticString) -> String? {
        bytes(name).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// libxml2's push parser with everything switched off that reaches out or expands: no DOCTYPE, so no entities; no
/// network; a limit of depth.
///
/// `@unchecked Sendable` is not claimed: one stream belongs to the function that reads one document.
final class XMLStream {
    static let maximumDepth = 64

    private let handler: any XMLStreamHandler
    private var context: xmlParserCtxtPtr?
    private var depth = 0
    private var failure: TabularError?

    init(_ handler: any XMLStreamHandler) throws(TabularError) {
        self.handler = handler
        var callbacks = Self.callbacks
        xmlInitParser()
        context = xmlCreatePushParserCtxt(&callbacks, Unmanaged.passUnretained(self).toOpaque(), nil, 0, nil)
        guard let context else { throw TabularError(.unreadable, "no memory for the XML parser") }
        xmlCtxtUseOptions(context, Int32(XML_PARSE_NONET.rawValue | XML_PARSE_NOERROR.rawValue))
    }

    deinit {
        if let context { xmlFreeParserCtxt(context) }
    }

    /// Parses the next bytes; the handler is called from here.
    func feed(_ bytes: UnsafeRawBufferPointer) throws(TabularError) {
        try parse(bytes, isLast: false)
    }

    /// Says that the document is complete, and fails unless it is.
    func finish() throws(TabularError) {
        try parse(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true)
    }

    /// Parses a small part as a whole.
    static func parse(_ bytes: [UInt8], _ handler: any XMLStreamHandler) throws(TabularError) {
        let stream = try XMLStream(handler)
        var failure: TabularError?
        bytes.withUnsafeBytes { buffer in
            do throws(TabularError) {
                try stream.feed(buffer)
                try stream.finish()
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private func parse(_ bytes: UnsafeRawBufferPointer, isLast: Bool) throws(TabularError) {
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        let result = xmlParseChunk(context, start, Int32(clamping: bytes.count), isLast ? 1 : 0)
        if let failure { throw failure }
        guard result == 0 else {
            throw TabularError(.corruptXML, "not well-formed XML (libxml2 error \(result))")
        }
    }

    private func fail(_ error: TabularError) {
        if failure == nil { failure = error }
        xmlStopParser(context)
    }

    private func start(_ name: XMLName, _ attributes: XMLAttributes) {
        depth += 1
        guard depth <= Self.maximumDepth else {
            return fail(TabularError(.xmlDepth, "XML nested deeper than \(Self.maximumDepth)"))
        }
        handler.start(name, attributes)
    }

    private func end(_ name: XMLName) {
        depth -= 1
        handler.end(name)
    }

    // MARK: libxml2

    private static func stream(_ data: UnsafeMutableRawPointer?) -> XMLStream? {
        data.map { Unmanaged<XMLStream>.fromOpaque($0).takeUnretainedValue() }
    }

    private static var callbacks: xmlSAXHandler {
        var handler = xmlSAXHandler()
        handler.initialized = UInt32(XML_SAX2_MAGIC)
        handler.internalSubset = { data, _, _, _ in
            XMLStream.stream(data)?.fail(TabularError(.doctype, "a DOCTYPE, which no workbook needs"))
        }
        handler.startElementNs = { data, name, _, _, _, _, count, _, attributes in
            guard let name else { return }
            XMLStream.stream(data)?.start(
                XMLName(pointer: name), XMLAttributes(pointer: attributes, count: Int(count)))
        }
        handler.endElementNs = { data, name, _, _ in
            guard let name else { return }
            XMLStream.stream(data)?.end(XMLName(pointer: name))
        }
        handler.characters = { data, text, count in
            XMLStream.stream(data)?.handler.text(UnsafeBufferPointer(start: text, count: Int(count)))
        }
        handler.cdataBlock = { data, text, count in
            XMLStream.stream(data)?.handler.text(UnsafeBufferPointer(start: text, count: Int(count)))
        }
        handler.serror = { _, _ in }
        return handler
    }
}
