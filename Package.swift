// swift-tools-version: 6.3
import PackageDescription

let package = Package(
  name: "plumbline",
  products: [.executable(name: "plumb", targets: ["plumb"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(
      url: "https://github.com/hummingbird-project/hummingbird",
      from: "2.28.1",
      traits: []
    ),
    // Hummingbird's own, named where a type of theirs is used.
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.29.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
  ],
  targets: [
    // System libraries, reached through C headers.
    .target(
      name: "CSimdjson",
      linkerSettings: [.linkedLibrary("simdjson")]
    ),
    .systemLibrary(
      name: "CCrypto",
      pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"])]
    ),

    .systemLibrary(
      name: "CLibPQ",
      pkgConfig: "libpq",
      providers: [.apt(["libpq-dev"])]
    ),
    .systemLibrary(
      name: "CCurl",
      pkgConfig: "libcurl",
      providers: [.apt(["libcurl4-openssl-dev"])]
    ),
    .systemLibrary(
      name: "CExpat",
      pkgConfig: "expat",
      providers: [.apt(["libexpat1-dev"])]
    ),
    .systemLibrary(
      name: "CZlib",
      pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"])]
    ),
    // Its pkg-config file wants jansson's, which Debian does not install with it.
    .systemLibrary(name: "CJOSE", providers: [.apt(["libcjose-dev"])]),
    // Only a header; the module is loaded from where its user says.
    .systemLibrary(name: "CPKCS11", providers: [.apt(["libp11-kit-dev"])]),
    .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
    .target(
      name: "CPack",
      linkerSettings: [.linkedLibrary("zstd"), .linkedLibrary("xxhash")]
    ),

    // Ours, from the leaf upwards. Each imports only what is listed.
    .target(name: "JSON", dependencies: ["CSimdjson"]),
    .target(name: "Model", dependencies: ["JSON", "CCrypto"]),
    .target(name: "Engine", dependencies: ["Model", "JSON", "CSimdjson"]),
    .target(name: "YAML", dependencies: ["Model", "JSON", "Yams"]),
    .target(
      name: "Content",
      dependencies: ["Model", "JSON", "YAML"],
      resources: [
        .copy("VERSION"), .copy("rules"), .copy("profiles"), .copy("terraform"),
        .copy("cloudformation"), .copy("access"), .copy("detections"), .copy("logsources"),
        .copy("properties"),
      ]
    ),
    .target(name: "HTTP", dependencies: ["CCurl"]),
    .target(
      name: "Collectors",
      dependencies: ["Model", "JSON", "YAML", "HTTP", "CCrypto", "CExpat"],
      exclude: ["AWS/NOTICE"],
      resources: [
        .copy("AWS/resources.yaml"), .copy("AWS/facts.json"), .copy("IBM/ibm"),
        .copy("Terraform/arguments.json"),
      ]
    ),
    .target(
      name: "Insights",
      dependencies: ["Model", "JSON", "CSimdjson", "CZlib", "CRE2", "CCrypto"]
    ),
    .target(name: "Reports", dependencies: ["Model", "JSON"]),
    .target(name: "Channels", dependencies: ["Model", "JSON", "HTTP", "CCurl"]),
    .target(name: "Vault", dependencies: ["Model", "CCrypto", "CPKCS11"]),
    .target(
      name: "Store",
      dependencies: ["Model", "JSON", "CPack"],
      resources: [.embedInCode("Migrations")]
    ),
    .target(
      name: "SQLiteDriver",
      dependencies: [
        "Store",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ]
    ),
    .target(name: "PostgresDriver", dependencies: ["Store", "CLibPQ"]),
    .target(name: "SignIn", dependencies: ["Model", "JSON", "HTTP", "CCrypto", "CJOSE"]),
    .target(name: "Operations", dependencies: ["Engine", "Store", "Vault", "Model", "JSON"]),
    .target(
      name: "Web",
      dependencies: [
        "Model", "JSON", "YAML", "Operations", "Reports", "Store", "SignIn", "CZlib",
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HummingbirdTLS", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      resources: [.embedInCode("openapi"), .embedInCode("assets")]
    ),
    .executableTarget(
      name: "plumb",
      dependencies: [
        "Model", "JSON", "Engine", "Content", "Collectors", "Reports", "Operations", "YAML",
        "Store", "SQLiteDriver", "PostgresDriver", "HTTP", "Vault", "Web", "SignIn", "Insights",
        "Channels",
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]
    ),
    .target(
      name: "TestSupport",
      dependencies: [
        "Model", "JSON", "HTTP", "Collectors", "Store", "SQLiteDriver", "PostgresDriver",
      ]
    ),

    .testTarget(name: "JSONTests", dependencies: ["JSON", "YAML", "Model", "TestSupport"]),
    .testTarget(
      name: "EngineTests",
      dependencies: [
        "Engine", "Operations", "Content", "YAML", "Model", "JSON", "TestSupport",
      ]
    ),
    .testTarget(
      name: "ContentTests",
      dependencies: [
        "Content", "Engine", "Operations", "Collectors", "Model", "JSON", "TestSupport",
      ],
      exclude: ["Schemas"]
    ),
    .testTarget(
      name: "CollectorsTests",
      dependencies: [
        "Collectors", "HTTP", "Content", "Engine", "Operations", "YAML", "Model", "JSON",
        "TestSupport",
      ],
      exclude: ["IBM/accounts", "IBM/sdk.py"]
    ),
    .testTarget(
      name: "StoreTests",
      dependencies: ["Store", "SQLiteDriver", "PostgresDriver", "Model", "JSON", "TestSupport"]
    ),
    .testTarget(
      name: "InsightsTests",
      dependencies: ["Insights", "Content", "YAML", "Model", "JSON", "TestSupport"],
      exclude: ["pysigma.py"]
    ),
    .testTarget(
      name: "ChannelsTests",
      dependencies: ["Channels", "HTTP", "Model", "JSON", "TestSupport"],
      exclude: ["listeners.py", "tls.py"]
    ),
    .testTarget(name: "VaultTests", dependencies: ["Vault", "Model", "TestSupport"]),
    .testTarget(
      name: "SignInTests",
      dependencies: ["SignIn", "HTTP", "Model", "JSON", "CJOSE", "TestSupport"],
      exclude: ["provider.py", "tokens.py"]
    ),
    .testTarget(
      name: "OperationsTests",
      dependencies: [
        "Operations", "Store", "Vault", "SQLiteDriver", "PostgresDriver", "Engine", "Content",
        "YAML", "Model", "JSON", "TestSupport",
      ]
    ),
    .testTarget(
      name: "WebTests",
      dependencies: [
        "Web", "Operations", "Collectors", "Content", "Store", "Vault", "Engine", "HTTP", "YAML",
        "Model", "JSON", "TestSupport",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      exclude: [
        "authorisation.csv", "schemathesis", "Pages/check_pages.py", "Pages/browse_dashboard.py",
        "hand-checked.yaml",
      ]
    ),
    .testTarget(
      name: "AcceptanceTests",
      dependencies: [
        "Collectors", "Content", "Engine", "HTTP", "Operations", "YAML", "Model", "JSON",
        "TestSupport",
      ]
    ),
    .testTarget(
      name: "CommandTests",
      dependencies: ["plumb", "JSON", "YAML", "Model", "Reports", "TestSupport"],
      exclude: ["Golden", "Fixtures"]
    ),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)

// The fuzzer's main function comes from libFuzzer, so it is built only by script/fuzz.
if Context.environment["PLUMB_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "Fuzz",
      dependencies: ["Engine", "JSON", "Model", "Operations", "YAML"]
    )
  )
}

for target in package.targets
where target.type != .system && !["CSimdjson", "CPack", "CRE2"].contains(target.name) {
  target.swiftSettings = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .treatWarning("ExplicitSendable", as: .error),
    .treatWarning("DeprecatedDeclaration", as: .warning),
  ]
}

// The judge's state is single-threaded by construction and read for every value of every resource;
// run-time exclusivity checks, and calls where the tape's accessors could be inlined, would take a
// third of its time. Debug builds keep both.
for target in package.targets where ["JSON", "Model", "Engine", "Insights"].contains(target.name) {
  target.swiftSettings?.append(
    .unsafeFlags(
      ["-enforce-exclusivity=unchecked", "-cross-module-optimization"],
      .when(configuration: .release)
    )
  )
}
