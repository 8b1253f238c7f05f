import Foundation

/// A program run as a process of its own, whatever it may be: it has a process group, which is killed whole when it ends, when
/// the time is up or when we are interrupted, and is read no further than its answer may be long.
struct ChildProcess {
  /// The path of the program.
  var program: String
  /// Its arguments, without its name.
  var arguments: [String] = []
  /// A descriptor for its standard input.
  var input: Int32 = -1
  /// After so many seconds it is ended.
  var seconds: Double
  /// More than it may print.
  var longestOutput: Int

  /// How a process ended, and what it printed.
  struct Ended {
    /// As waitpid says it.
    var status: Int32
    /// From the standard output.
    var output: [UInt8]
    /// From the standard error.
    var complaint: [UInt8]
    /// Whether the time was up first.
    var isLate: Bool

    /// Whether it ended by itself, with status 0.
    var hasSucceeded: Bool { status == 0 }
    /// How it ended, in words.
    var words: String { status & 0x7f == 0 ? "status \(status >> 8 & 0xff)" : "ended by signal \(status & 0x7f)" }
  }

  /// Runs the program; nil if there is none.
  func run() -> Ended? {
    var (answer, complaint) = (ChildPipe(), ChildPipe())
    defer {
      answer.close()
      complaint.close()
    }
    guard let process = spawn(answer, complaint) else { return nil }
    answer.closeWriter()
    complaint.closeWriter()
    let (status, isLate) = wait(for: process, &answer, &complaint)
    return Ended(status: status, output: answer.bytes, complaint: complaint.bytes, isLate: isLate)
  }

  /// Starts a process in a group of its own, without our blocked signals; nil if that cannot be.
  private func spawn(_ answer: ChildPipe, _ complaint: ChildPipe) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    if input >= 0 {
      posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    } else {
      posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_adddup2(&actions, answer.writer, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, complaint.writer, STDERR_FILENO)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
    let words = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process = pid_t()
    return posix_spawn(&process, program, &actions, &attributes, words, environ) == 0 ? process : nil
  }

  /// Reads until both pipes end, the process has ended, too much has come, the time is up or somebody interrupts us; ends the
  /// group; how the process ended, as waitpid says it.
  private func wait(for process: pid_t, _ answer: inout ChildPipe, _ complaint: inout ChildPipe) -> (
    Int32, isLate: Bool
  ) {
    let deadline = ContinuousClock.now + .seconds(seconds)
    var status: Int32 = 0
    var (hasEnded, isLate) = (false, false)
    while !hasEnded, !isLate, answer.bytes.count < longestOutput, Interruption.pending == nil {
      var ready = [answer, complaint].filter(\.isOpen).map { pollfd(fd: $0.reader, events: Int16(POLLIN), revents: 0) }
      if ready.isEmpty { usleep(5_000) } else { poll(&ready, nfds_t(ready.count), 20) }
      // What is still to be read of a process that has ended is there now.
      hasEnded = waitpid(process, &status, WNOHANG) == process
      isLate = !hasEnded && ContinuousClock.now >= deadline
      answer.read(atMost: longestOutput)
      complaint.read(atMost: longestOutput)
    }
    kill(-process, SIGKILL)
    if !hasEnded { waitpid(process, &status, 0) }
    return (status, isLate)
  }
}

/// A pipe from a process, and what has been read of it.
private struct ChildPipe {
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
