import Foundation
import Testing

/// The built gi-bench, run as a process.
struct Program {
  /// What a run left behind.
  struct Outcome {
    var status: Int32
    var output: String
    var error: String
  }

  /// A folder of its own for each test; removed at its end.
  final class Folder {
    let path: String

    init() throws {
      path = NSTemporaryDirectory() + "gi-bench-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and answers its path.
    func file(_ name: String, _ text: String = "") throws -> String {
      try Data(text.utf8).write(to: URL(filePath: path + "/" + name))
      return path + "/" + name
    }

    func text(_ name: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(filePath: path + "/" + name)), as: UTF8.self)
    }

    var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }
  }

  /// The root of the repository.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized.path

  /// Where gi-bench is: beside the test bundle.
  static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appending(path: "gi-bench").path

  /// Runs `gi-bench arguments`, in a folder and with a file or a text as standard input if they are named.
  static func run(
    _ arguments: [String], environment: [String: String] = [:], input: String? = nil, text: String? = nil,
    folder current: String? = nil, program: String = path
  ) throws -> Outcome {
    let folder = try Folder()
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    // Wide enough that no sentence a test looks for is folded.
    process.environment = ProcessInfo.processInfo.environment.merging(["COLUMNS": "400"]) { $1 }.merging(environment) {
      $1
    }
    let input = try text.map { try folder.file("in", $0) } ?? input
    process.standardInput = try input.map { try FileHandle(forReadingFrom: URL(filePath: $0)) } ?? .nullDevice
    if let current { process.currentDirectoryURL = URL(filePath: current) }
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: folder.file("out")))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: folder.file("err")))
    try process.run()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationReason == .exit ? process.terminationStatus : -1, output: try folder.text("out"),
      error: try folder.text("err"))
  }

  /// What a run took of the machine.
  struct Usage {
    var status: Int32
    /// Seconds of processor time, which other programs do not change.
    var seconds: Double
    /// The most memory that was resident, in bytes.
    var resident: Int
  }

  /// Runs `gi-bench arguments`, its output thrown away, and measures it.
  static func measure(_ arguments: [String]) throws -> Usage {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in [0, 1, 2] as [Int32] {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    let words = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process = pid_t()
    try #require(posix_spawn(&process, path, &actions, nil, words, environ) == 0)
    var (status, usage, resident) = (Int32(0), rusage(), 0)
    while true {
      let ended = wait4(process, &status, WNOHANG, &usage)
      try #require(ended >= 0)
      if ended == process { break }
      // What wait4 tells of memory is the parent's, from before the new program took its place.
      resident = peak(of: process) ?? resident
      usleep(1000)
    }
    let seconds = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return Usage(
      status: status & 0x7f == 0 ? status >> 8 & 0xff : -1, seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
      resident: resident)
  }

  /// The most memory that a running process has had, in bytes.
  private static func peak(of process: pid_t) -> Int? {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
    else { return nil }
    return Int(line.filter(\.isNumber)).map { $0 << 10 }
  }

  /// A file of this target's fixtures.
  static func fixture(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/" + name).path
  }

  /// Expects a failure: this status, nothing on the standard output, and one sentence on the standard error.
  static func expectFailure(
    _ arguments: [String], status: Int32, sentence: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try run(arguments)
    #expect(outcome.status == status, sourceLocation: sourceLocation)
    #expect(outcome.output == "", sourceLocation: sourceLocation)
    #expect(outcome.error == "gi-bench: \(sentence)\n", sourceLocation: sourceLocation)
  }

  /// A reviewed result of the Report room, as `run --save` writes it.
  static let savedResult = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "ReportTests/Golden/run.json").path
}
