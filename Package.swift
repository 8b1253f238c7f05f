// swift-tools-version: 6.1

import Foundation
import PackageDescription

// A plain `swift run` is a debug build. Our own targets are optimised there too, so that the main job takes seconds;
// GI_ONONE=1 turns that off (and `assert` on). A checkout that another package depends on must not carry unsafe flags.
let isDependency =
  Context.packageDirectory.contains("/checkouts/")
  && FileManager.default.fileExists(atPath: Context.packageDirectory + "/../../workspace-state.json")
let optimiseDebug = !isDependency && Context.environment["GI_ONONE"] == nil
let house: [SwiftSetting] = optimiseDebug ? [.unsafeFlags(["-O"], .when(configuration: .debug))] : []
let houseC: [CSetting] = optimiseDebug ? [.unsafeFlags(["-O2"], .when(configuration: .debug))] : []

let package = Package(
  name: "gi-bench",
  products: [
    .executable(name: "gi-bench", targets: ["gi-bench"]),
    .library(name: "Host", targets: ["CHost"]),
    .library(name: "SeededRandom", targets: ["SeededRandom"]),
    .library(name: "EPT", targets: ["Addresses", "EPT"]),
    .library(name: "MonitorTree", targets: ["Addresses", "MonitorTree"]),
    .library(name: "Recordings", targets: ["Addresses", "Recordings"]),
    .library(name: "GuestIntegrity", targets: ["EPTTables", "GuestIntegrity"]),
    .library(name: "ScriptedGuest", targets: ["ScriptedGuest"]),
    .library(name: "Replay", targets: ["Replay"]),
    .library(name: "Report", targets: ["Report"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CNodeSearch", cSettings: houseC),
    .target(name: "CHost"),

    .target(name: "Addresses", swiftSettings: house),
    .target(name: "SeededRandom", swiftSettings: house),
    .target(name: "EPT", dependencies: ["Addresses", "SeededRandom"], swiftSettings: house),
    .target(name: "EPTTables", dependencies: ["Addresses", "EPT"], swiftSettings: house),
    .target(name: "MonitorTree", dependencies: ["Addresses", "CNodeSearch"], swiftSettings: house),
    .target(
      name: "Recordings", dependencies: ["Addresses", "SeededRandom", "CXXHash", "CZstd", "CZlib"], swiftSettings: house
    ),
    .target(
      name: "GuestIntegrity", dependencies: ["Addresses", "EPT", "EPTTables", "MonitorTree", "CHost", "CXXHash"],
      swiftSettings: house),
    .target(name: "Execution", dependencies: ["Addresses", "EPT", "GuestIntegrity"], swiftSettings: house),
    .target(
      name: "ScriptedGuest", dependencies: ["Addresses", "EPT", "MonitorTree", "GuestIntegrity", "Execution"],
      swiftSettings: house),
    .target(
      name: "Replay",
      dependencies: [
        "Addresses", "EPT", "MonitorTree", "GuestIntegrity", "Execution", "Recordings", "SeededRandom", "CHost",
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      resources: [.embedInCode("Profiles"), .embedInCode("KnownMisses")],
      swiftSettings: house),
    .target(
      name: "Report",
      dependencies: ["Addresses", "Replay", "Recordings", "SeededRandom"],
      swiftSettings: house),
    .target(
      name: "Sweeps", dependencies: ["Recordings", "Replay", "Report"], swiftSettings: house),
    .target(
      name: "Calibration",
      dependencies: ["Replay", "GuestIntegrity", "CHost"],
      resources: [.embedInCode("Programs")],
      swiftSettings: house),
    .executableTarget(
      name: "gi-bench",
      dependencies: [
        "Calibration", "CHost", "Sweeps", "Report", "Replay", "ScriptedGuest", "GuestIntegrity", "MonitorTree", "EPT",
        "Recordings", "Addresses",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Benchmarks/gi-bench",
      swiftSettings: house),
    // The second judge: `make judge`.
    .executableTarget(
      name: "judge",
      dependencies: ["EPT", "SeededRandom", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Tests/Judge/Program",
      swiftSettings: house),

    .testTarget(name: "AddressesTests", dependencies: ["Addresses", "SeededRandom"], swiftSettings: house),
    .testTarget(name: "EPTTests", dependencies: ["Addresses", "EPT", "SeededRandom"], swiftSettings: house),
    .testTarget(
      name: "EPTTablesTests", dependencies: ["Addresses", "EPT", "EPTTables", "SeededRandom"], swiftSettings: house),
    .testTarget(
      name: "MonitorTreeTests", dependencies: ["MonitorTree", "CNodeSearch", "SeededRandom"], swiftSettings: house),
    .testTarget(
      name: "RecordingsTests", dependencies: ["Recordings", "SeededRandom", "CZstd", "CZlib", "CXXHash"],
      exclude: ["Fixtures"],
      swiftSettings: house),
    .testTarget(
      name: "GuestIntegrityTests",
      dependencies: ["GuestIntegrity", "EPTTables", "Execution", "ScriptedGuest", "Replay", "SeededRandom"],
      swiftSettings: house),
    .testTarget(
      name: "ReplayTests",
      dependencies: [
        "Replay", "ScriptedGuest", "GuestIntegrity", "EPTTables", "MonitorTree", "EPT", "Recordings", "Addresses",
        "SeededRandom", "CHost", .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: house),
    .testTarget(
      name: "ReportTests", dependencies: ["Report", "Replay", "GuestIntegrity", "Addresses", "SeededRandom"],
      exclude: ["Golden"], swiftSettings: house),
    .testTarget(
      name: "SweepsTests", dependencies: ["Sweeps", "Report", "Replay", "SeededRandom"], swiftSettings: house),
    .testTarget(name: "JudgeTests", dependencies: ["judge", "EPT"], swiftSettings: house),
    .testTarget(
      name: "CalibrationTests", dependencies: ["Calibration", "Replay", "SeededRandom"], exclude: ["Fixtures"],
      swiftSettings: house),
    .testTarget(
      name: "CommandTests", dependencies: ["gi-bench", "Replay", "Recordings", "Addresses", "SeededRandom"],
      exclude: ["Fixtures"], swiftSettings: house),
  ],
  swiftLanguageModes: [.v6]
)
