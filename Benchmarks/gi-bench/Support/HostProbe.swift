import Foundation
import Recordings
import Replay

/// A program that takes samples of a task of host times, a process each.
///
/// It may be any program: see ``ChildProcess``.
final class HostProbe {
  private let name: String
  private let program: String
  private let input: Int32
  private let seconds: Double
  private static let longestAnswer = 1 << 16

  /// The program at a path; a process that has not answered after so many seconds is ended.
  init(_ path: String, task: HostRatioTask, seconds: Double = 60) throws {
    name = path
    program = OutputTarget.resolved(path) ?? path
    self.seconds = seconds
    // Without a name, so that nothing is left behind however the run ends.
    let folder = OutputTarget.temporaryFolder
    var template = Array("\(folder)/gi-bench-XXXXXX".utf8CString)
    input = mkstemp(&template)
    guard input >= 0 else {
      throw Failure(
        "\(folder): no temporary file can be made there; set TMPDIR to a folder that can be written")
    }
    unlink(template)
    _ = fcntl(input, F_SETFD, FD_CLOEXEC)
    try FileHandle(fileDescriptor: input, closeOnDealloc: false).write(contentsOf: JSONEncoder().encode(task))
  }

  deinit { close(input) }

  /// What one process says of the task.
  func sample() throws -> HostRatioTask.Sample {
    lseek(input, 0, SEEK_SET)
    let child = ChildProcess(
      program: program, arguments: [HostSample.configuration.commandName ?? ""], input: input, seconds: seconds,
      longestOutput: Self.longestAnswer)
    guard let ended = child.run() else {
      throw Failure("\(name): cannot be run; expected the path of another build of gi-bench")
    }
    let sample = try? JSONDecoder().decode(HostRatioTask.Sample.self, from: Data(ended.output))
    guard ended.hasSucceeded, let sample, [sample.lookup, sample.alert].allSatisfy({ (1e-3...1e12).contains($0) })
    else {
      let words = String(decoding: ended.complaint.prefix(240), as: UTF8.self)
      throw Failure(
        "\(name): took no sample of our own paths (\(ended.words)\(words.isEmpty ? "" : ": " + words)); expected a "
          + "gi-bench that knows what this one asks for, of a commit not too far away")
    }
    return sample
  }
}
