// swift-tools-version: 6.1

import PackageDescription

let package = Package(
  name: "own-profile",
  dependencies: [.package(name: "gi-bench", path: "../..")],
  targets: [
    .executableTarget(
      name: "own-profile",
      dependencies: ["Replay"].map { .product(name: $0, package: "gi-bench") },
      path: "Sources")
  ]
)
