// swift-tools-version: 6.1

import PackageDescription

// Our hot paths beside references of our own in C, in one process. A package of its own: the root never resolves it.
let package = Package(
  name: "Micro",
  dependencies: [.package(name: "gi-bench", path: "../..")],
  targets: [
    .target(name: "References", cSettings: [.unsafeFlags(["-O3"])]),
    .target(name: "Measuring"),
    .target(
      name: "Workloads",
      dependencies: [
        "References", .product(name: "EPT", package: "gi-bench"), .product(name: "GuestIntegrity", package: "gi-bench"),
        .product(name: "SeededRandom", package: "gi-bench"),
      ]),
    .executableTarget(
      name: "counted",
      dependencies: [
        "Workloads", .product(name: "Replay", package: "gi-bench"), .product(name: "Recordings", package: "gi-bench"),
      ]),
    .executableTarget(
      name: "layouts", dependencies: ["References", "Measuring", .product(name: "SeededRandom", package: "gi-bench")]),
    .executableTarget(
      name: "ratios",
      dependencies: [
        "References", "Measuring", "Workloads",
        .product(name: "GuestIntegrity", package: "gi-bench"), .product(name: "Host", package: "gi-bench"),
        .product(name: "MonitorTree", package: "gi-bench"), .product(name: "Replay", package: "gi-bench"),
        .product(name: "Recordings", package: "gi-bench"), .product(name: "SeededRandom", package: "gi-bench"),
      ]),
    .executableTarget(
      name: "scaling",
      dependencies: [
        "References", "Measuring", .product(name: "MonitorTree", package: "gi-bench"),
        .product(name: "Replay", package: "gi-bench"), .product(name: "Recordings", package: "gi-bench"),
        .product(name: "SeededRandom", package: "gi-bench"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
