import Foundation
import GapuraFormats
import Hummingbird
import NIOCore
import NIOSSL
import Testing

@testable import Gapura

@Suite("Outgoing HTTP")
struct OutgoingTests {
    // MARK: Addresses

    @Test(
        "attack 256: addresses that are not public are refused, in every family",
        arguments: [
            "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
            "169.254.169.254", "100.64.0.1",
            "100.127.255.255", "0.0.0.0", "0.1.2.3", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7",
            "203.0.113.9", "224.0.0.1",
            "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "febf::1", "fec0::1", "fc00::1",
            "fd00:ec2::254", "ff02::1",
            "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
            "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1",
        ]
    )
    func refused(_ text: String) throws {
        let address = try #require(IPAddress(text))
        let rules = try OutgoingGuard(networks: [])
        #expect(!rules.allows(address))
    }

    @Test(
        "public addresses are called",
        arguments: [
            "1.1.1.1", "8.8.8.8", "103.10.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1",
            "2606:4700::1111", "64:ff9b::808:808",
        ]
    )
    func allowed(_ text: String) throws {
        let address = try #require(IPAddress(text))
        let rules = try OutgoingGuard(networks: [])
        #expect(rules.allows(address))
    }

    @Test("the city's own networks are called, in both spellings of IPv4, and nothing beside them")
    func networks() throws {
        let rules = try OutgoingGuard(networks: ["10.20.0.0/16", "fd00:1::/32", "127.0.0.1"])
        for text in ["10.20.255.1", "::ffff:10.20.0.9", "fd00:1:2::3", "127.0.0.1"] {
            let address = try #require(IPAddress(text))
            #expect(rules.allows(address), "\(text)")
        }
        for text in ["10.21.0.1", "fd00:2::1", "127.0.0.2", "169.254.169.254"] {
            let address = try #require(IPAddress(text))
            #expect(!rules.allows(address), "\(text)")
        }
        let open = try OutgoingGuard(networks: ["0.0.0.0/0", "::/0"])
        for text in ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"] {
            let address = try #require(IPAddress(text))
            #expect(!open.allows(address), "\(text)")
        }
        #expect(throws: OutgoingError.self) { try OutgoingGuard(networks: ["10.0.0.0/33"]) }
    }

    @Test("addresses from a resolver's bytes are the ones they spell")
    func bytes() throws {
        #expect(IPAddress(bytes: [127, 0, 0, 1]) == IPAddress("127.0.0.1"))
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1]
        #expect(IPAddress(bytes: mapped) == IPAddress("10.0.0.1"))
        let six: [UInt8] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        #expect(IPAddress(bytes: six)?.description == "2001:db8::1")
        #expect(IPAddress(bytes: [1, 2, 3]) == nil)
    }

    // MARK: URLs

    @Test(
        "addresses in another spelling, and URLs that two readers could read in two ways, are no URLs",
        arguments: [
            "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://017700000001/", "http://127.1/",
            "http://0177.0.0.1/",
            "http://127.0.0.01/", "http://1.2.3/", "http://256.1.1.1/", "http://a.b.0x1/", "http://[::1%25eth0]/",
            "http://[fe80::1%1]/", "http://[::1/",
            "http://[127.0.0.1]/", "http://[::1]x/", "ftp://a.test/", "file:///etc/passwd", "gopher://a.test/",
            "unix:///run/x", "http+unix://x/",
            "http:a.test/", "http:/a.test", "//a.test/", "a.test", "", "http://", "http:///x", "http://user@a.test/",
            "http://user:pw@a.test/",
            "http://a.test@127.0.0.1/", "http://a.test:0/", "http://a.test:65536/", "http://a.test:+80/",
            "http://a.test:/", "http://a.test:80:80/",
            "http://a..test/", "http://.a.test/", "http://a.test./", "http://a.test\\@b.test/", "http://a.test/#f",
            "http://a.test/a b",
            "http://a.test/\r\nHost: b", "http://a%2etest/", "http://ａ.test/", "http://a。test/", "http://ⓛocalhost/",
            "http://a.test/é", "http://a_b|c/",
        ]
    )
    func badURL(_ text: String) {
        #expect { try OutgoingURL(text) } throws: { ($0 as? OutgoingError)?.kind == .badURL }
    }

    @Test("URLs are put together again as they were understood")
    func goodURL() throws {
        for (text, again) in [
            ("HTTPS://App.Contoh.TEST/keluar?x=1", "https://app.contoh.test/keluar?x=1"),
            ("http://a.test", "http://a.test/"),
            ("http://a.test:8081?x", "http://a.test:8081/?x"),
            ("http://[::FFFF:127.0.0.1]:80/", "http://127.0.0.1:80/"),
            ("http://[::1]:8081/x", "http://[::1]:8081/x"), ("http://a_b.test/%20", "http://a_b.test/%20"),
        ] {
            #expect(try OutgoingURL(text).text == again)
        }
    }

    // MARK: Calls

    @Test("a form is posted as a form, to the host by its name, and only where a setting allows the address")
    func post() async throws {
        let seen = Seen<String>()
        try await withTestServer { request in
            let body = String(buffer: try await request.body.collect(upTo: 4096))
            seen.append(
                "\(request.method) \(request.uri) \(request.head.authority ?? "") \(request.headers[.contentType] ?? "") \(body)"
            )
            return .plain(.ok, "baik")
        } _: { port in
            let open = try OutgoingHTTP(networks: ["127.0.0.0/8"], caFile: nil, resolver: .fixed("127.0.0.1"))
            let answer = try await open.post(
                "http://App.contoh.test:\(port)/keluar", form: [("logout_token", "a b&c=é")])
            #expect(answer == OutgoingHTTP.Answer(status: 200, body: Array("baik".utf8)))
            await open.shutdown()

            let closed = try OutgoingHTTP(networks: [], caFile: nil, resolver: .fixed("127.0.0.1"))
            for host in ["app.contoh.test", "127.0.0.1"] {
                await #expect { try await closed.get("http://\(host):\(port)/") } throws: {
                    ($0 as? OutgoingError)?.kind == .refusedAddress
                }
            }
            await closed.shutdown()
        }
        #expect(seen.all.count == 1)
        let line = try #require(seen.all.first)
        #expect(line.hasPrefix("POST /keluar app.contoh.test:"))
        #expect(line.hasSuffix(" application/x-www-form-urlencoded logout_token=a+b%26c%3D%C3%A9"))
    }

    @Test("attack 256: the connection goes to the address that was looked at, whatever the name says a moment later")
    func pinned() async throws {
        let asked = Seen<String>()
        try await withTestServer { _ in
            .plain(.ok)
        } _: { port in
            // The first answer is allowed, every later one is not; and the system's resolver knows no such name at all.
            let rebinding = HostResolver { host in
                let address = asked.append(host) == 1 ? "127.0.0.1" : "127.0.0.2"
                return [try #require(IPAddress(address))]
            }
            let outgoing = try OutgoingHTTP(networks: ["127.0.0.1"], caFile: nil, resolver: rebinding)
            #expect(try await outgoing.get("http://rebind.invalid:\(port)/").status == 200)
            #expect(asked.all.count == 1)
            await #expect { try await outgoing.get("http://rebind.invalid:\(port)/") } throws: {
                ($0 as? OutgoingError)?.kind == .refusedAddress
            }
            await outgoing.shutdown()
        }
    }

    @Test("one refused address among several refuses the host, and a dead address gives way to the next")
    func several() async throws {
        try await withTestServer { _ in
            .plain(.ok)
        } _: { port in
            let mixed = try OutgoingHTTP(
                networks: ["127.0.0.1"], caFile: nil, resolver: .fixed("127.0.0.1", "10.0.0.1"))
            await #expect { try await mixed.get("http://a.test:\(port)/") } throws: {
                ($0 as? OutgoingError)?.kind == .refusedAddress
            }
            await mixed.shutdown()
            let both = try OutgoingHTTP(
                networks: ["127.0.0.0/8"], caFile: nil, resolver: .fixed("127.0.0.9", "127.0.0.1"))
            #expect(try await both.get("http://a.test:\(port)/").status == 200)
            await both.shutdown()
        }
    }

    @Test("attack 257: a redirect is an answer, and is not followed")
    func redirect() async throws {
        let seen = Seen<String>()
        try await withTestServer { request in
            seen.append(request.uri.path)
            return .plain(.found, headers: [.location: "/dalam"])
        } _: { port in
            let outgoing = try OutgoingHTTP(networks: ["127.0.0.0/8"])
            #expect(try await outgoing.get("http://127.0.0.1:\(port)/luar").status == 302)
            #expect(try await outgoing.post("http://127.0.0.1:\(port)/luar", form: []).status == 302)
            await outgoing.shutdown()
        }
        #expect(seen.all == ["/luar", "/luar"])
    }

    @Test(
        "attack 259: a body that drips is given up in time, and so is an answer that never starts",
        .timeLimit(.minutes(1)))
    func slow() async throws {
        try await withTestServer { request in
            if request.uri.path == "/diam" { try await Task.sleep(for: .seconds(600)) }
            return Response(
                status: .ok,
                body: ResponseBody { writer in
                    while true {
                        try await writer.write(ByteBuffer(string: "x"))
                        try await Task.sleep(for: .milliseconds(100))
                    }
                }
            )
        } _: { port in
            let outgoing = try OutgoingHTTP(networks: ["127.0.0.0/8"])
            for path in ["/tetes", "/diam"] {
                await #expect {
                    try await outgoing.post("http://127.0.0.1:\(port)\(path)", form: [], timeout: 0.5)
                } throws: {
                    ($0 as? OutgoingError)?.kind == .timeout
                }
            }
            await outgoing.shutdown()
        }
    }

    @Test("a name that takes long to resolve is given up in time", .timeLimit(.minutes(1)))
    func slowName() async throws {
        let stuck = HostResolver { _ in
            try await Task.sleep(for: .seconds(600))
            return []
        }
        let outgoing = try OutgoingHTTP(networks: [], caFile: nil, resolver: stuck)
        await #expect { try await outgoing.post("http://a.test/", form: [], timeout: 0.2) } throws: {
            ($0 as? OutgoingError)?.kind == .timeout
        }
        await outgoing.shutdown()
    }

    @Test("attack 259: a body beyond the limit is refused, announced or not, and nothing is unpacked")
    func large() async throws {
        try await withTestServer { request in
            switch request.uri.path {
            case "/gzip": return .plain(.ok, "\u{1f}", headers: [.contentEncoding: "gzip"])
            case "/besar": return .plain(.ok, String(repeating: "x", count: 2000))
            default:
                return Response(
                    status: .ok,
                    body: ResponseBody { writer in
                        for _ in 0..<20 { try await writer.write(ByteBuffer(repeating: 0x78, count: 100)) }
                        try await writer.finish(nil)
                    }
                )
            }
        } _: { port in
            let outgoing = try OutgoingHTTP(networks: ["127.0.0.0/8"])
            for path in ["/besar", "/tanpa-panjang"] {
                await #expect {
                    try await outgoing.get("http://127.0.0.1:\(port)\(path)", maximumBytes: 1999)
                } throws: {
                    ($0 as? OutgoingError)?.kind == .tooLarge
                }
                #expect(
                    try await outgoing.get("http://127.0.0.1:\(port)\(path)", maximumBytes: 2000).body.count == 2000)
            }
            await #expect { try await outgoing.get("http://127.0.0.1:\(port)/gzip") } throws: {
                ($0 as? OutgoingError)?.kind == .badAnswer
            }
            await outgoing.shutdown()
        }
    }

    @Test("a closed port and an unknown name fail at once, each with its reason")
    func nobody() async throws {
        let outgoing = try OutgoingHTTP(networks: ["127.0.0.0/8"])
        await #expect { try await outgoing.get("http://127.0.0.1:9/") } throws: {
            ($0 as? OutgoingError)?.kind == .connection
        }
        await #expect { try await outgoing.get("http://tidak-ada.invalid/") } throws: {
            ($0 as? OutgoingError)?.kind == .unresolved
        }
        await outgoing.shutdown()
        await #expect { try await outgoing.get("http://127.0.0.1:9/") } throws: {
            ($0 as? OutgoingError)?.kind == .closed
        }
    }

    @Test("TLS is verified by the name of the host, against the system's authorities and the extra file")
    func tls() async throws {
        let folder = try TestFolder()
        let (certificate, key) = try TestCertificate.make(for: "app.contoh.test", in: folder)
        let tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
        )
        try await withTestServer(tls: tls) { _ in
            .plain(.ok)
        } _: { port in
            let outgoing = try OutgoingHTTP(
                networks: ["127.0.0.0/8"], caFile: certificate, resolver: .fixed("127.0.0.1"))
            #expect(try await outgoing.get("https://app.contoh.test:\(port)/").status == 200)
            await #expect { try await outgoing.get("https://lain.contoh.test:\(port)/") } throws: {
                ($0 as? OutgoingError)?.kind == .tls
            }
            await #expect { try await outgoing.get("https://127.0.0.1:\(port)/") } throws: {
                ($0 as? OutgoingError)?.kind == .tls
            }
            await outgoing.shutdown()
            let stranger = try OutgoingHTTP(networks: ["127.0.0.0/8"], caFile: nil, resolver: .fixed("127.0.0.1"))
            await #expect { try await stranger.get("https://app.contoh.test:\(port)/") } throws: {
                ($0 as? OutgoingError)?.kind == .tls
            }
            await stranger.shutdown()
        }
        #expect { try OutgoingHTTP(caFile: folder.path + "/none.pem") } throws: {
            ($0 as? OutgoingError)?.kind == .badSetting
        }
    }

    @Test("many hosts share a bounded number of clients")
    func manyHosts() async throws {
        try await withTestServer { _ in
            .plain(.ok)
        } _: { port in
            let outgoing = try OutgoingHTTP(networks: ["127.0.0.0/8"], caFile: nil, resolver: .fixed("127.0.0.1"))
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<150 {
                    group.addTask { try await outgoing.get("http://a\(number).test:\(port)/").status }
                }
                for try await status in group { #expect(status == 200) }
            }
            #expect(outgoing.clientCount <= 64)
            await outgoing.shutdown()
        }
    }
}

extension HostResolver {
    /// The same addresses for every name.
    static func fixed(_ addresses: String...) -> HostResolver {
        HostResolver { _ in addresses.compactMap { IPAddress($0) } }
    }
}

/// A folder that goes when the test ends.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("gapura-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// A certificate that signs itself, made by the openssl command.
enum TestCertificate {
    static func make(for host: String, in folder: TestFolder) throws -> (certificate: String, key: String) {
        let (certificate, key) = (folder.path + "/cert.pem", folder.path + "/key.pem")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=\(host)",
            "-addext", "subjectAltName=DNS:\(host)", "-keyout", key, "-out", certificate,
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return (certificate, key)
    }
}
