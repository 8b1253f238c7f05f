// swift-tools-version: 6.1

import PackageDescription

let package = Package(
  name: "differential-walk",
  dependencies: [.package(name: "gi-bench", path: "../..")],
  targets: [
    .executableTarget(
      name: "differential-walk",
      dependencies: ["EPT"].map { .product(name: $0, package: "gi-bench") },
      path: "Sources")
  ]
)
