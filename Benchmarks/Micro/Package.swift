// swift-tools-version: 6.1

import PackageDescription

// Our hot paths beside references of our own in C, in one process. A package of its own: the root never resolves it.
// With PEERS set, beside containers of other projects, too, which `make peers` installs.
let peers: [Target] =
  Context.environment["PEERS"] == nil
  ? []
  : [
    .target(
      name: "Peers",
      cxxSettings: [
        .unsafeFlags(["-O3", "-isystem", "/usr/include/llvm-14", "-isystem", "/usr/include/llvm-c-14"])
      ],
      linkerSettings: [
        .linkedLibrary("Judy"), .linkedLibrary("absl_throw_delegate"), .linkedLibrary("LLVM-14"),
        .unsafeFlags(["-L/usr/lib/llvm-14/lib", "-Xlinker", "-rpath=/usr/lib/llvm-14/lib"]),
      ])
  ]
let package = Package(
  name: "Micro",
  dependencies: [.package(name: "gi-bench", path: "../..")],
  targets: [
    .target(name: "References", cSettings: [.unsafeFlags(["-O3"])]),
    .target(name: "Measuring"),
    .target(
      name: "Workloads",
      dependencies: [
        "References", "Measuring", .product(name: "EPT", package: "gi-bench"),
        .product(name: "GuestIntegrity", package: "gi-bench"), .product(name: "Recordings", package: "gi-bench"),
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
      ] + peers.map { .target(name: $0.name) }),
    .executableTarget(
      name: "scaling",
      dependencies: [
        "References", "Measuring", "Workloads", .product(name: "MonitorTree", package: "gi-bench"),
        .product(name: "Replay", package: "gi-bench"), .product(name: "Recordings", package: "gi-bench"),
        .product(name: "SeededRandom", package: "gi-bench"),
      ]),
  ] + peers,
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
