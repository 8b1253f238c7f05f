import Foundation
import Recordings
import Testing

/// The bounds that `SECURITY.md` states, and closer ones where they hold, on recordings of the suite's kind and on inputs made to take much.
@Suite("The memory of a command is bounded", .serialized)
struct MemoryTests {
  private static let quick = Program.root + "/traces/quick.trace"

  private func expect(_ mebibytes: Int, _ command: [String], statuses: Set<Int32> = [0]) throws {
    let usage = try Program.measure(command)
    #expect(usage.resident > 1 << 20)
    #expect(statuses.contains(usage.status), "\(command): \(usage.status)")
    #expect(usage.resident < mebibytes << 20, "\(command): \(usage.resident >> 20) MiB, \(mebibytes) at most")
    print("memory: \(usage.resident >> 20) MiB, \(mebibytes) at most: \(command.joined(separator: " "))")
  }

  /// Commands that read a recording, and the most mebibytes that each may take of one whose pages caches hold.
  private static let bounds: [(command: [String], mebibytes: Int)] = [
    (["run", "--counters-only"], 80), (["run", "--counters-only", "--threads", "2"], 96), (["trace", "info"], 48),
    (["trace", "stats"], 64), (["trace", "check"], 80), (["trace", "view"], 80),
    (["trace", "convert", "--level", "1", "-o", "/dev/null"], 128),
    (["trace", "convert", "--to", "csv", "-o", "/dev/null"], 80),
    (["trace", "convert", "--to", "perfetto", "-o", "/dev/null"], 64),
  ]

  @Test("however many stores it reads")
  func reading() throws {
    let folder = try Program.Folder()
    for writes in [200_000, 2_000_000] {
      let path = folder.path + "/\(writes)"
      try expect(
        256,
        [
          "trace", "generate", "--workload", "zipf", "--pages", "5000", "--vcpus", "4", "--writes", "\(writes)", "-o",
          path,
        ])
      for (command, mebibytes) in Self.bounds { try expect(mebibytes, command + [path]) }
    }
  }

  @Test("without a recording, too")
  func others() throws {
    let folder = try Program.Folder()
    let saved = Program.savedResult
    let plan = try folder.file(
      "plan.json",
      """
      {"schema": 1, "name": "small", "strategies": ["toggle", "filter"], "recordings": [
         {"name": "zipf", "workload": "zipf", "writes": 50000, "pages": 64, "seed": 7}],
       "vary": {"profile": ["skylake-sp", "icelake-sp"]}}
      """)
    let commands = [
      ["attack"], ["compare", saved, saved], ["strategy", "list"], ["profile", "list"],
      ["profile", "show", "skylake-sp"], ["profile", "validate"],
      ["profile", "convert", Program.fixture("profile-schema-1.json"), folder.path + "/profile.json"],
      ["sweep", plan, "--jobs", "2", "-o", folder.path + "/sweep"], ["merge", folder.path + "/sweep"],
      ["walk", "--gpa", "0"], InterruptionTests.measuring(folder.path + "/measured.json"),
    ]
    for command in commands { try expect(64, command) }
  }

  @Test("where a script writes to more pages than there is room for, or walks where nobody has been")
  func script() throws {
    let folder = try Program.Folder()
    let lines = (0..<300_000).map { "w64 \(String($0 << 12, radix: 16)) 7\ngpa \(String($0 << 12, radix: 16)) r\n" }
    try expect(1200, ["walk", "--script", try folder.file("script", lines.joined())], statuses: [1])
  }

  @Test("where it replays")
  func replays() throws {
    let folder = try Program.Folder()
    let (saved, baseline) = (folder.path + "/saved.json", folder.path + "/baseline.json")
    try expect(128, ["run", Self.quick, "--quiet", "--save", saved])
    try expect(128, ["run", Self.quick, "--dimensions", "2", "--counters-only"])
    try expect(128, ["run", Self.quick, "--threads", "2", "--counters-only"])
    try expect(128, ["run", Self.quick, Self.quick, "--jobs", "2", "--quiet", "--counters-only"])
    try expect(128, ["run", Self.quick, "--counters-only", "--notifications", folder.path + "/notifications.csv"])
    try expect(128, ["run", Self.quick, "--budget", "1%"])
    try expect(128, ["check", Self.quick, "--baseline", baseline, "--update"])
    try expect(128, ["explain", Self.quick, "--strategy", "filter", "--event", "1"])
    try expect(64, ["compare", saved, saved])
    for tebibyte in ["run", "check"].map({ [$0, Program.fixture("ram-1tib.trace")] }) {
      try expect(128, tebibyte + (tebibyte[0] == "check" ? ["--baseline", baseline] : []), statuses: [0, 1, 2, 3])
    }
  }

  @Test("where it reads and writes recordings")
  func recordings() throws {
    let folder = try Program.Folder()
    let (trace, other, csv) = (folder.path + "/t", folder.path + "/o", folder.path + "/csv")
    // More than one block, on more pages than caches hold.
    try expect(
      256, ["trace", "generate", "--workload", "zipf", "--writes", "1200000", "--level", "1", "-o", trace])
    try expect(128, ["trace", "info", trace])
    try expect(128, ["trace", "check", Self.quick])
    try expect(128, ["trace", "stats", trace])
    try expect(128, ["trace", "view", trace, "--limit", "100000"])
    try expect(256, ["trace", "convert", Self.quick, "-o", other])
    try expect(128, ["trace", "convert", trace, "--to", "csv", "-o", csv])
    try expect(256, ["trace", "convert", csv, "--from", "csv", "--level", "1", "-o", other])
    try expect(128, ["trace", "convert", trace, "--to", "perfetto", "-o", other])
    try expect(256, ["trace", "cut", Self.quick, "--from-mark", "set-kprobes", "--level", "1", "-o", other])
  }

  @Test("where a header holds many names")
  func names() throws {
    let folder = try Program.Folder()
    let path = folder.path + "/t"
    var description = RecordingDescription(
      title: "names", origin: .synthetic, guest: .init(ramBytes: 1 << 30, vcpus: 1), recorder: .init(name: "tests"))
    description.regions = (0..<40_000 as Range<UInt64>).map {
      .init(id: $0 + 1, name: "region \($0)", gpa: $0 << 13, bytes: 0x1800)
    }
    description.symbols = (0..<40_000 as Range<UInt64>).map { .init(name: "symbol \($0)", gpa: $0 << 10, size: 0x500) }
    let writer = try RecordingWriter(path: path, description: description, options: .init(level: 1))
    for i in 0..<10_000 as Range<UInt64> {
      try writer.write(vcpu: 0, count: i + 1, gpa: .init(i << 13), gva: .init(i << 13), size: 8)
    }
    _ = try writer.finish()
    for command in HostileInputTests.readers where !command.contains("cut") && !command.contains("2") {
      try expect(192, command + [path])
    }
  }

  @Test(
    "where hypercalls name all of a large memory: they are done, or refused in a sentence",
    arguments: [
      ("filter", 4, 0x4000, 0, nil), ("spp", 4, 0x4000, 0, nil), ("pml", 4, 0x4000, 1, "needs an EPT leaf for each"),
      ("filter", 7, 0x10_0000, 1, "pages donated to the tree"),
    ] as [(String, UInt64, UInt64, Int32, String?)])
  func hugeClaims(strategy: String, number: UInt64, first: UInt64, status: Int32, sentence: String?) throws {
    let folder = try Program.Folder()
    let driver = try RecordedDriver(folder.path + "/t", ramBytes: 1 << 40)
    try driver.call(number, first, 1 << 28 - first, number == 4 ? 1 : 0, number == 4 ? 1 : 0)
    try driver.store(to: first)
    let command = ["run", try driver.finish(), "--counters-only", "--profile", "icelake-sp", "--strategy", strategy]
    try expect(128, command, statuses: [status])
    if let sentence {
      let error = try Program.run(command).error
      #expect(error.contains(sentence) && error.split(separator: "\n").count == 1, "\(error)")
    }
  }
}
