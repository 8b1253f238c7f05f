// swift-tools-version: 6.1

import PackageDescription

let package = Package(
  name: "page-look-up",
  dependencies: [.package(name: "gi-bench", path: "../..")],
  targets: [
    .executableTarget(
      name: "page-look-up",
      dependencies: ["MonitorTree"].map { .product(name: $0, package: "gi-bench") },
      path: "Sources")
  ]
)
