import Foundation
import Testing

@Suite("What a command writes")
struct OverwritingTests {
  @Test("is never what it reads")
  func inputs() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let profile = try folder.file("p.json", try Program.run(["profile", "show", "--format", "json"]).output)
    let before = try Data(contentsOf: URL(filePath: trace))
    for arguments in [
      ["run", trace, "--profile", profile, "--save", profile],
      ["trace", "convert", trace, "-o", trace],
      ["trace", "convert", trace, "--to", "csv", "-o", folder.path + "/x", "--save-description", folder.path + "/x"],
      ["trace", "cut", trace, "--from-mark", "m", "-o", trace],
    ] {
      let outcome = try Program.run(arguments)
      #expect(outcome.status == 64 && outcome.error.contains("would be overwritten"), "\(arguments): \(outcome.error)")
    }
    #expect(try Data(contentsOf: URL(filePath: trace)) == before)
    #expect(try folder.names == ["p.json", "small.trace"])
  }

  @Test("as a baseline is neither recording, profile, policy nor program")
  func baseline() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let profile = try folder.file("p.json", try Program.run(["profile", "show", "--format", "json"]).output)
    let policy = try folder.file(
      "policy.json", #"{"schema": 1, "name": "p", "regions": [{"name": "a", "gpa": "0x1000", "bytes": 1}]}"#)
    for name in ["small.trace", "p.json", "policy.json"] {
      try FileManager.default.createSymbolicLink(atPath: folder.path + "/to-" + name, withDestinationPath: name)
    }
    let before = try folder.names.map { try folder.text($0) }
    for name in ["small.trace", "p.json", "policy.json"] {
      for target in [folder.path + "/" + name, folder.path + "/./" + name, folder.path + "/to-" + name] {
        let outcome = try Program.run([
          "check", trace, "--profile", profile, "--policy", policy, "--baseline", target, "--update",
        ])
        #expect(outcome.status == 64 && outcome.error.contains("\(target) is also read"), "\(target): \(outcome.error)")
      }
    }
    let program = try Program.run([
      "check", trace, "--baseline", trace, "--host", Program.path, "--output", Program.path,
    ])
    #expect(program.status == 64 && program.error.contains("\(Program.path) is also read"), "\(program.error)")
    #expect(try folder.names.map { try folder.text($0) } == before)
  }

  @Test("beside a new baseline is refused, since there is no report then", arguments: ["--output", "--export"])
  func reportOfUpdate(option: String) throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    try Program.expectFailure(
      [
        "check", trace, "--baseline", folder.path + "/b", "--update", option,
        (option == "--export" ? "html=" : "") + folder.path + "/r",
      ], status: 64,
      sentence:
        "--update writes the baseline and no report: leave out --output and --export, or check without --update")
    #expect(try folder.names == ["small.trace"])
  }

  @Test("is not the file that comes by the standard input")
  func standardInput() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let outcome = try Program.run(["trace", "convert", "-", "-o", trace], input: trace)
    #expect(outcome.status == 64 && outcome.error.contains("is also read"), "\(outcome.error)")
  }

  /// Every way to name a file to write.
  @Test("may have a name of one character, and of as many as the file system takes", arguments: [1, 2, 250, 255])
  func names(length: Int) throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let csv = try folder.file("in.csv", "kind,vcpu,count,gpa,size\nwrite,0,1,0x1000,8\n")
    let name = String(repeating: "n", count: length)
    for arguments in [
      ["run", trace, "--quiet", "--save", name],
      ["run", trace, "--output", name],
      ["run", trace, "--quiet", "--export", "json=\(name)"],
      ["check", trace, "--baseline", name, "--update"],
      ["attack", "--attack", "A1", "--output", name],
      ["trace", "convert", trace, "-o", name],
      ["trace", "convert", trace, "--to", "csv", "-o", name],
      ["trace", "convert", trace, "--to", "perfetto", "-o", name],
      ["trace", "convert", trace, "-o", "/dev/null", "--save-description", name],
      ["trace", "convert", csv, "--from", "csv", "--lenient", "-o", name],
      ["trace", "generate", "--workload", "scan", "--writes", "100", "-o", name],
    ] {
      let outcome = try Program.run(arguments, folder: folder.path)
      #expect(outcome.status == 0, "\(arguments.prefix(6)): \(outcome.error)")
      #expect(try !folder.text(name).isEmpty)
      #expect(try folder.names == ["in.csv", name, "small.trace"].sorted())
      try FileManager.default.removeItem(atPath: folder.path + "/" + name)
    }
  }

  /// The commands that write, each to this path.
  private func writers(_ trace: String, _ path: String) -> [[String]] {
    [
      ["run", trace, "--quiet", "--save", path], ["run", trace, "--output", path],
      ["run", trace, "--quiet", "--export", "html=\(path)"], ["check", trace, "--baseline", path, "--update"],
      ["attack", "--attack", "A1", "--output", path], ["trace", "convert", trace, "-o", path],
      ["trace", "convert", trace, "--to", "csv", "-o", path],
      ["trace", "convert", trace, "--to", "perfetto", "-o", path],
      ["trace", "convert", trace, "-o", "/dev/null", "--save-description", path],
      ["trace", "generate", "--workload", "scan", "--writes", "100", "-o", path],
    ]
  }

  @Test("keeps the mode of what it replaces, and is refused where that may not be written")
  func modes() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let path = try folder.file("out", "old")
    for arguments in writers(trace, path) {
      for mode in [0o600, 0o640, 0o606, 0o755] as [mode_t] {
        chmod(path, mode)
        let outcome = try Program.run(arguments)
        #expect(outcome.status == 0, "\(arguments): \(outcome.error)")
        let kept = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(kept == Int(mode), "\(arguments): \(String(kept ?? 0, radix: 8))")
      }
    }
    #expect(try folder.names == ["out", "small.trace"])
  }

  /// Runs as a user for whom modes count; nil where that is not to be had.
  private func runUnprivileged(_ arguments: [String]) throws -> Program.Outcome? {
    if geteuid() != 0 { return try Program.run(arguments) }
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv") else { return nil }
    return try Program.run(
      ["--reuid", "65534", "--regid", "65534", "--clear-groups", Program.path] + arguments, program: "/usr/bin/setpriv")
  }

  @Test("is refused where it would replace a file that may only be read")
  func readOnly() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let path = try folder.file("out", "old")
    chmod(folder.path, 0o777)
    chmod(trace, 0o644)
    chmod(path, 0o444)
    for arguments in writers(trace, path) {
      guard let outcome = try runUnprivileged(arguments) else { return }
      #expect(
        outcome.status == 1 && outcome.error.lowercased().contains("permission denied"), "\(arguments): \(outcome)")
      #expect(try folder.text("out") == "old")
    }
  }

  @Test("goes where a link leads that leads nowhere yet, also by more links, and a circle of links is refused")
  func danglingLinks() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    try FileManager.default.createDirectory(atPath: folder.path + "/d", withIntermediateDirectories: false)
    let links = [("a", "b"), ("b", "d/../d/c"), ("d/c", "target"), ("x", "y"), ("y", "x"), ("z", "none/z")]
    for (link, target) in links {
      try FileManager.default.createSymbolicLink(atPath: folder.path + "/" + link, withDestinationPath: target)
    }
    for arguments in writers(trace, folder.path + "/a") {
      let outcome = try Program.run(arguments)
      #expect(outcome.status == 0, "\(arguments): \(outcome.error)")
      #expect(try !folder.text("d/target").isEmpty, "\(arguments)")
      try FileManager.default.removeItem(atPath: folder.path + "/d/target")
    }
    for circle in ["x", "z"] {
      for arguments in writers(trace, folder.path + "/" + circle) {
        let outcome = try Program.run(arguments)
        #expect(outcome.status == 1 && outcome.error.split(separator: "\n").count == 1, "\(arguments): \(outcome)")
      }
    }
    for (link, target) in links {
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path + "/" + link) == target)
    }
    #expect(try folder.names == ["a", "b", "d", "small.trace", "x", "y", "z"])
  }

  @Test("is a whole new file also under /dev, and only there written in place where a device or a descriptor is")
  func sharedMemory() throws {
    guard access("/dev/shm", W_OK) == 0 else { return }
    let path = "/dev/shm/gi-bench-\(UUID().uuidString)"
    defer { unlink(path) }
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    var texts: [String] = []
    for _ in 0..<2 {
      #expect(try Program.run(["run", trace, "--quiet", "--counters-only", "--save", path]).status == 0)
      texts.append(String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self))
    }
    #expect(texts[0] == texts[1] && texts[0].hasPrefix("{"))
    let outcome = try Program.run(["run", trace, "--counters-only", "--quiet", "--export", "json=/dev/stdout"])
    #expect(outcome.status == 0 && outcome.output == texts[0])
    let converted = try Program.run(["trace", "convert", trace, "--to", "csv", "-o", "/dev/stdout"])
    #expect(converted.output.hasPrefix("kind,"))
  }

  @Test("goes where a link leads, and leaves the link")
  func link() throws {
    let folder = try Program.Folder()
    let target = try folder.file("target")
    let link = folder.path + "/link.trace"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    #expect(try Program.run(["trace", "generate", "--workload", "scan", "--writes", "100", "-o", link]).status == 0)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
    #expect(try Program.run(["trace", "info", target]).output.contains("100"))
    #expect(try folder.names == ["link.trace", "target"])
  }

  @Test("is nothing of a stream without end that is no trace")
  func endless() throws {
    let outcome = try Program.run(["run", "/dev/zero"])
    #expect(outcome.status == 1 && outcome.error.contains("expected the magic of a trace"))
  }

  @Test("fails where the standard output is full", arguments: ["info", "stats", "check", "view"])
  func full(command: String) throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let process = Process()
    process.executableURL = URL(filePath: Program.path)
    process.arguments = ["trace", command, trace]
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: "/dev/full"))
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 1)
  }
}
