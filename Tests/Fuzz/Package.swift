// swift-tools-version: 6.2
// The fuzz targets: a package of its own, because they need unsafe flags, which no package may have that another one
// depends on, and because they need nothing of what makes the main package slow to build. The sources are the main
// package's own, through symbolic links: `package` and internal names stay visible so.
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]
/// `main` is libFuzzer's.
let fuzz = settings + [.unsafeFlags(["-parse-as-library"])]

func fuzzTarget(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .executableTarget(name: "Fuzz\(name)", dependencies: ["Fuzzing"] + dependencies, swiftSettings: fuzz)
}

let package = Package(
    name: "gapura-fuzz",
    platforms: [.macOS(.v15)],
    targets: [
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
        .systemLibrary(name: "CXML", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
        .target(name: "GapuraFormats", swiftSettings: settings),
        .target(name: "GapuraTabular", dependencies: ["GapuraFormats", "CZip", "CXML"], swiftSettings: settings),
        .target(
            name: "GapuraTokens",
            dependencies: ["GapuraFormats", "COpenSSL"],
            swiftSettings: settings + [.unsafeFlags(["-enable-testing"])]
        ),
        .target(name: "Fuzzing", swiftSettings: settings),
        fuzzTarget("Base64URL", "GapuraFormats"),
        fuzzTarget("BasicAuth", "GapuraFormats"),
        fuzzTarget("CSV", "GapuraTabular"),
        fuzzTarget("DERSignature", "GapuraTokens"),
        fuzzTarget("FormBody", "GapuraFormats"),
        fuzzTarget("Forwarded", "GapuraFormats"),
        fuzzTarget("JOSEHeader", "GapuraTokens"),
        fuzzTarget("JSONWebKeySet", "GapuraTokens"),
        fuzzTarget("JWTVerify", "GapuraTokens"),
        fuzzTarget("RedirectURI", "GapuraFormats"),
        fuzzTarget("SCIMFilter", "GapuraFormats"),
        fuzzTarget("StrictJSON", "GapuraFormats"),
        fuzzTarget("Timestamp", "GapuraFormats"),
        fuzzTarget("XLSX", "GapuraTabular"),
    ]
)
