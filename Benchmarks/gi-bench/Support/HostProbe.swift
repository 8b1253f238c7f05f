import Foundation
import Recordings
import Replay

/// A program that takes samples of a task of host times, a process each.
///
/// It may be any program: each process has a group of its own, which is killed whole when the time is up, and is read no
/// further than an answer can be long.
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
    var (answer, complaint) = (HostPipe(), HostPipe())
    defer {
      answer.close()
      complaint.close()
    }
    guard let process = spawn(answer, complaint) else {
      throw Failure("\(name): cannot be run; expected the path of another build of gi-bench")
    }
    answer.closeWriter()
    complaint.closeWriter()
    let status = wait(for: process, &answer, &complaint)
    let sample = try? JSONDecoder().decode(HostRatioTask.Sample.self, from: Data(answer.bytes))
    guard status == 0, let sample, [sample.lookup, sample.alert].allSatisfy({ (1e-3...1e12).contains($0) }) else {
      let words = String(decoding: complaint.bytes.prefix(240), as: UTF8.self)
      throw Failure(
        "\(name): took no sample of our own paths (\(Self.words(status))\(words.isEmpty ? "" : ": " + words)); expected a "
          + "gi-bench that knows what this one asks for, of a commit not too far away")
    }
    return sample
  }

  private static func words(_ status: Int32) -> String {
    status & 0x7f == 0 ? "status \(status >> 8 & 0xff)" : "ended by signal \(status & 0x7f)"
  }

  /// Starts a process in a group of its own, without our blocked signals; nil if that cannot be.
  private func spawn(_ answer: HostPipe, _ complaint: HostPipe) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, answer.writer, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, complaint.writer, STDERR_FILENO)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
    let arguments = [strdup(program), strdup(HostSample.configuration.commandName ?? ""), nil]
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    return posix_spawn(&process, program, &actions, &attributes, arguments, environ) == 0 ? process : nil
  }

  /// Reads until both pipes end, the process has ended, too much has come or the time is up; ends the group; how the process
  /// ended, as waitpid says it.
  private func wait(for process: pid_t, _ answer: inout HostPipe, _ complaint: inout HostPipe) -> Int32 {
    let deadline = ContinuousClock.now + .seconds(seconds)
    var status: Int32 = 0
    var hasEnded = false
    while !hasEnded, ContinuousClock.now < deadline, answer.bytes.count < Self.longestAnswer {
      var ready = [answer, complaint].filter(\.isOpen).map { pollfd(fd: $0.reader, events: Int16(POLLIN), revents: 0) }
      if !ready.isEmpty { poll(&ready, nfds_t(ready.count), 20) }
      // What is still to be read of a process that has ended is there now.
      hasEnded = waitpid(process, &status, ready.isEmpty ? 0 : WNOHANG) == process
      answer.read(atMost: Self.longestAnswer)
      complaint.read(atMost: Self.longestAnswer)
    }
    kill(-process, SIGKILL)
    if !hasEnded { waitpid(process, &status, 0) }
    return status
  }
}

/// A pipe from a process, and what has been read of it.
private struct HostPipe {
  private(set) var reader: Int32
  private(set) var writer: Int32
  private(set) var bytes: [UInt8] = []
  private(set) var isOpen = true

  init() {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { fatalError("no pipe: too many files are open") }
    (reader, writer) = (ends[0], ends[1])
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(reader, F_SETFL, O_NONBLOCK)
  }

  /// Reads what is there, or a good part of it; what comes beyond the most is let go by.
  mutating func read(atMost most: Int) {
    var buffer = [UInt8](repeating: 0, count: most)
    for _ in 0..<4 where isOpen {
      let count = Glibc.read(reader, &buffer, most)
      if count < 0 { return }
      if count == 0 { isOpen = false }
      bytes += buffer.prefix(min(count, most - bytes.count))
    }
  }

  mutating func closeWriter() {
    Glibc.close(writer)
    writer = -1
  }

  func close() {
    Glibc.close(reader)
    if writer >= 0 { Glibc.close(writer) }
  }
}
