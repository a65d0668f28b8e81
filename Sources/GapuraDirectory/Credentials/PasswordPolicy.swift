import GapuraStore

/// Which passwords may be set: length counts, composition rules do not (NIST SP 800-63B-4 section 3.1.1.2).
package struct PasswordPolicy: Sendable {
    package enum Problem: Error, Equatable, Sendable {
        case tooShort(minimum: Int)
        case tooLong
        case guessable
    }

    /// Code points a password needs at least.
    package let minimum: Int
    /// Code points a password may have at most.
    package static let maximum = 128

    package init(minimum: Int = 12) {
        self.minimum = minimum
    }

    /// Refuses what is too short, too long, or what anybody would try first: the person's own numbers and names, one
    /// character or one short piece repeated, a run of the keyboard, and the commonest words.
    /// - Parameter personal: NIP, user name, parts of the name.
    package func check(_ password: String, personal: [String]) throws(Problem) {
        let count = password.unicodeScalars.count
        if count > Self.maximum { throw .tooLong }
        if count < minimum { throw .tooShort(minimum: minimum) }
        let folded = nameKey(password)
        let letters = folded.utf8.filter { $0 != 0x20 && $0 != 0x2e && $0 != 0x2d && $0 != 0x5f }
        let words = personal.map(nameKey).filter { $0.utf8.count >= 4 } + Self.commonWords
        for word in words {
            // What is left without the word has to stand by itself.
            if let rest = rest(of: letters, without: Array(word.utf8)), rest < minimum / 2 { throw .guessable }
        }
        if Set(letters).count < 4 { throw .guessable }
        if isRepetition(Array(letters)) || isRun(Array(letters)) { throw .guessable }
    }

    private static let commonWords = [
        "password", "katasandi", "sandi", "rahasia", "indonesia", "bismillah", "sayang", "administrator", "admin",
        "qwertyuiop", "qwerty",
        "asdfghjkl", "asdfgh", "zxcvbnm", "letmein", "welcome", "selamatdatang", "pemerintah", "gapura", "iloveyou",
        "akucintakamu",
        "1234567890", "0987654321", "12345678", "123456", "abcdefgh", "merdeka", "garuda", "pancasila",
    ]

    /// How many bytes of a text are left once a word is taken out wherever it stands; nothing if it stands nowhere.
    private func rest(of text: [UInt8], without word: [UInt8]) -> Int? {
        var left = 0
        var place = 0
        while place < text.count {
            if text[place...].starts(with: word) {
                place += word.count
            } else {
                left += 1
                place += 1
            }
        }
        return left < text.count ? left : nil
    }

    private func isRepetition(_ bytes: [UInt8]) -> Bool {
        (1...max(1, bytes.count / 3)).contains { period in
            bytes.indices.dropFirst(period).allSatisfy { bytes[$0] == bytes[$0 - period] }
        }
    }

    private func isRun(_ bytes: [UInt8]) -> Bool {
        let steps = zip(bytes, bytes.dropFirst()).map { Int($1) - Int($0) }
        return steps.filter { $0 == 1 || $0 == -1 || $0 == 0 }.count >= steps.count * 4 / 5
    }
}
