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

  /// Where gi-bench is: beside the test bundle.
  static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appending(path: "gi-bench").path

  /// Runs `gi-bench arguments`, in a folder and with a file or a text as standard input if they are named.
  static func run(
    _ arguments: [String], environment: [String: String] = [:], input: String? = nil, text: String? = nil,
    folder current: String? = nil
  ) throws -> Outcome {
    let folder = try Folder()
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
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
