import ArgumentParser
import Foundation
import Replay
import Report

/// Takes host ratios in many processes of two programs, in turns: each process lies elsewhere in memory, and whatever
/// drifts, drifts for both.
enum HostMeter {
  /// Pairs of processes.
  static let pairs = 60

  /// The ratios of a task: this program over `other`, a path.
  ///
  /// `slowdown` look-ups more in every 256 on our side prove that a slowdown is seen.
  static func measure(
    _ task: HostRatioTask, by program: String = "/proc/self/exe", over other: String, slowdown: Int = 0
  ) throws -> HostRatios {
    var slowed = task
    slowed.slowdown = slowdown
    let ours = try HostProbe(program, task: slowed)
    let theirs = try HostProbe(other, task: task)
    var samples: [HostRatioTask.Sample] = []
    for pair in 0..<pairs {
      for probe in pair % 2 == 0 ? [theirs, ours] : [ours, theirs] { samples.append(try probe.sample()) }
    }
    if samples[0].build != samples[1].build {
      throw NotComparable(
        "\(other) is a \(samples[0].build) build and this a \(samples[1].build) build of gi-bench; build both alike")
    }
    return HostRatios(of: task, over: other, alternating: samples)
  }
}

/// A program that takes samples of a task, a process each.
private final class HostProbe {
  private static let secondsAllowed = 60.0
  private let program: URL
  private let name: String
  private let input: URL

  init(_ path: String, task: HostRatioTask) throws {
    name = path
    program = URL(filePath: path).resolvingSymlinksInPath()
    input = FileManager.default.temporaryDirectory.appending(path: "gi-bench-\(UUID().uuidString)")
    try JSONEncoder().encode(task).write(to: input)
  }

  deinit { try? FileManager.default.removeItem(at: input) }

  func sample() throws -> HostRatioTask.Sample {
    let process = Process()
    process.executableURL = program
    process.arguments = [HostSample.configuration.commandName ?? ""]
    let (given, answer, complaint) = (try FileHandle(forReadingFrom: input), Pipe(), Pipe())
    // Not left to the handles' end, which comes when the run's comes.
    defer {
      for pipe in [answer, complaint] {
        try? pipe.fileHandleForReading.close()
        try? pipe.fileHandleForWriting.close()
      }
      try? given.close()
    }
    process.standardInput = given
    process.standardOutput = answer
    process.standardError = complaint
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    do { try process.run() } catch {
      throw Failure("\(name): cannot be run; expected the path of another build of gi-bench")
    }
    // A kill, which no program that was started with signals blocked can put off.
    func end() { kill(process.processIdentifier, SIGKILL) }
    let watch = DispatchWorkItem { end() }
    DispatchQueue.global().asyncAfter(deadline: .now() + Self.secondsAllowed, execute: watch)
    let output = try answer.fileHandleForReading.read(upToCount: 1 << 16) ?? Data()
    if output.count == 1 << 16 { end() }
    ended.wait()
    watch.cancel()
    guard process.terminationStatus == 0,
      let sample = try? JSONDecoder().decode(HostRatioTask.Sample.self, from: output), sample.lookup > 0,
      sample.alert > 0
    else {
      let words = try complaint.fileHandleForReading.read(upToCount: 240) ?? Data()
      throw Failure(
        "\(name): took no sample of our own paths (status \(process.terminationStatus)): \(String(decoding: words, as: UTF8.self)); "
          + "expected a gi-bench that knows what this one asks for, of a commit not too far away")
    }
    return sample
  }
}

/// `gi-bench host-sample`: one process's sample, a task on the standard input and its times on the standard output.
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
