import Fuzzing
import GapuraFormats

/// A filter and a path: what is read is written and read again as the same; limits of length and depth hold.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = FuzzInput(start, count).text
    let isTooLong = text.utf8.count > SCIMFilter.maximumBytes
    if let filter = try? SCIMFilter(text) {
        check(!isTooLong, "a longer filter is refused")
        check(depth(filter) <= SCIMFilter.maximumDepth, "a deeper filter is refused")
        let written = write(filter)
        // Escapes and numbers may have grown.
        if written.utf8.count <= SCIMFilter.maximumBytes {
            check((try? SCIMFilter(written)) == filter, "a filter comes back: \(written)")
        }
    }
    if let path = try? SCIMPath(text) {
        check(!isTooLong, "a longer path is refused")
        let filter = path.filter.map { "[\(write($0))]" } ?? ""
        let written = path.attribute.description + filter + (path.sub.map { ".\($0)" } ?? "")
        if written.utf8.count <= SCIMFilter.maximumBytes {
            check((try? SCIMPath(written)) == path, "a path comes back: \(written)")
        }
    }
    return 0
}

private func write(_ filter: SCIMFilter) -> String {
    switch filter {
    case .present(let name): "\(name) pr"
    case .compare(let name, let comparison, let value): "\(name) \(comparison.rawValue) \(value.encodedText())"
    case .all(let terms): terms.map(inner).joined(separator: " and ")
    case .any(let terms): terms.map(inner).joined(separator: " or ")
    case .not(let filter): "not (\(write(filter)))"
    case .element(let name, let filter): "\(name)[\(write(filter))]"
    }
}

private func inner(_ filter: SCIMFilter) -> String {
    switch filter {
    case .all, .any: "(\(write(filter)))"
    default: write(filter)
    }
}

private func depth(_ filter: SCIMFilter) -> Int {
    switch filter {
    case .present, .compare: 0
    case .not(let filter), .element(_, let filter): 1 + depth(filter)
    // Parentheses around a list are needed only within another list.
    case .all(let terms), .any(let terms): terms.map(depth).max() ?? 0
    }
}
