// swift-tools-version: 6.1

import PackageDescription

let package = Package(
  name: "own-recording",
  dependencies: [.package(name: "gi-bench", path: "../..")],
  targets: [
    .executableTarget(
      name: "own-recording",
      dependencies: ["Recordings", "Replay"].map { .product(name: $0, package: "gi-bench") },
      path: "Sources")
  ]
)
