// swift-tools-version: 6.1

import PackageDescription

// Coverage-guided fuzzing of whatever reads hostile bytes: `make fuzz`. A package of its own, since its main program is
// libFuzzer's, which `--sanitize=fuzzer` brings.
let package = Package(
  name: "Fuzz",
  dependencies: [.package(name: "gi-bench", path: "../..")],
  targets: [
    .executableTarget(
      name: "fuzz",
      dependencies: [
        .product(name: "MonitorTree", package: "gi-bench"), .product(name: "Recordings", package: "gi-bench"),
        .product(name: "EPT", package: "gi-bench"), .product(name: "Replay", package: "gi-bench"),
        .product(name: "GuestIntegrity", package: "gi-bench"), .product(name: "SeededRandom", package: "gi-bench"),
        .product(name: "ScriptedGuest", package: "gi-bench"), .product(name: "Report", package: "gi-bench"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
