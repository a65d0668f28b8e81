import GapuraTesting

/// The evil variants of a registered redirect URI, by their row in group B of attacks.md.
enum EvilURIs {
    static let rows: [Int: [String]] = [
        28: ["https://simpeg.contoh.go.id@evil.example/cb", "https://simpeg.contoh.go.id:443@evil.example/cb"],
        29: [
            "https://a@b@simpeg.contoh.go.id/cb", "https://a@simpeg.contoh.go.id/cb",
            "https://a:b@simpeg.contoh.go.id/cb",
        ],
        31: [#"https://evil.example\.simpeg.contoh.go.id/cb"#, #"https://evil.example\@simpeg.contoh.go.id/cb"#],
        32: ["https://evil.example#@simpeg.contoh.go.id/cb", "https://evil.example?@simpeg.contoh.go.id/cb"],
        34: ["https://simpegXcontoh.go.id/cb", "https://simpeg.contoh.goXid/cb"],
        35: ["https://simpeg.contoh.go.id%2eevil.example/cb", "https://simpeg%2econtoh.go.id/cb"],
        37: [
            "https://simpeg.contoh.go.id/cb/..;/evil", "https://simpeg.contoh.go.id/cb/../evil",
            "https://simpeg.contoh.go.id/x/../cb",
        ],
        38: [
            "https://simpeg.contoh.go.id/cb%2f..%2fevil", "https://simpeg.contoh.go.id/cb%252f..%252fevil",
            "https://simpeg.contoh.go.id/%63b",
        ],
        40: ["https://simpeg.contoh.go.id/cb#frag", "https://simpeg.contoh.go.id/cb#"],
        41: [
            "https://simpeg.contoh.go.id/cb/", "https://simpeg.contoh.go.id/cb?", "https://simpeg.contoh.go.id/",
            "https://simpeg.contoh.go.id",
        ],
        43: ["HTTPS://simpeg.contoh.go.id/cb", "https://SIMPEG.CONTOH.GO.ID/cb", "https://simpeg.contoh.go.id/CB"],
        44: ["http://simpeg.contoh.go.id/cb", "//simpeg.contoh.go.id/cb", "https:simpeg.contoh.go.id/cb"],
        46: [
            "https://simpeg.contoh.go.id./cb", "https://simpeg.contoh.go.id:443/cb", "https://simpeg.contoh.go.id:/cb",
        ],
        47: ["https://simpeg\u{3002}contoh\u{3002}go\u{3002}id/cb", "https://\u{ff53}impeg.contoh.go.id/cb"],
        49: [
            "https://simpeg.contoh.go.id/cafe\u{301}", "https://simpeg.contoh.go.id/caf\u{e9}",
            "https://simpeg.contoh.go.id\u{37e}/cb",
        ],
        50: [
            "https://simpeg.contoh.go.id/cb%00", "https://simpeg.contoh.go.id/cb\u{0}",
            "https://simpeg.contoh.go.id/cb%0d%0aLocation:x",
            "https://simpeg.contoh.go.id/cb\r\nLocation: https://evil.example", "https://simpeg.contoh.go.id/cb\n",
            "https://simpeg.contoh.go.id/cb\t",
            " https://simpeg.contoh.go.id/cb", "https://simpeg.contoh.go.id/cb ",
        ],
        52: [
            "javascript://simpeg.contoh.go.id/%0aalert(1)", "JaVaScRiPt:alert(1)", "javascript:alert(1)",
            "java\tscript:alert(1)",
        ],
        53: [
            "data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)", "file:///etc/passwd",
            "blob:https://simpeg.contoh.go.id/1",
            "about:blank", "ftp://simpeg.contoh.go.id/cb", "intent://simpeg.contoh.go.id/cb",
        ],
        55: [
            "http://localhost.evil.example/cb", "http://127.0.0.1:80@evil.example/cb",
            "http://127.0.0.1.evil.example/cb", "http://[::1]@evil.example/cb",
        ],
    ]

    static var all: [String] { rows.sorted { $0.key < $1.key }.flatMap(\.value) }
}
