// swift-tools-version: 6.2
import PackageDescription

/// One settings list for every target of ours: language mode 6, and imports that stay internal unless an API needs
/// them.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "gapura",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "GapuraTokens", targets: ["GapuraTokens"]),
        .library(name: "Gapura", targets: ["Gapura", "GapuraPages"]),
        .library(name: "GapuraTesting", targets: ["GapuraTesting"]),
        .executable(name: "gapura", targets: ["GapuraServer"]),
        .executable(name: "gapura-bench", targets: ["GapuraBench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", .upToNextMinor(from: "1.8.2")),
        .package(url: "https://github.com/apple/swift-configuration", .upToNextMinor(from: "1.4.0"), traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-http-types", .upToNextMinor(from: "1.8.0")),
        .package(url: "https://github.com/apple/swift-log", .upToNextMinor(from: "1.16.2")),
        .package(url: "https://github.com/apple/swift-metrics", .upToNextMinor(from: "2.13.0")),
        .package(url: "https://github.com/apple/swift-nio", .upToNextMinor(from: "2.101.2")),
        .package(url: "https://github.com/apple/swift-nio-ssl", .upToNextMinor(from: "2.37.6")),
        .package(url: "https://github.com/groue/GRDB.swift", .upToNextMinor(from: "7.10.0")),
        .package(url: "https://github.com/hummingbird-project/hummingbird", .upToNextMinor(from: "2.28.1")),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", .upToNextMinor(from: "2.1.1")),
        .package(url: "https://github.com/jpsim/Yams", .upToNextMinor(from: "6.2.2")),
        .package(url: "https://github.com/swift-server/async-http-client", .upToNextMinor(from: "1.37.0")),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", .upToNextMinor(from: "2.13.0")),
    ],
    targets: [
        // The C libraries, each behind a module map and one shim header.
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CMariaDB", pkgConfig: "libmariadb", providers: [.apt(["libmariadb-dev"])]),
        .systemLibrary(name: "CArgon2", pkgConfig: "libargon2", providers: [.apt(["libargon2-dev"])]),
        .systemLibrary(name: "CCrypt", pkgConfig: "libcrypt", providers: [.apt(["libcrypt-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
        .systemLibrary(name: "CXML", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),

        // Pure bytes to values: no disk, no network, no database.
        .target(name: "GapuraFormats", swiftSettings: settings),
        // Apart from the formats, so that an application that links GapuraTokens needs neither libzip nor libxml2.
        .target(name: "GapuraTabular", dependencies: ["GapuraFormats", "CZip", "CXML"], swiftSettings: settings),
        .target(name: "GapuraTokens", dependencies: ["GapuraFormats", "COpenSSL"], swiftSettings: settings),
        .target(
            name: "GapuraStore",
            dependencies: [
                "GapuraFormats", "CPostgres", "CMariaDB", "CSQLite",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "GapuraDirectory",
            dependencies: ["GapuraStore", "GapuraTokens", "GapuraTabular", "GapuraFormats", "CArgon2", "CCrypt"],
            swiftSettings: settings
        ),
        .target(
            name: "Gapura",
            dependencies: [
                "GapuraDirectory", "GapuraStore", "GapuraTokens", "GapuraTabular", "GapuraFormats",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "GapuraPages",
            dependencies: [
                "Gapura", "GapuraDirectory", "GapuraStore", "GapuraFormats",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Mustache", package: "swift-mustache"),
            ],
            resources: [.embedInCode("Templates"), .embedInCode("Static")],
            swiftSettings: settings
        ),
        .target(
            name: "GapuraTesting",
            dependencies: [
                "Gapura", "GapuraPages", "GapuraDirectory", "GapuraStore", "GapuraTokens", "GapuraTabular",
                "GapuraFormats",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "GapuraServer",
            dependencies: [
                "Gapura", "GapuraPages", "GapuraDirectory", "GapuraStore", "GapuraTokens", "GapuraFormats",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings
        ),
        // The measuring program of bin/bench: bare loops and a bare route, the ceilings beside every figure.
        .executableTarget(
            name: "GapuraBench",
            dependencies: [
                "GapuraDirectory", "GapuraStore", "GapuraTokens", "GapuraFormats", "COpenSSL",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            exclude: ["Python"],
            swiftSettings: settings
        ),

        // What tests of several targets need and no product does.
        .target(name: "PostgresTesting", path: "Tests/PostgresTesting", swiftSettings: settings),

        .testTarget(name: "GapuraFormatsTests", dependencies: ["GapuraFormats"], swiftSettings: settings),
        .testTarget(
            name: "GapuraTabularTests",
            dependencies: ["GapuraTabular", "GapuraFormats"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "GapuraTokensTests",
            dependencies: ["GapuraTokens", "GapuraFormats"],
            exclude: ["Python"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "GapuraStoreTests",
            dependencies: ["GapuraStore", "PostgresTesting"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "GapuraDirectoryTests",
            dependencies: [
                "GapuraDirectory", "GapuraStore", "GapuraTabular", "GapuraFormats", "GapuraTokens", "GapuraTesting",
                "PostgresTesting",
            ],
            exclude: ["Fixtures"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "GapuraTests",
            dependencies: [
                "GapuraTesting", "Gapura", "GapuraDirectory", "GapuraStore", "GapuraTokens", "GapuraFormats",
                "PostgresTesting",
            ],
            exclude: ["OpenID/Golden"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "GapuraPagesTests",
            dependencies: ["GapuraPages", "Gapura", "GapuraFormats"],
            exclude: ["Golden"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "GapuraServerTests",
            dependencies: [
                "GapuraServer", "Gapura", "GapuraDirectory", "GapuraFormats", "GapuraStore", "PostgresTesting",
            ],
            swiftSettings: settings
        ),
    ]
)
