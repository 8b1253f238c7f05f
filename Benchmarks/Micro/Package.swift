// swift-tools-version: 6.1

import PackageDescription

// Our hot paths beside references of our own in C, in one process. A package of its own: the root never resolves it.
let package = Package(
  name: "Micro",
  dependencies: [.package(name: "gi-bench", path: "../..")],
  targets: [
    .target(name: "References", cSettings: [.unsafeFlags(["-O3"])]),
    .executableTarget(
      name: "ratios",
      dependencies: ["References", .product(name: "MonitorTree", package: "gi-bench")]),
  ],
  swiftLanguageModes: [.v6]
)
