// swift-tools-version: 6.1

import PackageDescription

let package = Package(
  name: "own-strategy",
  dependencies: [.package(name: "gi-bench", path: "../..")],
  targets: [
    .executableTarget(
      name: "own-strategy",
      dependencies: ["GuestIntegrity", "Replay", "Report", "ScriptedGuest"].map {
        .product(name: $0, package: "gi-bench")
      },
      path: "Sources")
  ]
)
