import Calibration
import Foundation

/// Compiles and runs the parts of a calibration in a folder of its own.
struct CalibrationRun {
  let folder: TemporaryFolder
  let rules: CalibrationRules
  /// Samples of each figure.
  var samples: Int
  /// After so many seconds a program is ended.
  var seconds: Double

  /// What became of a part.
  func outcome(of part: CalibrationPart) -> MeasuredProfile.Outcome {
    if let refusal = rules.refusal(of: part) { return .refused(refusal) }
    do {
      var report = try part == .module ? module() : compiledProgram(of: part)
      if part == .plain { report.add(try ownPaths()) }
      if let doubt = rules.doubt(about: report, of: part) { return .refused(doubt) }
      return .report(report)
    } catch {
      return .failed(Failure(from: error).sentence)
    }
  }

  // MARK: Programs

  private func compiledProgram(of part: CalibrationPart) throws -> ProgramReport {
    let source = ProgramSource.of(part)
    for file in source.files { try folder.write(file.bytes, to: file.name) }
    let program = "\(folder.path)/\(source.name)"
    let compiler = try Self.compiler()
    try succeed(
      compiler,
      ["-std=gnu11", "-O2", "-Wall", "-pthread", "-o", program] + source.compiled.map { "\(folder.path)/\($0)" },
      what: "the C compiler \(compiler)", seconds: 120,
      remedy: "give another with CC=PROGRAM, or install gcc and libc6-dev")
    return try report(of: program, [String(samples)], name: source.name)
  }

  /// Our own paths, in a process of their own, since they keep to one processor.
  private func ownPaths() throws -> ProgramReport {
    try report(
      of: "/proc/self/exe", [OwnPathsSample.configuration.commandName ?? "", String(samples)], name: "gi-bench")
  }

  private func report(of program: String, _ arguments: [String], name: String) throws -> ProgramReport {
    let ended = try succeed(
      program, arguments, what: name, seconds: seconds,
      remedy: "see that TMPDIR is not mounted noexec, and that nothing else keeps the machine busy")
    return try ProgramReport(output: ended.output, of: name)
  }

  /// Runs a program to its end; throws unless that is a good one.
  @discardableResult
  private func succeed(
    _ program: String, _ arguments: [String], what: String, seconds: Double, remedy: String
  ) throws -> ChildProcess.Ended {
    let child = ChildProcess(
      program: program, arguments: arguments, seconds: seconds, longestOutput: ProgramReport.longest + 1)
    guard let ended = child.run() else { throw Failure("\(what): cannot be run; \(remedy)") }
    guard !ended.isLate else { throw Failure("\(what): not done after \(Int(seconds)) s, ended; \(remedy)") }
    guard ended.hasSucceeded else {
      let words = String(decoding: ended.complaint.prefix(400), as: UTF8.self).split(separator: "\n").first ?? ""
      throw Failure("\(what): \(words.isEmpty ? "failed" : words) (\(ended.words)); \(remedy)")
    }
    return ended
  }

  /// The C compiler: what CC says, else the first of the usual names on PATH.
  static func compiler() throws -> String {
    let environment = ProcessInfo.processInfo.environment
    let wanted = environment["CC"].map { [$0] } ?? ["cc", "gcc", "clang"]
    let folders = (environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").map(String.init)
    for name in wanted {
      for path in name.contains("/") ? [name] : folders.map({ "\($0)/\(name)" }) where access(path, X_OK) == 0 {
        return path
      }
    }
    throw Failure(
      "no C compiler: \(wanted.joined(separator: ", ")) \(wanted.count == 1 ? "is" : "are") not found on PATH; "
        + "install gcc and libc6-dev, or name one with CC=PROGRAM")
  }
}

// MARK: - The kernel module

extension CalibrationRun {
  /// Builds the module and has it loaded: it measures, tells the kernel's log, and refuses to stay.
  private func module() throws -> ProgramReport {
    let source = ProgramSource.of(.module)
    let kernel = MachineIdentity.current.kernel
    let headers = "/lib/modules/\(kernel)/build"
    guard InputFile.exists(headers + "/Makefile") else {
      throw Failure("\(headers): not there, expected the build tree of this kernel; install linux-headers-\(kernel)")
    }
    for file in source.files { try folder.write(file.bytes, to: file.name) }
    try succeed(
      try Self.tool("make"), ["-s", "-C", headers, "M=\(folder.path)", "modules"], what: "make in \(headers)",
      seconds: 300,
      remedy: "install what builds modules of this kernel")
    var log = try KernelLog()
    let child = ChildProcess(
      program: try Self.tool("insmod"), arguments: ["\(folder.path)/\(source.name).ko"], seconds: seconds,
      longestOutput: 1 << 16)
    guard let ended = child.run() else { throw Failure("insmod: cannot be run; install kmod") }
    let records = log.newRecords()
    guard records.contains(source.name) else {
      let words = String(decoding: ended.complaint.prefix(400), as: UTF8.self).split(separator: "\n").first ?? ""
      throw Failure(
        "insmod: \(words.isEmpty ? "failed" : words) (\(ended.words)); see `dmesg`, and whether secure boot is on")
    }
    return try ModuleLog.report(in: records)
  }

  /// A program on PATH, or where only root's PATH leads.
  private static func tool(_ name: String) throws -> String {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":") + ["/usr/sbin", "/sbin"]
    for folder in folders where access("\(folder)/\(name)", X_OK) == 0 { return "\(folder)/\(name)" }
    throw Failure("\(name): not found on PATH; install \(name == "make" ? "make" : "kmod")")
  }
}

/// The kernel's log from now on.
private struct KernelLog {
  private let descriptor: Int32

  init() throws {
    descriptor = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0, lseek(descriptor, 0, SEEK_END) >= 0 else {
      throw Failure(
        "/dev/kmsg: \(String(cString: strerror(errno)).lowercased()), expected the kernel's log; run this as root")
    }
  }

  /// The records written since, a line each; ends the reading.
  mutating func newRecords() -> String {
    defer { close(descriptor) }
    var records: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 8192)
    // EPIPE: records were lost to others, and the next is there.
    while records.count < ProgramReport.longest {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EPIPE || errno == EINTR { continue }
      guard count > 0 else { break }
      records += buffer[..<count]
    }
    return String(decoding: records, as: UTF8.self)
  }
}
