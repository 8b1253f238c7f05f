// swift-tools-version: 6.1

import PackageDescription

// A package of somebody else's: it sees what is public, and nothing more.
let package = Package(
  name: "gi-bench-examples",
  dependencies: [.package(name: "gi-bench", path: "../..")],
  targets: [
    .executableTarget(name: "differential-walk", dependencies: [.product(name: "EPT", package: "gi-bench")]),
    .executableTarget(name: "page-look-up", dependencies: [.product(name: "MonitorTree", package: "gi-bench")]),
    .executableTarget(
      name: "own-strategy",
      dependencies: [
        .product(name: "GuestIntegrity", package: "gi-bench"), .product(name: "Replay", package: "gi-bench"),
        .product(name: "Report", package: "gi-bench"), .product(name: "ScriptedGuest", package: "gi-bench"),
      ]),
    .executableTarget(name: "own-consumer", dependencies: [.product(name: "Replay", package: "gi-bench")]),
  ]
)
