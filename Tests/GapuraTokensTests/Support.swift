import Foundation
import GapuraFormats
import GapuraTokens
import Synchronization

let issuerName = "https://masuk.kota.example"
let audienceName = "https://arsip.kota.example"
let moment = Timestamp(seconds: 1_800_000_000)

/// One key of each algorithm, made when the tests run.
enum Keys {
    static let all: [SigningAlgorithm: SigningKey] = {
        var keys: [SigningAlgorithm: SigningKey] = [:]
        for algorithm in SigningAlgorithm.allCases {
            let key = try? SigningKey.generate(algorithm, kid: "key-\(algorithm.rawValue)")
            keys[algorithm] = key
        }
        return keys
    }()

    static func of(_ algorithm: SigningAlgorithm) -> SigningKey {
        all[algorithm]!
    }

    static let set: JSONWebKeySet = try! JSONWebKeySet(
        SigningAlgorithm.allCases.filter { !$0.isSymmetric }.map { of($0).verificationKey })
}

/// A token of any header and payload text, signed with a key, or with nothing.
func forge(_ header: String, _ payload: String, _ key: SigningKey?) throws -> String {
    let input = Base64URL.encode(header.utf8) + "." + Base64URL.encode(payload.utf8)
    return input + "." + (try key.map { Base64URL.encode(try $0.sign(input.utf8)) } ?? "")
}

/// The code of the refusal, nil where nothing was refused.
func refusal<Value>(_ body: () throws -> Value) -> TokenError.Code? {
    do {
        _ = try body()
        return nil
    } catch {
        return (error as? TokenError)?.code
    }
}

func keyRefusal<Value>(_ body: () throws -> Value) -> KeyError.Code? {
    do {
        _ = try body()
        return nil
    } catch {
        return (error as? KeyError)?.code
    }
}

/// The same token with one letter of one part changed, to another that the alphabet has.
func tamper(_ token: String, part: Int, letter: Int) -> String {
    var parts = token.split(separator: ".", omittingEmptySubsequences: false).map { Array($0.utf8) }
    let position = letter % parts[part].count
    parts[part][position] = parts[part][position] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
    return parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".")
}

/// Claims of a good access token.
func accessClaims(_ change: (inout Claims) -> Void = { _ in }) -> Claims {
    var claims: Claims = ["iss": .string(issuerName), "client_id": "arsip", "scope": "openid asn"]
    claims.sub = "5f3c9c52-6f0a-4c11-8a55-000000000001"
    claims.aud = [audienceName]
    claims.jti = "a-token"
    claims.iat = moment
    claims.exp = moment.adding(seconds: 300)
    change(&claims)
    return claims
}

/// A clock that a test turns.
final class TestClock: Sendable {
    private let time: Mutex<Timestamp>

    init(_ time: Timestamp = moment) {
        self.time = Mutex(time)
    }

    func advance(seconds: Int64) {
        time.withLock { $0 = $0.adding(seconds: seconds) }
    }

    var clock: WallClock {
        WallClock { self.time.withLock { $0 } }
    }
}
