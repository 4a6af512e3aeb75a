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

let nio: [Target.Dependency] = ["NIOCore", "NIOPosix", "NIOTLS"].map { .product(name: $0, package: "swift-nio") }
let http: [Target.Dependency] = [.product(name: "Hummingbird", package: "hummingbird")] + nio
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let database: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let yaml: Target.Dependency = .product(name: "Yams", package: "Yams")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "consilium",
    products: [
        .executable(name: "agent", targets: ["agent"]),
        .executable(name: "coordinator", targets: ["coordinator"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Ground floor: C.
        .target(name: "CKernels", cSettings: kernels, linkerSettings: [.linkedLibrary("m")]),
        .target(
            name: "CMathBackends", dependencies: ["CKernels"], cSettings: kernels,
            linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "CImaging", cSettings: kernels),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(name: "CAggregation", cSettings: kernels),
        .target(name: "CSandbox", cSettings: [.treatAllWarnings(as: .error)]),
        .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .target(
            name: "CNIfTI", cSettings: [.define("HAVE_ZLIB")],
            linkerSettings: [.linkedLibrary("nifti2"), .linkedLibrary("znz"), .linkedLibrary("z")]),

        // Modules, each importing only those above it.
        .target(name: "Compute", dependencies: ["CKernels", "CMathBackends"], swiftSettings: swift),
        .target(name: "Files", swiftSettings: swift),
        .target(name: "Cryptography", dependencies: ["COpenSSL"], swiftSettings: swift),
        .target(name: "Identity", dependencies: ["Cryptography", "COpenSSL"], swiftSettings: swift),
        .target(name: "Statistics", swiftSettings: swift),
        .target(name: "Reporting", dependencies: ["Files"], swiftSettings: swift),
        .target(name: "Weights", dependencies: ["Files", "Cryptography"], swiftSettings: swift),
        .target(name: "NIfTI", dependencies: ["Files", "CNIfTI", "CDeflate"], swiftSettings: swift),
        .target(name: "Imaging", dependencies: ["Files", "NIfTI", "CImaging", "CPNG"], swiftSettings: swift),
        .target(
            name: "Cohort", dependencies: ["Files", "Imaging", "NIfTI", "Cryptography", "Statistics"],
            swiftSettings: swift),
        .target(
            name: "Encoder", dependencies: ["Compute", "CKernels", "CMathBackends", "Weights", "Cryptography"],
            swiftSettings: swift),
        .target(
            name: "Training",
            dependencies: [
                "Files", "Encoder", "Cohort", "Imaging", "Compute", "CKernels", "Weights", "Statistics", "Cryptography",
            ],
            swiftSettings: swift),
        .target(
            name: "Explanation",
            dependencies: [
                "Training", "Encoder", "Cohort", "Imaging", "NIfTI", "Compute", "Statistics", "Reporting",
            ],
            swiftSettings: swift),
        .target(
            name: "Federation",
            dependencies: ["Files", "Cryptography", "Identity", "Weights", "Statistics", "CAggregation", yaml],
            swiftSettings: swift),
        .target(
            name: "Transport",
            dependencies: ["Files", "Cryptography", "Identity", "COpenSSL", "CCurl", logging, lifecycle] + http,
            swiftSettings: swift),
        .target(
            name: "CoordinatorService",
            dependencies: [
                "Federation", "Transport", "Identity", "Training", "Encoder", "Cohort", "Compute", "Weights",
                "Statistics", "Cryptography", "CSandbox", "Reporting",
                "Files", database, yaml, logging, lifecycle,
            ] + http,
            swiftSettings: swift),
        .target(
            name: "AgentService",
            dependencies: [
                "Federation", "Transport", "Identity", "Training", "Encoder", "Cohort", "Imaging", "Compute", "Weights",
                "Statistics",
                "Cryptography", "Files", "CSandbox", "CAggregation", yaml, logging,
            ],
            swiftSettings: swift),

        // Programs.
        .executableTarget(
            name: "agent",
            dependencies: [
                "Training", "Encoder", "Cohort", "Imaging", "NIfTI", "Weights", "Compute", "Cryptography", "Statistics",
                "Explanation", "AgentService", "Federation", "Transport", "Identity", "Files", argumentParser, logging,
            ],
            path: "agent",
            exclude: ["GUIDE.md", "agent.yaml", "agent.service", "agent-worker.service"], swiftSettings: swift),
        .executableTarget(
            name: "coordinator",
            dependencies: [
                "CoordinatorService", "Federation", "Transport", "Identity", "Training", "Weights", "Statistics",
                "Cryptography", "Files", "Cohort", "Compute", "Encoder", "Imaging",
                argumentParser, logging, lifecycle,
            ],
            path: "coordinator", exclude: ["GUIDE.md", "coordinator.yaml", "coordinator.service", "demo"],
            swiftSettings: swift),
        .executableTarget(
            name: "bench",
            dependencies: [
                "CPeak", "LocalFederation", "Training", "Explanation", "Encoder", "Cohort", "Imaging", "NIfTI",
                "Weights", "Compute",
                "Federation", "Statistics", "Reporting",
                "Cryptography", "Files",
            ],
            path: "Benchmarks", exclude: ["peak", "peers", "results", "README.md"], swiftSettings: swift),
        .target(name: "CPeak", path: "Benchmarks/peak", cSettings: kernels),

        // Tests, and the golden cases that several of them read.
        .target(name: "Golden", dependencies: ["Encoder", "Compute"], path: "Tests/Golden", swiftSettings: swift),
        .testTarget(
            name: "ComputeTests", dependencies: ["Compute", "CKernels", "CMathBackends"], swiftSettings: swift),
        .testTarget(name: "FilesTests", dependencies: ["Files"], swiftSettings: swift),
        .target(
            name: "LocalFederation", dependencies: ["TLSClient"], path: "Tests/LocalFederation", swiftSettings: swift),
        .target(
            name: "TLSClient", dependencies: ["Identity", "COpenSSL"], path: "Tests/TLSClient", swiftSettings: swift),
        .target(name: "FaultProxy", dependencies: nio, path: "Tests/FaultProxy", swiftSettings: swift),
        .testTarget(name: "IdentityTests", dependencies: ["Identity", "Cryptography"], swiftSettings: swift),
        .testTarget(name: "CryptographyTests", dependencies: ["Cryptography"], swiftSettings: swift),
        .testTarget(name: "ReportingTests", dependencies: ["Reporting"], swiftSettings: swift),
        .testTarget(name: "StatisticsTests", dependencies: ["Statistics"], swiftSettings: swift),
        .testTarget(name: "WeightsTests", dependencies: ["Weights", "Cryptography"], swiftSettings: swift),
        .testTarget(name: "NIfTITests", dependencies: ["NIfTI"], swiftSettings: swift),
        .testTarget(name: "ImagingTests", dependencies: ["Imaging", "NIfTI", "Weights"], swiftSettings: swift),
        .testTarget(
            name: "CohortTests", dependencies: ["Cohort", "Imaging", "NIfTI", "Statistics"], swiftSettings: swift),
        .testTarget(
            name: "EncoderTests", dependencies: ["Encoder", "Compute", "CKernels", "Weights", "Golden"],
            swiftSettings: swift),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "Training", "Encoder", "Cohort", "Imaging", "NIfTI", "Compute", "Weights", "Statistics", "Golden",
            ],
            swiftSettings: swift),
        .testTarget(
            name: "ExplanationTests",
            dependencies: [
                "Explanation", "Training", "Encoder", "Imaging", "NIfTI", "Compute", "Statistics", "Golden",
            ],
            swiftSettings: swift),
        .testTarget(
            name: "FederationTests",
            dependencies: ["Federation", "Identity", "Weights", "Cryptography", "CAggregation", "Statistics"],
            swiftSettings: swift),
        .testTarget(
            name: "TransportTests",
            dependencies: [
                "Transport", "Identity", "FaultProxy", "TLSClient", "Cryptography", "Files", "COpenSSL", logging,
                lifecycle,
            ]
                + http,
            swiftSettings: swift),
        .testTarget(
            name: "CoordinatorServiceTests",
            dependencies: [
                "CoordinatorService", "Federation", "Transport", "Identity", "Cryptography", "Weights", "Files",
                "Training", "Encoder", "Cohort", "Compute", "Imaging", "TLSClient", "Reporting",
                database, logging,
            ] + http,
            swiftSettings: swift),
        .testTarget(
            name: "AgentServiceTests",
            dependencies: [
                "AgentService", "Federation", "Transport", "Identity", "Cryptography", "Weights", "Files", "Training",
                "Encoder", "Cohort", "FaultProxy", "Imaging", "Compute", "CSandbox", "Statistics", logging,
            ] + http,
            swiftSettings: swift),
        .testTarget(
            name: "RoundTests",
            dependencies: [
                "LocalFederation", "Federation", "Transport", "Identity", "FaultProxy", "Cryptography", "Weights",
                "Files", "NIfTI",
            ] + nio,
            swiftSettings: swift),
        .testTarget(
            name: "AgentTests", dependencies: ["NIfTI", "Weights", "Training", "Encoder", "Compute"],
            swiftSettings: swift),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)
