import Foundation
import SeededRandom
import Testing

@testable import Recordings

/// What stands under an output's name is what was there, or the whole of what was to be written, at whatever moment a command
/// ends; of a run's reports, which an earlier one must not be taken for, nothing or the whole. `GI_INTERRUPTIONS=1000` for the long run (`make faults`).
@Suite("A command that is ended at any moment", .serialized)
struct InterruptionTests {
  static let rounds = Int(ProcessInfo.processInfo.environment["GI_INTERRUPTIONS"] ?? "") ?? 40

  /// The commands that write, each to this path.
  static func writers(_ trace: String, _ csv: String, _ path: String) -> [[String]] {
    [
      ["run", trace, "--quiet", "--counters-only", "--strategy", "filter", "--save", path],
      ["run", trace, "--counters-only", "--strategy", "filter", "--quiet", "--export", "html=\(path)"],
      ["check", trace, "--strategy", "filter", "--baseline", path, "--update"],
      ["attack", "--attack", "A1", "--output", path], ["trace", "convert", trace, "--level", "1", "-o", path],
      ["trace", "convert", trace, "--to", "csv", "-o", path],
      ["trace", "convert", trace, "--to", "perfetto", "-o", path],
      ["trace", "convert", csv, "--from", "csv", "-o", path],
      ["trace", "generate", "--workload", "zipf", "--writes", "200000", "-o", path],
      ["trace", "cut", trace, "--to-mark", "end", "-o", path],
      [
        "explain", trace, "--strategy", "filter", "--policy", trace + ".policy", "--event", "1", "--quiet", "--export",
        "json=\(path)",
      ],
      ["compare", Program.savedResult, Program.savedResult, "--quiet", "--export", "csv=\(path)"],
      ["profile", "convert", Program.fixture("profile-schema-1.json"), path],
    ]
  }

  /// The one that takes seconds, and writes something else each time.
  static func measuring(_ path: String) -> [String] {
    ["profile", "measure", "--samples", "20", "--profile", "icelake-sp", "--output", path]
  }

  /// Whether an output is whole: what the same command wrote before, or for what is measured anew each time, a profile.
  private static func isWhole(_ output: Data?, as before: Data, by command: [String]) -> Bool {
    guard command.contains("measure"), let output else { return output == before }
    return (try? JSONSerialization.jsonObject(with: output)) != nil && output.last == UInt8(ascii: "\n")
  }

  /// Whether an earlier report, which this run's must not be taken for, goes before the run begins.
  private static func withdraws(_ command: [String]) -> Bool { command[0] == "run" }

  private static func start(_ arguments: [String], limitedTo bytes: Int? = nil) throws -> pid_t {
    let program = bytes == nil ? Program.path : "/bin/sh"
    let script = "ulimit -f \((bytes ?? 0) / 512); exec \"$0\" \"$@\""
    let words = (bytes == nil ? [program] + arguments : [program, "-c", script, Program.path] + arguments)
    let pointers = words.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in [0, 1, 2] as [Int32] {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    var process = pid_t()
    // As wide as the run that says what a whole output is.
    setenv("COLUMNS", "400", 1)
    try #require(posix_spawn(&process, program, &actions, nil, pointers, environ) == 0)
    return process
  }

  static func inputs(
    _ folder: Program.Folder, writes: UInt64 = 100_000
  ) throws -> (trace: String, csv: String) {
    let (trace, csv) = (folder.path + "/in.trace", folder.path + "/in.csv")
    var description = RecordingDescription(
      title: "in", origin: .synthetic, guest: .init(ramBytes: 1 << 30, vcpus: 1), recorder: .init(name: "tests"))
    description.marks = [.init(id: 1, name: "end")]
    let writer = try RecordingWriter(path: trace, description: description, options: .init(level: 1))
    var random = SplitMix64(seed: 7)
    for count in 1...writes {
      let address = (random.next() & random.next() & 0x3fff) << 12
      try writer.write(vcpu: 0, count: count, gpa: .init(address), gva: .init(address), size: 8)
    }
    try writer.event(.mark(.init(vcpu: 0, count: writes + 1, id: 1, rip: .init(0))))
    _ = try writer.finish()
    _ = try folder.file(
      "in.trace.policy", #"{"schema":1,"name":"p","regions":[{"name":"a","gpa":"0x0","bytes":65536}]}"#)
    #expect(try Program.run(["trace", "convert", trace, "--to", "csv", "-o", csv]).status == 0)
    return (trace, csv)
  }

  @Test(
    "by a signal leaves what was there, or all that was to be written, and nothing beside it",
    arguments: [1, 2] as [UInt64])
  func signals(seed: UInt64) throws {
    let source = try Program.Folder()
    let (trace, csv) = try Self.inputs(source)
    var random = SplitMix64(seed: seed)
    var (kept, written) = (0, 0)
    let measuring = seed == 1 ? [Self.measuring("OUT")] : []
    for arguments in Self.writers(trace, csv, "OUT") + measuring {
      let folder = try Program.Folder()
      let path = folder.path + "/out"
      let command = arguments.map { $0.replacing("OUT", with: path) }
      let begin = ContinuousClock.now
      #expect(try Program.run(command).status == 0, "\(command)")
      let duration = (ContinuousClock.now - begin) / .microseconds(1)
      let whole = try Data(contentsOf: URL(filePath: path))
      for _ in 0..<max(1, Self.rounds / 28) {
        let old = Bool.random(using: &random) ? Data("what was there".utf8) : nil
        unlink(path)
        if let old { try old.write(to: URL(filePath: path)) }
        let signal = [SIGTERM, SIGINT, SIGHUP, SIGKILL, SIGKILL].randomElement(using: &random) ?? SIGKILL
        let process = try Self.start(command)
        usleep(UInt32(Double.random(in: 0...1.1, using: &random) * duration))
        kill(process, signal)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        let now = try? Data(contentsOf: URL(filePath: path))
        let isWithdrawn = now == nil && Self.withdraws(command)
        let isWhole = Self.isWhole(now, as: whole, by: command)
        #expect(isWithdrawn || now == old || isWhole, "seed \(seed), \(command), signal \(signal)")
        if isWhole { written += 1 } else { kept += 1 }
        // Only what nothing can catch may come between a file's two names.
        let beside = try folder.names.filter { $0 != "out" }
        #expect(beside.allSatisfy { signal == SIGKILL && $0.hasPrefix(".gi-bench-") }, "\(command): \(beside)")
        for name in beside { unlink(folder.path + "/" + name) }
      }
    }
    print("signals: seed \(seed), \(kept) outputs as before, \(written) written")
    #expect(kept > 0)
  }

  @Test("by a limit of file size, or a full disk, says so, leaves what was there, and nothing beside it")
  func noRoom() throws {
    let source = try Program.Folder()
    let (trace, csv) = try Self.inputs(source)
    let folder = try Program.Folder()
    let path = folder.path + "/out"
    for arguments in Self.writers(trace, csv, path) {
      #expect(try Program.run(arguments).status == 0)
      let size = try Data(contentsOf: URL(filePath: path)).count
      for limit in [0, 512, size / 2] where limit < size {
        for old in [nil, Data("what was there".utf8)] {
          unlink(path)
          if let old { try old.write(to: URL(filePath: path)) }
          let process = try Self.start(arguments, limitedTo: limit)
          var status: Int32 = 0
          waitpid(process, &status, 0)
          #expect(status & 0x7f == 0 && status >> 8 == 1, "\(arguments), \(limit) of \(size) bytes: status \(status)")
          let left = Self.withdraws(arguments) ? nil : old
          #expect((try? Data(contentsOf: URL(filePath: path))) == left, "\(arguments)")
          #expect(try folder.names == (left == nil ? [] : ["out"]), "\(arguments)")
        }
      }
    }
  }

  @Test("by a small file system that is full says so, and leaves what was there")
  func fullFileSystem() throws {
    let folder = try Program.Folder()
    let place = folder.path + "/small"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
    // Only where one may mount; elsewhere the limit of file size stands for it.
    guard mount("none", place, "tmpfs", 0, "size=16k") == 0 else { return }
    defer { umount(place) }
    let source = try Program.Folder()
    let (trace, csv) = try Self.inputs(source)
    let path = place + "/out"
    for arguments in Self.writers(trace, csv, path) where !arguments.contains("attack") {
      try Data("what was there".utf8).write(to: URL(filePath: path))
      let outcome = try Program.run(arguments)
      #expect(outcome.status == 0 || outcome.error.lowercased().contains("no space left"), "\(arguments): \(outcome)")
      let isWithdrawn = outcome.status != 0 && Self.withdraws(arguments)
      if outcome.status != 0, !isWithdrawn {
        #expect(try Data(contentsOf: URL(filePath: path)) == Data("what was there".utf8))
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: place) == (isWithdrawn ? [] : ["out"]))
    }
  }

  @Test("goes on where it was, if it is a sweep, and comes to what it would have come to", arguments: [3] as [UInt64])
  func sweeps(seed: UInt64) throws {
    let folder = try Program.Folder()
    let plan = try folder.file(
      "plan.json",
      """
      {"schema": 1, "name": "small", "strategies": ["toggle", "filter"], "recordings": [
         {"name": "zipf", "workload": "zipf", "writes": 50000, "pages": 64, "seed": 7},
         {"name": "uniform", "workload": "uniform", "writes": 50000, "pages": 64, "seed": 8}],
       "vary": {"profile": ["skylake-sp", "icelake-sp"]}}
      """)
    func merged(_ name: String) throws -> String {
      let json = "\(folder.path)/\(name).json"
      let outcome = try Program.run(["merge", "\(folder.path)/\(name)", "--quiet", "--export", "json=\(json)"])
      #expect(outcome.status == 0, "seed \(seed), \(name): \(outcome.error)")
      return try folder.text("\(name).json")
    }
    let begin = ContinuousClock.now
    #expect(try Program.run(["sweep", plan, "-o", folder.path + "/whole"]).status == 0)
    let duration = (ContinuousClock.now - begin) / .microseconds(1)
    let whole = try merged("whole")
    var random = SplitMix64(seed: seed)
    for round in 0..<max(2, Self.rounds / 28) {
      let place = "\(folder.path)/\(round)"
      for _ in 0..<2 {
        let process = try Self.start(["sweep", plan, "-o", place])
        usleep(UInt32(Double.random(in: 0...1, using: &random) * duration))
        kill(process, [SIGTERM, SIGINT, SIGKILL].randomElement(using: &random) ?? SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
      }
      let last = try Program.run(["sweep", plan, "-o", place])
      #expect(last.status == 0, "seed \(seed), round \(round): \(last.error)")
      #expect(try merged("\(round)") == whole, "seed \(seed), round \(round)")
    }
  }
}
