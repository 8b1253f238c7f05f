import Foundation
import Recordings
import Testing

@Suite("A hostile input")
struct HostileInputTests {
  /// Every command that reads a recording, with what it needs besides.
  static let readers: [[String]] = [
    ["run"], ["run", "--dimensions", "2"], ["trace", "info"], ["trace", "info", "--format", "json"], ["trace", "view"],
    ["trace", "stats"], ["trace", "check"], ["trace", "convert", "-o", "/dev/null"],
    ["trace", "convert", "--to", "csv", "-o", "/dev/null"],
    ["trace", "convert", "--to", "perfetto", "-o", "/dev/null"],
    ["trace", "cut", "--to-mark", "m", "-o", "/dev/null"],
  ]

  @Test(
    "whose header says what cannot be is refused in a sentence by whatever reads it", arguments: readers,
    ["ram-2e64m1.trace", "totals-accesses-0.trace", "totals-accesses-1e9.trace"])
  func header(command: [String], name: String) throws {
    let outcome = try Program.run(command + [Program.fixture(name)])
    #expect(outcome.status == 1 && outcome.output == "", "\(outcome)")
    #expect(outcome.error.split(separator: "\n").count == 1 && outcome.error.contains(name), "\(outcome.error)")
    #expect(outcome.error.contains("expected"), "\(outcome.error)")
  }

  @Test("is refused when it is imported already")
  func description() throws {
    let folder = try Program.Folder()
    let csv = try folder.file("in.csv", "kind,vcpu,count,gpa,size\nwrite,0,1,0x1000,8\n")
    let description = Program.fixture("ram-2e64m1.description.json")
    try Program.expectFailure(
      ["trace", "convert", csv, "--from", "csv", "--description", description, "-o", folder.path + "/out"], status: 1,
      sentence: "\(description): found 18446744073709551615 bytes of guest memory, expected 2^52 at most; correct the "
        + "description")
    #expect(try folder.names == ["in.csv"])
  }

  /// Names with everything that acts on a terminal: ESC and CSI in both forms, OSC, a turn of direction, an invisible space.
  static let evil = "\u{1b}]0;pwned\u{7}\u{1b}[2J\u{9b}31m\u{9d}0;x\u{9c}\u{202e}txt\u{2066}\u{200b}\u{2028}\u{7f}"

  private func evilTrace(in folder: Program.Folder) throws -> String {
    let path = folder.path + "/evil.trace"
    var description = RecordingDescription(
      title: Self.evil, origin: .synthetic,
      guest: .init(kernel: Self.evil, kernelPackage: Self.evil, commandLine: Self.evil, ramBytes: 1 << 20, vcpus: 1),
      recorder: .init(name: Self.evil, version: Self.evil, flags: Self.evil))
    description.notes = [Self.evil]
    description.marks = [.init(id: 1, name: "m" + Self.evil)]
    description.regions = [
      .init(id: 1, name: "r" + Self.evil, gpa: 0x3000, bytes: 0x1000),
      .init(id: 2, name: "outside" + Self.evil, gpa: 1 << 30, bytes: 1),
    ]
    description.symbols = [.init(name: "s" + Self.evil, gpa: 0x3000, size: 16)]
    description.groundTruth = [
      .init(
        attack: Self.evil, act: Self.evil, kind: .write, mark: Self.evil, gpa: 0x3000, bytes: 1, expected: Self.evil)
    ]
    let writer = try RecordingWriter(path: path, description: description, options: .init(level: 1))
    for i in 0..<100 as Range<UInt64> {
      try writer.write(
        vcpu: 0, count: i + 1, gpa: .init(0x3000 + 8 * i), gva: .init(0x3000 + 8 * i), size: 8)
    }
    try writer.event(.mark(.init(vcpu: 0, count: 101, id: 1, rip: .init(0))))
    _ = try writer.finish()
    return path
  }

  private func actsOnTerminals(_ text: String) -> [Unicode.Scalar] {
    text.unicodeScalars.filter { $0 != "\n" && $0 != "\r" && SafeText.isActive($0) }
  }

  @Test("puts nothing on the terminal, or into a file of any format, that acts there")
  func escapes() throws {
    let folder = try Program.Folder()
    let trace = try evilTrace(in: folder)
    let policy = try folder.file(
      "policy.json",
      String(
        decoding: try JSONSerialization.data(withJSONObject: [
          "schema": 1, "name": Self.evil,
          "regions": [["name": "=" + Self.evil, "section": "r" + Self.evil]],
        ]), as: UTF8.self))
    let nowhere = folder.path + "/no" + Self.evil
    var commands = Self.readers.filter { !$0.contains("/dev/null") }.map { $0 + [trace] }
    commands += [
      ["trace", "convert", trace, "--to", "csv", "-o", "-"],
      ["trace", "convert", trace, "--to", "perfetto", "-o", "-"],
      ["trace", "convert", trace, "-o", "/dev/null", "--save-description", folder.path + "/d"],
      ["trace", "check", Program.fixture("escape-region.trace")], ["run", nowhere], ["run", trace, "--arm", nowhere],
      ["run", trace, "--strategy", nowhere], ["run", "--" + Self.evil], ["walk", "--set", Self.evil, "--gpa", "0"],
      ["walk", "--script", try folder.file("script", "\(Self.evil) x\ncap \(Self.evil)=1\ngpa \(Self.evil) r\n")],
      ["compare", nowhere, nowhere], ["profile", "show", nowhere + "/"],
    ]
    for format in ["text", "json", "csv", "markdown", "html"] {
      commands.append(["run", trace, "--counters-only", "--policy", policy, "--format", format])
    }
    for arguments in commands {
      let outcome = try Program.run(arguments)
      let left = actsOnTerminals(outcome.output) + actsOnTerminals(outcome.error)
      #expect(left.isEmpty, "\(arguments): \(left)")
      #expect(!outcome.output.isEmpty || !outcome.error.isEmpty || arguments.contains("--save-description"))
    }
    #expect(try actsOnTerminals(folder.text("d")).isEmpty)
    let json = try JSONDecoder().decode(RecordingDescription.self, from: Data(folder.text("d").utf8))
    #expect(json.title == Self.evil, "escaped JSON says the same")
  }

  @Test("names no formula in comma-separated values")
  func formula() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let outcome = try Program.run([
      "run", trace, "--policy", Program.fixture("formula-policy.json"), "--counters-only", "--format", "csv",
    ])
    #expect(outcome.status == 0, "\(outcome.error)")
    let cells = outcome.output.split(whereSeparator: { ",\r\n".contains($0) || $0 == "\r\n" })
    #expect(cells.contains("'=1+1"))
    #expect(!cells.contains { "=+-@".contains($0.first ?? "x") && Double($0) == nil })
  }

  @Test("of a kilobyte takes memory for what its records touch, not for what its header says")
  func memory() throws {
    let usage = try Program.measure(["run", Program.fixture("ram-1tib.trace"), "--counters-only"])
    #expect(usage.status == 0 && usage.resident < 160 << 20, "\(usage.resident >> 20) MiB")
  }

  @Test(
    "that never ends is refused",
    arguments: [
      ["walk", "--script"], ["run"], ["trace", "info"], ["trace", "convert", "--from", "csv", "-o", "/dev/null"],
      ["trace", "convert", "--from", "lackey", "--lenient", "-o", "/dev/null"], ["compare", "/dev/null"],
      ["run", "--policy", "/dev/zero", "x", "--profile", "/dev/zero", "--save"],
    ], ["/dev/zero", "/dev/urandom"])
  func endless(arguments: [String], device: String) throws {
    let outcome = try Program.run(arguments + [device])
    #expect(outcome.status == 1 && outcome.error.split(separator: "\n").count == 1, "\(outcome)")
  }

  @Test("at the end of the null device is just empty")
  func null() throws {
    let outcome = try Program.run(["walk", "--script", "/dev/null"])
    #expect(outcome.status == 0 && outcome.output == "")
  }

  @Test(
    "is a full disk, which is noticed by every answer",
    arguments: [
      ["--help"], ["--version"], ["help", "run"], ["profile"], ["--generate-completion-script", "bash"],
      ["profile", "list"], ["attack", "--attack", "A1"], ["walk", "--gpa", "0"],
    ])
  func full(arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(filePath: Program.path)
    process.arguments = arguments
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: "/dev/full"))
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 1)
    #expect(try Program.run(arguments).status == 0)
  }
}
