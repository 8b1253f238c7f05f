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
    if let unlike = samples.first(where: { $0.build != samples[1].build }) {
      throw NotComparable(
        "\(other) is a \(unlike.build) build and this a \(samples[1].build) build of gi-bench; build both alike")
    }
    return HostRatios(of: task, over: other, alternating: samples)
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
