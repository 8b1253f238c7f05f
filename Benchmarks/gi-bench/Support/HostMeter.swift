import ArgumentParser
import Foundation
import Replay
import Report

/// Takes host ratios in many processes of this program, one after the other: each lies elsewhere in memory.
enum HostMeter {
  /// Processes started.
  static let processes = 100

  /// The ratios of a task, by processes of `program`.
  static func measure(_ task: HostRatioTask, by program: URL = itself) throws -> HostRatios {
    let input = try JSONEncoder().encode(task)
    return HostRatios(of: task, try (0..<processes).map { _ in try sample(input, by: program) })
  }

  private static var itself: URL { URL(filePath: "/proc/self/exe").resolvingSymlinksInPath() }

  private static func sample(_ input: Data, by program: URL) throws -> HostRatioTask.Sample {
    let process = Process()
    process.executableURL = program
    process.arguments = [HostSample.configuration.commandName ?? ""]
    let (given, answer) = (Pipe(), Pipe())
    process.standardInput = given
    process.standardOutput = answer
    try process.run()
    try given.fileHandleForWriting.write(contentsOf: input)
    try given.fileHandleForWriting.close()
    let output = try answer.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(
        "a process that times our own paths ended with status \(process.terminationStatus); see its sentence above")
    }
    return try JSONDecoder().decode(HostRatioTask.Sample.self, from: output)
  }
}

/// `gi-bench host-sample`: one process's sample, a task on the standard input and its ratios on the standard output.
struct HostSample: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "host-sample", abstract: "One process's part of `check --host`.", shouldDisplay: false)

  func run() throws {
    let input = try InputFile.read(InputFile.standardInput, atMost: 64 << 20, expecting: "a task of `check --host`")
    guard let task = try? JSONDecoder().decode(HostRatioTask.self, from: input) else {
      throw Failure("standard input: no task of `check --host`; run that instead")
    }
    try OutputFile.writeStandardOutput(JSONExporter.encode(task.sample()))
  }
}
