// swift-tools-version: 6.1

import Foundation
import PackageDescription

/// A program that sees what is public in these products of gi-bench, and nothing more.
func program(_ name: String, _ products: String...) -> Target {
  let hasReadme = FileManager.default.fileExists(atPath: Context.packageDirectory + "/Sources/\(name)/README.md")
  return .executableTarget(
    name: name, dependencies: products.map { .product(name: $0, package: "gi-bench") },
    exclude: hasReadme ? ["README.md"] : [])
}

let package = Package(
  name: "gi-bench-examples",
  dependencies: [.package(name: "gi-bench", path: "../..")],
  targets: [
    program("differential-walk", "EPT"),
    program("page-look-up", "MonitorTree"),
    program("own-strategy", "GuestIntegrity", "Replay", "Report", "ScriptedGuest"),
    program("own-consumer", "Replay"),
    program("own-profile", "Replay"),
    program("own-recording", "Recordings", "Replay"),
    program("own-report", "Replay"),
  ]
)
