import Foundation
import Replay
import Testing

@testable import gi_bench

@Suite("gi-bench profile measure")
struct ProfileMeasureTests {
  /// A compiler that makes a shell script of every program.
  private func compiler(making script: String, in folder: Program.Folder) throws -> String {
    let path = try folder.file(
      "compiler",
      """
      #!/bin/sh
      while [ $# -gt 0 ]; do [ "$1" = -o ] && program=$2; shift; done
      cat >"$program" <<'END'
      #!/bin/sh
      \(script)
      END
      chmod +x "$program"

      """)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  /// An empty folder for what is left behind.
  private func scratch(in folder: Program.Folder) throws -> String {
    let path = folder.path + "/scratch"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  private func isEmpty(_ path: String) throws -> Bool {
    try FileManager.default.contentsOfDirectory(atPath: path).isEmpty
  }

  @Test("writes a profile that every command takes, says what was left out, and leaves nothing behind")
  func measures() throws {
    let folder = try Program.Folder()
    let temporary = try scratch(in: folder)
    let mine = folder.path + "/mine.json"
    let outcome = try Program.run(
      ["profile", "measure", "--samples", "50", "--profile", "icelake-sp", "--output", mine],
      environment: ["TMPDIR": temporary])
    #expect(outcome.status == 0 && outcome.error == "", "\(outcome.error)")
    #expect(outcome.output.contains("tree_node") && outcome.output.contains("shootdown: no way"))
    #expect(try isEmpty(temporary))
    let profile = try CycleProfile(json: Data(try folder.text("mine.json").utf8), origin: mine)
    #expect(profile.cost(of: .treeNode).tag == .measured && profile.cost(of: .shootdown).tag == .derived)
    let trace = try SmallTrace.write(to: folder)
    #expect(try Program.run([trace, "--profile", mine, "--counters-only"]).status == 0)
  }

  @Test(
    "says what is wrong with a program, and writes no profile of which nothing was measured",
    arguments: [
      ("sleep 99", "gi-plain: not done after 1 s, ended"), ("echo nonsense", "gi-plain: its output breaks off"),
      ("echo nonsense; echo end", "gi-plain: line 1 is 'nonsense'"),
      ("echo it hurts >&2; exit 3", "gi-plain: it hurts (status 3)"),
      ("kill -SEGV $$", "gi-plain: failed (ended by signal 11)"), ("yes", "gi-plain: failed (ended by signal 9)"),
    ])
  func broken(script: String, reason: String) throws {
    let folder = try Program.Folder()
    let temporary = try scratch(in: folder)
    let outcome = try Program.run(
      // Whatever ends by itself has time to, on a busy machine too.
      ["profile", "measure", "--samples", "50", "--time-limit", script.hasPrefix("sleep") ? "1" : "120"],
      environment: ["TMPDIR": temporary, "CC": try compiler(making: script, in: folder)])
    #expect(outcome.status == 1)
    #expect(outcome.output == "" && outcome.error.split(separator: "\n").count == 1)
    #expect(
      outcome.error.hasPrefix(
        "gi-bench: nothing could be measured, and no profile is written; plain program: \(reason)"), "\(outcome.error)")
    #expect(try isEmpty(temporary))
  }

  @Test("names what a compiler complains of, and asks for one where there is none")
  func compilers() throws {
    let folder = try Program.Folder()
    let failing = try folder.file("failing", "#!/bin/sh\necho 'no such header' >&2\nexit 1\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: failing)
    let outcome = try Program.run(["profile", "measure"], environment: ["CC": failing])
    #expect(outcome.status == 1)
    #expect(
      outcome.error.contains("the C compiler \(failing): no such header (status 1); give another with CC=PROGRAM"))
    for environment in [["CC": "/nonexistent"], ["CC": "no-such-compiler"]] {
      let none = try Program.run(["profile", "measure"], environment: environment)
      #expect(none.status == 1 && none.output == "" && none.error.hasPrefix("gi-bench: no C compiler: "))
    }
  }

  @Test("refuses outputs that cannot be written or are also read, and numbers out of range, before it measures")
  func usage() throws {
    let folder = try Program.Folder()
    let mine = try folder.file("mine.json", try Program.run(["profile", "show", "--format", "json"]).output)
    try Program.expectFailure(
      ["profile", "measure", "--profile", mine, "--output", mine], status: 64,
      sentence: "\(mine) is also read, and would be overwritten; give another file")
    #expect(try Program.run(["profile", "measure", "--output", folder.path]).status == 1)
    #expect(try Program.run(["profile", "measure", "--samples", "0"]).status == 64)
    #expect(try Program.run(["profile", "measure", "--time-limit", "0"]).status == 64)
    #expect(try Program.run(["profile", "measure", "--profile", "skylake"]).status == 64)
  }

  @Test("asks for root where the module is to be loaded, before it measures")
  func notRoot() throws {
    let process = Process()
    let arguments = [Program.path, "profile", "measure", "--module"]
    process.executableURL = URL(filePath: geteuid() == 0 ? "/usr/bin/setpriv" : "/usr/bin/env")
    process.arguments = (geteuid() == 0 ? ["--reuid", "65534", "--clear-groups"] : []) + arguments
    let complaint = Pipe()
    process.standardError = complaint
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let said = String(decoding: complaint.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(said == "gi-bench: --module loads a kernel module, which only root may; run this with sudo\n")
    #expect(process.terminationStatus == 1)
  }

  @Test("ends by the signal that interrupts it, with nothing left behind", arguments: [SIGINT, SIGTERM, SIGHUP])
  func interrupted(signal: Int32) throws {
    let folder = try Program.Folder()
    let temporary = try scratch(in: folder)
    let started = folder.path + "/started"
    let process = Process()
    // Whoever runs the tests in the background ignores some of them.
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "--default-signal=INT,TERM,HUP", Program.path, "profile", "measure", "--output", folder.path + "/mine.json",
    ]
    process.environment = ProcessInfo.processInfo.environment.merging([
      "TMPDIR": temporary, "CC": try compiler(making: "sleep 77 & echo $! >\(started); wait", in: folder),
    ]) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    var sleeper: pid_t?
    for _ in 0..<1000 where sleeper == nil {
      usleep(10_000)
      sleeper = (try? String(contentsOfFile: started, encoding: .utf8)).flatMap { pid_t($0.dropLast()) }
    }
    let child = try #require(sleeper)
    #expect(try isEmpty(temporary) == false)
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == signal)
    #expect(try isEmpty(temporary))
    #expect(try folder.names == ["compiler", "scratch", "started"])
    // It is gone as soon as whoever adopted it has noticed.
    for _ in 0..<500 where kill(child, 0) == 0 { usleep(10_000) }
    #expect(kill(child, 0) != 0)
  }
}
