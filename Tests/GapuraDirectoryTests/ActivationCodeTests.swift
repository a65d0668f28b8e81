import GapuraFormats
import GapuraStore
import Testing

@testable import GapuraDirectory

/// Codes as they are printed, typed and stored.
@Suite("Activation codes")
struct ActivationCodeTests {
    private let account = AccountID.make(now: Timestamp(seconds: 1_795_566_600))
    private let key = [UInt8](repeating: 7, count: 32)

    @Test("a code is 12 characters of 32 that nobody takes for others, printed in three groups of four")
    func printed() throws {
        var seen: Set<Character> = []
        for _ in 0..<400 {
            let code = ActivationCode.make()
            let groups = code.printed.split(separator: "-", omittingEmptySubsequences: false)
            #expect(groups.map(\.count) == [4, 4, 4])
            seen.formUnion(code.printed)
            #expect(ActivationCode(typed: code.printed) == code)
        }
        // 4,800 characters: one of 32 would be missing once in some 10^65 runs.
        #expect(seen == Set("0123456789ABCDEFGHJKMNPQRSTVWXYZ-"))
    }

    @Test("no two of ten thousand are alike, and each of the 60 bits is as often set as not")
    func random() {
        let codes = (0..<10_000).map { _ in ActivationCode.make().printed }
        #expect(Set(codes).count == codes.count)
        let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
        let values = codes.map { $0.filter { $0 != "-" }.compactMap { alphabet.firstIndex(of: $0) } }
        for place in 0..<12 {
            for bit in 0..<5 {
                let ones = values.count { $0[place] >> bit & 1 == 1 }
                // Ten standard deviations.
                #expect((4500...5500).contains(ones), "\(place) \(bit)")
            }
        }
    }

    @Test("what is typed is read as it was meant: case, spaces, dashes of any kind, and look-alikes do not matter")
    func typed() throws {
        let code = try #require(ActivationCode(typed: "7KQ2-M9XA-01TZ"))
        for text in [
            "7kq2m9xa01tz", " 7KQ2 M9XA 01TZ ", "7KQ2\u{2013}M9XA\u{2011}01TZ", "7kq2-m9xa-oltz", "7KQ2M9XAOITZ",
            "7 K Q 2 M 9 X A 0 1 T Z", "7KQ2\u{a0}M9XA\u{3000}01TZ\t", "7kq2--m9xa--0ltz",
        ] { #expect(ActivationCode(typed: text) == code, "\(text)") }
    }

    @Test(
        "what can be no code is none",
        arguments: [
            "", "-", "7KQ2-M9XA-01T", "7KQ2-M9XA-01TZZ", "7KQ2-M9XA-01TU", "7KQ2-M9XA-01T!", "7KQ2-M9XA-01T\u{ff3a}",
            "7KQ2-M9XA-01TZ\u{301}", "189001011915011001", String(repeating: "A", count: 101),
            String(repeating: " ", count: 101) + "7KQ2M9XA01TZ", "7KQ2-M9XA-01T\u{0}",
        ])
    func malformed(_ text: String) {
        #expect(ActivationCode(typed: text) == nil)
    }

    @Test("attack 308: the digest is of this account, this code and this key, and fits no other")
    func digest() throws {
        let code = try #require(ActivationCode(typed: "7KQ2-M9XA-01TZ"))
        let digest = try code.digest(of: account, key: key)
        #expect(digest.utf8.count == 43)
        #expect(try code.digest(of: account, key: key) == digest)
        let other = try #require(ActivationCode(typed: "7KQ2-M9XA-01T0"))
        let others = [
            try code.digest(of: .make(now: Timestamp(seconds: 1)), key: key), try other.digest(of: account, key: key),
            try code.digest(of: account, key: [UInt8](repeating: 8, count: 32)),
        ]
        #expect(Set(others + [digest]).count == 4)
        #expect("\(code)" == "•••")
    }
}
