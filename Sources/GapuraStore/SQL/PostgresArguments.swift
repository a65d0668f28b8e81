import CPostgres

/// The parameters of a statement as libpq wants them: C strings and the types.
struct PostgresArguments {
    let count: Int
    private let types: [Oid]
    private let values: CStringList

    init(_ bindings: [Statement.Binding]) throws {
        count = bindings.count
        types = bindings.map {
            switch $0.type {
            case .integer: 20
            case .text: 25
            case .unspecified: if case .integer = $0.value { 20 } else { 0 }
            }
        }
        var texts: [String?] = []
        texts.reserveCapacity(count)
        for binding in bindings {
            switch binding.value {
            case .null: texts.append(nil)
            case .integer(let integer): texts.append(String(integer))
            case .text(let text):
                guard !text.utf8.contains(0) else { throw StoreError.nul }
                texts.append(text)
            }
        }
        values = CStringList(texts)
    }

    func withPointers<Value>(
        _ body: (UnsafePointer<Oid>?, UnsafePointer<UnsafePointer<CChar>?>?) -> Value
    ) -> Value {
        types.withUnsafeBufferPointer { types in values.withPointers { body(types.baseAddress, $0) } }
    }
}

/// Strings one after another, each with its NUL, and a NULL pointer at the end.
struct CStringList {
    private var bytes: [CChar] = []
    private var starts: [Int?] = []

    init(_ texts: [String?]) {
        for text in texts {
            guard let text else {
                starts.append(nil)
                continue
            }
            starts.append(bytes.count)
            bytes.append(contentsOf: text.utf8.lazy.map { CChar(bitPattern: $0) })
            bytes.append(0)
        }
    }

    func withPointers<Value>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Value) -> Value {
        bytes.withUnsafeBufferPointer { buffer in
            var pointers = starts.map { start in start.flatMap { offset in buffer.baseAddress.map { $0 + offset } } }
            pointers.append(nil)
            return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
        }
    }
}
