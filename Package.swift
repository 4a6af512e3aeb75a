// swift-tools-version:6.2
import PackageDescription

let swift: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// Kernels must give the same bytes on every run and in every build, so the compiler may not contract products and
/// sums into fused operations of its own choice.
let kernels: [CSetting] = [
    .treatAllWarnings(as: .error),
    .unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno"]),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "consilium",
    products: [
        .executable(name: "agent", targets: ["agent"]),
        .executable(name: "coordinator", targets: ["coordinator"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        // Ground floor: C.
        .target(name: "CKernels", cSettings: kernels, linkerSettings: [.linkedLibrary("m")]),
        .target(
            name: "CMathBackends", dependencies: ["CKernels"], cSettings: kernels,
            linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "CImaging", cSettings: kernels),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .target(
            name: "CNIfTI", cSettings: [.define("HAVE_ZLIB")],
            linkerSettings: [.linkedLibrary("nifti2"), .linkedLibrary("znz"), .linkedLibrary("z")]),

        // Modules, each importing only those above it.
        .target(name: "Compute", dependencies: ["CKernels", "CMathBackends"], swiftSettings: swift),
        .target(name: "Files", swiftSettings: swift),
        .target(name: "Crypto", dependencies: ["COpenSSL"], swiftSettings: swift),
        .target(name: "Statistics", swiftSettings: swift),
        .target(name: "Weights", dependencies: ["Files", "Crypto"], swiftSettings: swift),
        .target(name: "NIfTI", dependencies: ["Files", "CNIfTI", "CDeflate"], swiftSettings: swift),
        .target(name: "Imaging", dependencies: ["Files", "NIfTI", "CImaging", "CPNG"], swiftSettings: swift),
        .target(
            name: "Cohort", dependencies: ["Files", "Imaging", "NIfTI", "Crypto", "Statistics"],
            swiftSettings: swift),
        .target(
            name: "Encoder", dependencies: ["Compute", "CKernels", "CMathBackends", "Weights", "Crypto"],
            swiftSettings: swift),
        .target(
            name: "Training",
            dependencies: [
                "Files", "Encoder", "Cohort", "Imaging", "Compute", "CKernels", "Weights", "Statistics", "Crypto",
            ],
            swiftSettings: swift),

        // Programs.
        .executableTarget(
            name: "agent",
            dependencies: [
                "Training", "Encoder", "Cohort", "Imaging", "NIfTI", "Weights", "Compute", "Crypto", "Statistics",
                argumentParser,
            ],
            path: "agent", exclude: ["GUIDE.md"], swiftSettings: swift),
        .executableTarget(
            name: "coordinator", dependencies: ["Weights", argumentParser],
            path: "coordinator", exclude: ["GUIDE.md"], swiftSettings: swift),
        .executableTarget(
            name: "bench",
            dependencies: ["CPeak", "Training", "Encoder", "Cohort", "Imaging", "NIfTI", "Weights", "Compute"],
            path: "Benchmarks", exclude: ["peak", "peers", "results", "README.md"], swiftSettings: swift),
        .target(name: "CPeak", path: "Benchmarks/peak", cSettings: kernels),

        // Tests, and the golden cases that several of them read.
        .target(name: "Golden", dependencies: ["Encoder", "Compute"], path: "Tests/Golden", swiftSettings: swift),
        .testTarget(
            name: "ComputeTests", dependencies: ["Compute", "CKernels", "CMathBackends"], swiftSettings: swift),
        .testTarget(name: "FilesTests", dependencies: ["Files"], swiftSettings: swift),
        .testTarget(name: "CryptoTests", dependencies: ["Crypto"], swiftSettings: swift),
        .testTarget(name: "StatisticsTests", dependencies: ["Statistics"], swiftSettings: swift),
        .testTarget(name: "WeightsTests", dependencies: ["Weights", "Crypto"], swiftSettings: swift),
        .testTarget(name: "NIfTITests", dependencies: ["NIfTI"], swiftSettings: swift),
        .testTarget(name: "ImagingTests", dependencies: ["Imaging", "NIfTI", "Weights"], swiftSettings: swift),
        .testTarget(
            name: "CohortTests", dependencies: ["Cohort", "Imaging", "NIfTI", "Statistics"], swiftSettings: swift),
        .testTarget(
            name: "EncoderTests", dependencies: ["Encoder", "Compute", "CKernels", "Weights", "Golden"],
            swiftSettings: swift),
        .testTarget(
            name: "TrainingTests",
            dependencies: ["Training", "Encoder", "Cohort", "Compute", "Weights", "Statistics", "Golden"],
            swiftSettings: swift),
        .testTarget(
            name: "AgentTests", dependencies: ["NIfTI", "Weights", "Training", "Encoder", "Compute"],
            swiftSettings: swift),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)
