/// The known word that somebody may have meant.
package enum NearestWord {
    /// The one with the fewest letters to change; nothing where even that is more than half of the word.
    package static func find(_ word: String, in words: some Sequence<String>) -> String? {
        let typed = Array(word.lowercased().utf8)
        guard typed.count <= 100 else { return nil }
        let ranked = words.map { (word: $0, distance: distance(typed, Array($0.lowercased().utf8))) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }),
            best.distance <= max(2, best.word.utf8.count / 2)
        else { return nil }
        return best.word
    }

    /// Levenshtein's distance.
    package static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var previous = Array(0...right.count)
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            current.reserveCapacity(right.count + 1)
            for (column, other) in right.enumerated() {
                let change = previous[column] + (byte == other ? 0 : 1)
                current.append(min(change, previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[right.count]
    }
}
