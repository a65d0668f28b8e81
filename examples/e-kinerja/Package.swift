// swift-tools-version: 6.2
import PackageDescription

// An application of its own: it takes GapuraTokens from the project as any application would, and nothing else of it.
let package = Package(
    name: "e-kinerja",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "gapura", path: "../.."),
        .package(url: "https://github.com/apple/swift-http-types", .upToNextMinor(from: "1.8.0")),
        .package(url: "https://github.com/hummingbird-project/hummingbird", .upToNextMinor(from: "2.28.1")),
    ],
    targets: [
        .executableTarget(
            name: "e-kinerja",
            dependencies: [
                .product(name: "GapuraTokens", package: "gapura"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ],
            path: "Sources/EKinerja",
            resources: [.embedInCode("Assets")],
            swiftSettings: [.swiftLanguageMode(.v6)]
        )
    ]
)
